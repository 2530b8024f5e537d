"""A query text cut into tokens, and the error that points into the text."""

from __future__ import annotations

import re
from typing import NamedTuple

from archive.errors import QueryError
from archive.query.predicate import BARE_KEY, KEYWORDS

LENGTH_LIMIT = 10_000

_TOKEN = re.compile(
    rf"""
      (?P<space>   \s+ )
    | (?P<number>  (?: [0-9]+ (?:\.[0-9]*)? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
    | (?P<name>    {BARE_KEY.pattern} )
    | (?P<text>    '(?: [^'\\] | \\. )*' | "(?: [^"\\] | \\. )*" )
    | (?P<key>     `(?: [^`\\] | \\. )*` )
    | (?P<sign>    \*\* | == | != | <= | >= | [<>=()\[\],*/^%+-] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?: x([0-9a-fA-F]{2}) | u([0-9a-fA-F]{4}) | U([0-9a-fA-F]{8}) | (.) )",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "`": "`"}
_WINDOW = 60  # characters shown on either side of an error
_ADVICE = {
    "&": "write and",
    "|": "write or",
    "!": "write not, or != for unequal",
    "~": "write not, or like for a pattern",
    "'": "the text has no closing '",
    '"': 'the text has no closing "',
    "`": "the key has no closing `",
    "{": "a list stands in (…) or […]",
    ";": "join comparisons by and, or",
}


class Token(NamedTuple):
    """A piece of a query: `kind` is number, name, text, key, sign, keyword or end."""

    kind: str
    text: str
    start: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else self.text


def tokenize(query: str) -> list[Token]:
    """The tokens of a query, with one of kind ``end`` last. Raises QueryError."""
    if len(query) > LENGTH_LIMIT:
        raise QueryError(
            f"a query has at most {LENGTH_LIMIT} characters, this one has {len(query)}",
            hint='for long lists of values use archive.Where("key").in_([...])',
        )
    tokens = []
    position = 0
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None:
            bad = query[position]
            raise error_at(query, position, f"unexpected {bad!r}", hint=_ADVICE.get(bad))
        kind, text = match.lastgroup or "", match[0]
        if kind == "name" and text.lower() in KEYWORDS:
            kind, text = "keyword", text.lower()
        if kind != "space":
            tokens.append(Token(kind, text, position))
        position = match.end()
    return [*tokens, Token("end", "", len(query))]


def unquote(query: str, token: Token) -> str:
    """What stands between the marks of a text or key, backslash escapes resolved."""

    def resolve(match: re.Match[str]) -> str:
        *digits, character = match.groups()
        code = next((d for d in digits if d), None)
        if code is None and character in _ESCAPED:
            return _ESCAPED[character]
        # "x", "u" and "U" come here when too few hexadecimal digits follow.
        if code is None or int(code, 16) > 0x10FFFF:
            raise error_at(
                query,
                token.start + 1 + match.start(),
                f"unknown escape {match[0]!r}",
                hint="a backslash itself is written \\\\",
            )
        return chr(int(code, 16))

    return _ESCAPE.sub(resolve, token.text[1:-1])


def error_at(query: str, position: int, message: str, *, hint: str | None = None) -> QueryError:
    """An error that shows the line of the query with a caret below the position."""
    line_start = query.rfind("\n", 0, position) + 1
    line_end = query.find("\n", position)
    line_end = len(query) if line_end < 0 else line_end
    start = max(line_start, position - _WINDOW)
    end = min(line_end, position + _WINDOW)
    before = "…" if start > line_start else ""
    after = "…" if end < line_end else ""
    shown = "".join(c if c.isprintable() else " " for c in query[start:end])
    caret = " " * (len(before) + position - start) + "^"
    return QueryError(f"{message}\n  {before}{shown}{after}\n  {caret}", hint=hint)
