"""An entry with all that is in it as one JSON document, its arrays kept elsewhere by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import schemas
from archive.entry import ArrayLike, Entry
from archive.errors import FormatError, VersionError
from schemas.v1.unknown import Unknown
from schemas.versions import CONTRACT, TooNew, parse_contract

DEPTH = 16  # of entries in entries; an experiment has four
OURS = f"{CONTRACT[0]}.{CONTRACT[1]}"
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
    try:
        written: dict[str, Any] = {"contract": contract_of(model)}
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


def contract_of(model: schemas.Model) -> str:
    """The version of the contract that the document of a model follows."""
    return _LATER if model.model_extra or isinstance(model, Unknown) else OURS


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


def entry_of(document: Any, take: Take, path: Path, contract: Any = None) -> Entry:
    """The entry that a document describes; `take` gives the array for what stands in its place.
    `contract` is that of the models that do not name another.

    Raises FormatError, with the way, for what is no such document, VersionError for one of a
    contract that is not known yet.
    """
    return _Reading(path, take, contract).entry(document, ())


class _Reading:
    """Makes entries of the objects of one file."""

    def __init__(self, path: Path, take: Take, contract: Any) -> None:
        self._path = path
        self._take = take
        self._contract = contract

    def entry(self, document: Any, way: tuple[str, ...], depth: int = 0) -> Entry:
        if depth > DEPTH:
            raise self._error("it is nested too deeply", way)
        if not isinstance(document, dict) or not isinstance(document.get("model"), dict):
            raise self._error("an entry is an object with a model", way)
        unknown = document.keys() - {"model", "arrays", "parts", "contract"}
        if unknown:
            raise self._error(f"an entry has no {sorted(unknown)[0]!r:.60}", way)
        model = self._model(document["model"], document.get("contract", self._contract), way)
        arrays, parts = document.get("arrays", {}), document.get("parts", [])
        if not isinstance(arrays, dict) or not isinstance(parts, list):
            raise self._error("arrays are an object, and parts a list", way)
        way = (*way, f"{model.kind} {getattr(model, 'name', '') or ''}".strip()[:60])
        return Entry(
            model,
            {name: self._array(name, array, way) for name, array in arrays.items()},
            [self.entry(part, (*way, f"part {at}"), depth + 1) for at, part in enumerate(parts, 1)],
        )

    def _model(self, document: Any, contract: Any, way: tuple[str, ...]) -> schemas.Model:
        try:
            if not isinstance(contract, str):
                raise ValueError("it does not say of which contract it is")
            return schemas.load(document, contract=parse_contract(contract))
        except TooNew as error:
            raise VersionError(str(error), path=self._path, entry="/".join(way) or None) from error
        except ValueError as error:
            raise self._error(_problems(error), way) from error

    def _array(self, name: str, place: Any, way: tuple[str, ...]) -> ArrayLike:
        try:
            return self._take(place)
        except (FormatError, LookupError, OverflowError, TypeError, ValueError) as error:
            message = error.message if isinstance(error, FormatError) else f"{error!s:.200}"
            raise self._error(f"{name:.60}: {message}", way) from error

    def _error(self, message: str, way: tuple[str, ...]) -> FormatError:
        return FormatError(message, path=self._path, entry="/".join(way) or None)


def _problems(error: ValueError) -> str:
    listed: list[Any] = getattr(error, "errors", list)()
    told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in listed]
    return "; ".join(told)[:500] or str(error)[:500]
