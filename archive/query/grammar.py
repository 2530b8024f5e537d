r"""The query language: text to predicate, by recursive descent.

::

    either     := both ("or" both)*
    both       := term ("and" term)*
    term       := "not" term | "(" either ")" | "exists" "(" key ")" | test
    test       := operand (operator operand)+          a < key <= b is two comparisons
                | key ["not"] "in" list | key "like" text
    operator   := "==" | "=" | "!=" | "<" | "<=" | ">" | ">="
    operand    := key | constant
    list       := "(" [constant ("," constant)* [","]] ")", or the same in "[" and "]"
    constant   := ["+" | "-"] (number | "nan" | "inf") [unit] | text | "true" | "false"
                | "none" | "null" | "datetime" "(" text ")"
    unit       := ["1"] "/" factor … | factor (("*" | "/") factor)*
    factor     := (symbol | "%" | "(" unit ")") [("**" | "^") integer]
    key        := name, dotted names included | any text in backticks
    text       := 'in single' or "in double" quotes, with \\ \' \" \` \n \t \r \xNN \uNNNN escapes

Words may be written in capitals. A key spelled like a word stands in backticks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar, get_args

from archive.errors import QueryError
from archive.query.predicate import (
    DEPTH_LIMIT,
    DIGIT_LIMIT,
    And,
    Comparison,
    Constant,
    Exists,
    In,
    Like,
    Not,
    Operator,
    Or,
    Predicate,
    check_key,
    constant,
    quantity,
    write_key,
)
from archive.query.tokens import Token, error_at, tokenize, unquote

T = TypeVar("T")

_OPERATORS: dict[str, Operator] = {"=": "==", **{sign: sign for sign in get_args(Operator)}}
_MIRRORED: dict[Operator, Operator] = {
    "==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<=",
}  # fmt: skip
_WORDS: dict[str, Constant] = {"true": True, "false": False, "none": None, "null": None}


class _Key(str):
    """The name of a key, told apart from a text constant."""

    __slots__ = ()


def parse(query: str | Predicate) -> Predicate:
    """The predicate that a text of the query language stands for; a predicate stands for itself.

    Raises QueryError, with the text and a caret at the place, if it cannot be understood.
    """
    if isinstance(query, Predicate):
        return query
    if not isinstance(query, str):
        raise QueryError(f"a query is text or a predicate, not {query!r}")
    return _Parser(query).whole()


class _Parser:
    """Reads one query from left to right."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.tokens = tokenize(query)
        self.place = 0
        self.depth = 0

    # -- tokens ------------------------------------------------------------------------------

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        token = self.next
        self.place += 1
        return token

    def sees(self, *texts: str, ahead: int = 0) -> bool:
        token = self.tokens[min(self.place + ahead, len(self.tokens) - 1)]
        return token.kind in ("sign", "keyword") and token.text in texts

    def accept(self, *texts: str) -> bool:
        found = self.sees(*texts)
        self.place += found
        return found

    def need(self, text: str, hint: str | None = None) -> None:
        if not self.accept(text):
            raise self.expected(f"'{text}'", hint)

    def expected(self, what: str, hint: str | None = None) -> QueryError:
        message = f"expected {what}, found {self.next}"
        return error_at(self.query, self.next.start, message, hint=hint)

    def at(self, start: int, make: Callable[[], T]) -> T:
        """What `make` makes; its error is shown at a place of the query."""
        try:
            return make()
        except QueryError as error:
            raise error_at(self.query, start, error.message, hint=error.hint) from error

    def deeper(self, read: Callable[[], T]) -> T:
        """What `read` reads, one level of nesting further down."""
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            message = f"a query is nested at most {DEPTH_LIMIT} deep"
            raise error_at(self.query, self.next.start, message)
        found = read()
        self.depth -= 1
        return found

    # -- predicates --------------------------------------------------------------------------

    def whole(self) -> Predicate:
        found = self.either()
        if self.next.kind != "end":
            raise self.expected("'and', 'or' or the end")
        return found

    def either(self) -> Predicate:
        start = self.next.start
        terms = [self.both()]
        while self.accept("or"):
            terms.append(self.both())
        return terms[0] if len(terms) == 1 else self.at(start, lambda: Or(tuple(terms)))

    def both(self) -> Predicate:
        start = self.next.start
        terms = [self.term()]
        while self.accept("and"):
            terms.append(self.term())
        return terms[0] if len(terms) == 1 else self.at(start, lambda: And(tuple(terms)))

    def term(self) -> Predicate:
        start = self.next.start
        if self.accept("not"):
            inner = self.deeper(self.term)
            return self.at(start, lambda: Not(inner))
        if self.accept("("):
            found = self.deeper(self.either)
            self.need(")")
            return found
        if self.accept("exists"):
            self.need("(")
            key = self.key()
            self.need(")")
            return Exists(key)
        return self.test()

    def test(self) -> Predicate:
        start = self.next.start
        operand = self.operand()
        if isinstance(operand, _Key) and self.sees("not", "in", "like"):
            return self.membership(operand)
        comparisons: list[Predicate] = []
        while self.next.text in _OPERATORS and self.next.kind == "sign":
            place = self.next.start
            operator = _OPERATORS[self.take().text]
            right = self.operand()
            comparisons.append(self.comparison(place, operand, operator, right))
            operand = right
        if not comparisons:
            hint = None
            if isinstance(operand, _Key) and self.next.kind in ("keyword", "end"):
                hint = f"write {write_key(operand)} == true"
            raise self.expected("a comparison such as == or >, 'in' or 'like'", hint)
        if len(comparisons) == 1:
            return comparisons[0]
        return self.at(start, lambda: And(tuple(comparisons)))

    def comparison(
        self, start: int, left: Constant, operator: Operator, right: Constant
    ) -> Comparison:
        if isinstance(left, _Key) and isinstance(right, _Key):
            hint = f"text stands in quotes: {write_key(left)} {operator} '{right}'"
            raise error_at(self.query, start, "two keys cannot be compared", hint=hint)
        if isinstance(left, _Key):
            return self.at(start, lambda: Comparison(str(left), operator, right))
        if isinstance(right, _Key):
            return self.at(start, lambda: Comparison(str(right), _MIRRORED[operator], left))
        hint = "a key stands without quotes, or in backticks"
        raise error_at(self.query, start, "two constants cannot be compared", hint=hint)

    def membership(self, key: str) -> Predicate:
        name = str(key)
        negated = self.accept("not")
        if self.accept("in"):
            return In(name, self.constants(), negated)
        if negated:
            raise self.expected("'in'", f"write not ({write_key(name)} like '…')")
        self.need("like")
        pattern = self.text("a pattern in quotes")
        return Like(name, pattern)

    def constants(self) -> tuple[Constant, ...]:
        if not self.sees("(", "["):
            raise self.expected("a list such as ('a', 'b')", "a part of a text: key like '*part*'")
        closing = ")" if self.take().text == "(" else "]"
        found: list[Constant] = []
        while not self.accept(closing):
            if found:
                self.need(",")
                if self.accept(closing):
                    break
            found.append(self.constant())
        return tuple(found)

    # -- operands ----------------------------------------------------------------------------

    def operand(self) -> Constant:
        """A key, as `_Key`, or a constant."""
        if self.next.kind == "key" or (self.next.kind == "name" and not self.sees_datetime()):
            return _Key(self.key())
        return self.constant()

    def key(self) -> str:
        token = self.next
        if token.kind not in ("name", "key"):
            hint = f"write `{token}` for a key of this name" if token.kind == "keyword" else None
            raise self.expected("a key", hint)
        self.place += 1
        if token.kind == "name":
            return token.text
        name = unquote(self.query, token)
        return self.at(token.start, lambda: check_key(name))

    def text(self, what: str) -> str:
        token = self.next
        if token.kind != "text":
            raise self.expected(what)
        self.place += 1
        found = unquote(self.query, token)
        self.at(token.start, lambda: constant(found))
        return found

    def constant(self) -> Constant:
        if self.sees_datetime():
            return self.moment()
        if self.next.kind == "text":
            return self.text("text")
        if self.next.kind == "keyword" and self.next.text in _WORDS:
            return _WORDS[self.take().text]
        if self.next.kind == "name":
            name = self.next.text
            raise self.expected("a constant", f"text stands in quotes: '{name}'")
        return self.quantity()

    def sees_datetime(self) -> bool:
        is_name = self.next.kind == "name" and self.next.text == "datetime"
        return is_name and self.sees("(", ahead=1)

    def moment(self) -> datetime:
        self.place += 2
        start = self.next.start
        text = self.text("a date in quotes")
        try:
            found = datetime.fromisoformat(text)
        except ValueError as error:
            hint = "write it as '2025-01-31' or '2025-01-31T12:00:00+01:00'"
            raise error_at(self.query, start, f"{text!r} is no date", hint=hint) from error
        self.need(")")
        return found

    def quantity(self) -> Constant:
        start = self.next.start
        negative = self.sees("-")
        self.accept("-", "+")
        number = self.number()
        number = -number if negative else number
        if not self.sees_unit():
            return number
        place = self.next.start
        unit = self.unit()
        try:
            return quantity(number, unit)
        except QueryError as error:
            written = self.query[start:place].strip()
            hint = f"after the number {written} stands a unit, 'and', 'or' or nothing"
            raise error_at(self.query, place, error.message, hint=hint) from error

    def number(self) -> int | float:
        token = self.next
        if token.kind == "keyword" and token.text in ("nan", "inf"):
            self.place += 1
            return float(token.text)
        if token.kind != "number":
            raise self.expected("a key, or a constant such as 50 pA, 'text', true or none")
        self.place += 1
        return self.at(token.start, lambda: _number(token.text))

    # -- units -------------------------------------------------------------------------------

    def sees_unit(self) -> bool:
        return self.next.kind == "name" or self.sees("%", "(", "/") or self.sees_reciprocal()

    def sees_reciprocal(self) -> bool:
        return self.next.text == "1" and self.sees("/", ahead=1)

    def unit(self) -> str:
        """The text of a unit, spaces left out; whether it means something is asked later."""
        if self.sees_reciprocal() or self.sees("/"):
            self.place += self.next.text == "1"
            written = "1"
        else:
            written = self.factor()
        while self.sees("*", "/"):
            written += self.take().text + self.factor()
        return written

    def factor(self) -> str:
        if self.accept("("):
            written = f"({self.deeper(self.unit)})"
            self.need(")")
        elif self.next.kind == "name" or self.sees("%"):
            written = self.take().text
        else:
            raise self.expected("the symbol of a unit")
        if self.sees("**", "^"):
            written += self.take().text
            if self.sees("+", "-"):
                written += self.take().text
            if not self.next.text.isdigit():
                raise self.expected("a whole power")
            written += self.take().text
        return written


def _number(text: str) -> int | float:
    if text.isdigit():
        # Python refuses to read very long integers, so their length is asked first.
        if len(text) > DIGIT_LIMIT:
            raise QueryError(f"an integer has at most {DIGIT_LIMIT} digits")
        return int(text)
    found = float(text)
    vanished = found == 0 and text.lower().partition("e")[0].strip("0.")
    if math.isinf(found) or vanished:
        raise QueryError("the number is too large or too small for float64")
    return found
