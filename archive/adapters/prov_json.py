"""PROV-JSON: the provenance of an experiment in a form of W3C PROV that many programs read.

The format: https://www.w3.org/submissions/prov-json/ (W3C member submission of 2013).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from archive.adapters.prov_document import ELEMENTS, FORMAL, Attribute, Document, Record
from archive.adapters.prov_experiment import prov_of
from archive.adapters.prov_terms import Name, Term
from archive.adapters.replacing import replacing
from archive.entry import Loss, Source


class ProvJson:
    """Writes where an experiment comes from as PROV-JSON of the W3C."""

    name: ClassVar[str] = "prov-json"
    suffixes: ClassVar[tuple[str, ...]] = (".prov.json", ".provjson")
    extra: ClassVar[str | None] = None

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        """Write runs, what they used and made, and who did it; data are returned as lost.

        Raises AlreadyExists if the file exists and `overwrite` is False.
        """
        path = Path(path)
        with (
            replacing(path, overwrite=overwrite) as staged,
            staged.open("x", encoding="ascii", newline="\n") as file,
        ):
            document, losses = prov_of(source)
            json.dump(_written(document), file, indent=1)
            file.write("\n")
        return losses


def _written(document: Document) -> dict[str, Any]:
    # "prov" and "xsd" are known to every reader
    known = {"prov", "xsd"}
    spaces = document.used_namespaces()
    written: dict[str, Any] = {
        "prefix": {prefix: iri for prefix, iri in spaces.items() if prefix not in known}
    }
    for kind in FORMAL:
        records = document.records(kind)
        if records:
            written[kind] = {
                str(one.id) if kind in ELEMENTS else f"_:{kind}{number}": _record(one)
                for number, one in enumerate(records, 1)
            }
    return written


def _record(record: Record) -> dict[str, Any]:
    formal = zip(FORMAL[record.kind], record.arguments, strict=True)
    written: dict[str, Any] = {name: str(given) for name, given in formal if given is not None}
    several: dict[str, list[Any]] = {}
    for name, value in _attributes(record.attributes):
        several.setdefault(name, []).append(value)
    return written | {name: v[0] if len(v) == 1 else v for name, v in several.items()}


def _attributes(attributes: dict[Attribute, None]) -> Iterator[tuple[str, Any]]:
    for name, term in attributes:
        yield str(name), _value(term)


def _value(term: Term) -> Any:
    if isinstance(term, Name):
        return {"$": str(term), "type": "prov:QUALIFIED_NAME"}
    if term.type == "xsd:string":
        return term.text
    return {"$": term.text, "type": term.type}
