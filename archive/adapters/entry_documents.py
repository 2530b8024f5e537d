"""An entry with all that is in it as one JSON document, its arrays kept elsewhere by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import schemas
from archive.adapters.json_text import parse_json
from archive.entry import ArrayLike, Entry
from archive.errors import FormatError, VersionError
from schemas.v1.unknown import Unknown
from schemas.versions import CONTRACT, TooNew, parse_contract

_DEPTH = 16  # of entries in entries; an experiment has four
_OURS = f"{CONTRACT[0]}.{CONTRACT[1]}"
# Of what contract documents with unknown fields are: of a later one, nobody knows which.
_LATER = f"{CONTRACT[0]}.{CONTRACT[1] + 1}"

Put = Callable[[str, str, ArrayLike], Any]
Take = Callable[[Any], ArrayLike]


def described(
    entry: Entry,
    put: Put,
    way: str = "",
    before: Callable[[str, schemas.Model], None] | None = None,
) -> dict[str, Any]:
    """The document of an entry: its model, contract, arrays and parts. `put` keeps an array,
    given the way to its entry and its name, and returns what the document has in its place."""
    model = entry.model
    later = bool(model.model_extra) or isinstance(model, Unknown)
    try:
        written: dict[str, Any] = {"contract": _LATER if later else _OURS}
        written["model"] = schemas.dump(model)
    except ValueError as error:
        raise FormatError(f"it has no place in JSON: {error}", entry=way) from error
    if before is not None:
        before(way, model)
    if entry.arrays:
        written["arrays"] = {name: put(way, name, array) for name, array in entry.arrays.items()}
    names: dict[str, int] = {}
    parts = []
    for part in entry.parts:
        step = step_of(part.model)
        names[step] = names.get(step, 0) + 1
        step = step if names[step] == 1 else f"{step}-{names[step]}"
        parts.append(described(part, put, f"{way}/{step}" if way else step, before))
    if parts:
        written["parts"] = parts
    return written


def step_of(model: schemas.Model) -> str:
    """What an entry is called in the way to it: by its name, without characters of ways."""
    if isinstance(model, schemas.Part):
        found = "/".join(filter(None, (model.population, model.variable)))
    elif isinstance(model, schemas.KeyedValue):
        found = "/".join(filter(None, (model.session, model.key)))
    else:
        found = getattr(model, "name", None) or ""
    plain = "/".join(plain_name(part) for part in found.split("/"))
    return plain if found else model.kind


def plain_name(part: str) -> str:
    """A text without characters that file systems do not take; no step upwards."""
    kept = "".join(c if c.isprintable() and c not in '\\:*?"<>|/' else "_" for c in part[:200])
    return kept.encode("utf-8", "replace").decode() if kept.strip(". ") else "_"


def entry_of(text: str, take: Take, path: Path) -> Entry:
    """The entry that a document describes; `take` gives the array for what stands in its place.

    Raises FormatError, with the way, for what is no such document, VersionError for one of a
    contract that is not known yet.
    """
    return _entry(parse_json(text, path), take, path, "")


def _entry(document: Any, take: Take, path: Path, way: str, depth: int = 0) -> Entry:
    if depth > _DEPTH:
        raise FormatError("it is nested too deeply", path=path, entry=way)
    if not isinstance(document, dict) or not isinstance(document.get("model"), dict):
        raise FormatError("an entry is an object with a model", path=path, entry=way or None)
    try:
        contract = parse_contract(document.get("contract", ""))
        model = schemas.load(document["model"], contract=contract)
    except TooNew as error:
        raise VersionError(str(error), path=path, entry=way or None) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise FormatError(f"{error!s:.300}", path=path, entry=way or None) from error
    arrays, parts = document.get("arrays", {}), document.get("parts", [])
    if not isinstance(arrays, dict) or not isinstance(parts, list):
        raise FormatError("arrays are an object, and parts a list", path=path, entry=way or None)
    found: dict[str, ArrayLike] = {}
    for name, place in arrays.items():
        try:
            found[name] = take(place)
        except (LookupError, TypeError, ValueError) as error:
            message = f"the array {name!r:.60} is not sound: {error!s:.200}"
            raise FormatError(message, path=path, entry=way or None) from error
    inside = [
        _entry(part, take, path, f"{way}/{number}".strip("/"), depth + 1)
        for number, part in enumerate(parts, 1)
    ]
    return Entry(model, found, inside)
