"""PROV-N: the provenance of an experiment in the notation of W3C PROV that people read.

The format: https://www.w3.org/TR/prov-n/ (W3C recommendation of 2013).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from archive.adapters.prov_document import FORMAL, Document, Record
from archive.adapters.prov_experiment import prov_of
from archive.adapters.prov_terms import Name, Term
from archive.adapters.replacing import replacing
from archive.entry import Loss, Source

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


class ProvN:
    """Writes where an experiment comes from as PROV-N of the W3C."""

    name: ClassVar[str] = "prov-n"
    suffixes: ClassVar[tuple[str, ...]] = (".provn",)
    extra: ClassVar[str | None] = None

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        """Write runs, what they used and made, and who did it; data are returned as lost.

        Raises AlreadyExists if the file exists and `overwrite` is False.
        """
        path = Path(path)
        with (
            replacing(path, overwrite=overwrite) as staged,
            staged.open("x", encoding="utf-8", newline="\n") as file,
        ):
            document, losses = prov_of(source)
            file.writelines(f"{line}\n" for line in _lines(document))
        return losses


def _lines(document: Document) -> Iterator[str]:
    yield "document"
    for prefix, iri in document.used_namespaces().items():
        if prefix not in ("prov", "xsd"):  # which are declared by themselves
            yield f"  prefix {prefix} <{iri}>"
    for kind in FORMAL:
        for record in document.records(kind):
            yield f"  {kind}({_inside(record)})"
    yield "endDocument"


def _inside(record: Record) -> str:
    given = [] if record.id is None else [str(record.id)]
    # an element may stand without arguments, an activity without both times
    if record.id is None or any(record.arguments):
        given += ["-" if one is None else str(one) for one in record.arguments]
    if record.attributes:
        told = (f"{name}={_value(term)}" for name, term in record.attributes)
        given.append(f"[{', '.join(told)}]")
    return ", ".join(given)


def _value(term: Term) -> str:
    if isinstance(term, Name):
        return f"'{term}'"
    text = f'"{"".join(map(_escaped, term.text))}"'
    return text if term.type == "xsd:string" else f"{text} %% {term.type}"


def _escaped(char: str) -> str:
    """A character in a string; one that a terminal may take for an order by its number."""
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char == " " or char.isprintable():
        return char
    return f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"
