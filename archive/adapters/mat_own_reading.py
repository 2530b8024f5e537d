"""The experiment in a MATLAB file of our own writer, of version 5 or 7.3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.mat_found import Chars, Found, Structs
from archive.adapters.mat_own_values import OwnValues, members, only, records, texts
from archive.adapters.mat_types import ORDER, default_shape, from_text
from archive.entry import Entry
from archive.errors import FormatError

_MARKS = {"about", "experiment", "runs", "names"}
_NOT_FIELDS = {"kind", "count", "index_base", "parts", "segments", "others"}
_TEXTS = {"labels"}


def is_ours(found: Mapping[str, Found]) -> bool:
    """Whether the variables are those of our writer, with its index base."""
    about = found.get("about")
    return (
        found.keys() >= _MARKS
        and isinstance(about, Structs)
        and len(about.items) == 1
        and "index_base" in about.items[0]
    )


def experiment(found: Mapping[str, Found]) -> Entry:
    """The experiment. Raises FormatError, with the place, where something is missing."""
    told = found.get("types")
    types = from_text(told.rows[0]) if isinstance(told, Chars) and len(told.rows) == 1 else {}
    return _Reading(types).experiment(found)


class _Reading:
    def __init__(self, types: Mapping[str, Any]) -> None:
        self._types = types
        self._values = OwnValues(types)

    def experiment(self, found: Mapping[str, Found]) -> Entry:
        fields = only(found["experiment"], "experiment")
        runs = [
            self._run(run, f"runs.{at}") for at, run in enumerate(records(found["runs"], "runs"), 1)
        ]
        others = self._others(fields, "experiment")
        return Entry(self._model(schemas.Experiment, fields, "experiment"), {}, [*runs, *others])

    def _run(self, fields: Mapping[str, Found], place: str) -> Entry:
        fields = dict(fields)
        held = fields.pop("parameters", None)
        parts = []
        more: dict[str, Any] = {}
        if isinstance(held, Structs):
            said = self._types.get(f"{place}.parameters")
            said = said if isinstance(said, dict) else {}
            values = self._values.value(held, f"{place}.parameters.values")
            names = {key: said[key] for key in ("name", "description") if said.get(key) is not None}
            parts.append(Entry(_made(schemas.ParameterSet, {"values": values, **names}, place)))
            more["parameters"] = said.get("digest")
        elif held is not None:
            more["parameters"] = self._values.value(held, f"{place}.parameters")
        parts += self._others(fields, place)
        segments = records(fields.get("segments", np.empty((0, 0))), f"{place}.segments")
        parts += [
            self._segment(segment, f"{place}.segments.{at}")
            for at, segment in enumerate(segments, 1)
        ]
        return Entry(self._model(schemas.Run, fields, place, more), {}, parts)

    def _segment(self, fields: Mapping[str, Found], place: str) -> Entry:
        known = set(schemas.Segment.model_fields)
        parts: dict[str, Entry] = {}
        for outer, population in fields.items():
            if outer in known or not isinstance(population, Structs):
                continue  # a population that other segments have is an empty matrix here
            for name, part in only(population, f"{place}.{outer}").items():
                parts[f"{outer}.{name}"] = self._part(part, f"{place}.{outer}.{name}")
        order = self._types.get(f"{place}.{ORDER}")
        if isinstance(order, list) and sorted(map(str, order)) == sorted(parts):
            parts = {name: parts[name] for name in order}
        return Entry(self._model(schemas.Segment, fields, place), {}, list(parts.values()))

    def _others(self, fields: Mapping[str, Found], place: str) -> list[Entry]:
        held = fields.get("others", np.empty((0, 0)))
        return [
            self._part(item, f"{place}.{at}")
            for at, item in enumerate(members(held, f"{place}.others"), 1)
        ]

    def _part(self, found: Found, place: str) -> Entry:
        fields = only(found, place)
        word = fields.get("kind")
        kind = schemas.KINDS.get(word.rows[0]) if isinstance(word, Chars) and word.rows else None
        if kind is None:
            raise FormatError("it does not say of which kind it is", entry=place)
        renamed = self._types.get(place)
        renamed = renamed if isinstance(renamed, dict) else {}
        arrays = {
            str(renamed.get(name, name)): self._array(value, f"{place}.{name}", name)
            for name, value in fields.items()
            if name not in kind.model_fields and name not in _NOT_FIELDS
        }
        parts = []
        if "parts" in fields:
            inside = enumerate(members(fields["parts"], f"{place}.parts"), 1)
            parts = [self._part(item, f"{place}.parts.{at}") for at, item in inside]
        return Entry(self._model(kind, fields, place), arrays, parts)

    def _array(self, found: Found, place: str, name: str) -> npt.NDArray[Any]:
        if name in _TEXTS and place not in self._types:
            return np.array(texts(found), object)
        if isinstance(found, np.ndarray) and not found.dtype.hasobject and place not in self._types:
            return found.reshape(default_shape(found.shape))
        value = self._values.value(found, place)
        if isinstance(value, list):
            return np.array(value, object)
        if not isinstance(value, schemas.Array):
            return np.asarray(value)
        return np.frombuffer(value.data, value.dtype).reshape(value.shape)

    def _model(
        self,
        kind: type[schemas.Model],
        fields: Mapping[str, Found],
        place: str,
        more: Mapping[str, Any] | None = None,
    ) -> schemas.Model:
        held = {
            name: self._values.value(fields[name], f"{place}.{name}")
            for name in kind.model_fields
            if name in fields and name != "kind"
        }
        return _made(kind, {**held, **(more or {})}, place)


def _made(kind: type[schemas.Model], fields: Mapping[str, Any], place: str) -> schemas.Model:
    """A model of values in which whole numbers are floats, and times texts."""
    try:
        return kind.model_validate(dict(fields), strict=False)
    except ValueError as error:
        listed: list[Any] = getattr(error, "errors", list)()
        problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in listed)
        raise FormatError(problems or str(error), entry=place) from error
