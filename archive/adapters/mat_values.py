"""From the values of the contract to what MATLAB has, noting names changed and values lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from archive.adapters.mat_names import matlab_names
from archive.adapters.mat_nodes import Cell, Node, Numbers, Struct, Texts
from archive.adapters.mat_types import (
    BYTES,
    DATETIME,
    DICT,
    FOLDED,
    INT,
    LIST,
    NUMBERED,
    array_tag,
    in_matlab,
    is_self_evident,
    scalar_tag,
)
from archive.entry import ArrayLike, Loss
from schemas.v1.model import Facts
from schemas.v1.value import Array, Quantity, Scalar

_AS_THEY_ARE = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"}
_EXACT = 2**53  # MATLAB's own numbers are doubles; up to here they hold every integer


@dataclass(slots=True)
class Notes:
    """What is found out while values are translated."""

    losses: list[Loss] = field(default_factory=list)
    types: dict[str, Any] = field(default_factory=dict)  # see `mat_types`
    renamed: dict[tuple[str, str, str], None] = field(default_factory=dict)  # an ordered set

    def lost(self, entry: str, what: str, reason: str) -> None:
        self.losses.append(Loss(entry, what, reason))

    def rename(self, where: str, original: str, mapped: str) -> None:
        if original != mapped:
            self.renamed[where, original, mapped] = None

    def table(self) -> Struct:
        """The names that were changed: where, the original and what it is called in the file."""
        columns = list(zip(*self.renamed, strict=True)) or [(), (), ()]
        return Struct(dict(zip(("where", "original", "mapped"), map(Texts, columns), strict=True)))


@lru_cache(1 << 8)
def _whole(value: int) -> Numbers:
    return Numbers(np.array(value, np.int64 if abs(value) > _EXACT else np.float64))


def number(value: complex) -> Numbers:
    """A Python bool, int within 64 bits, float or complex; ints that a double holds become
    doubles, which MATLAB computes with as one expects."""
    if type(value) is int:
        return _whole(value)
    dtype = {bool: np.bool_, complex: np.complex128}.get(type(value), np.float64)
    return Numbers(np.array(value, dtype))


def _texts(values: npt.NDArray[Any]) -> list[str]:
    # Column by column, as MATLAB counts the elements of a matrix.
    items = values.flatten(order="F").tolist()
    # Bytes in an array of objects are what HDF5 gives for its UTF-8; others have no encoding.
    encoding = "utf-8" if values.dtype.kind == "O" else "latin-1"
    return [item.decode(encoding) if isinstance(item, bytes) else str(item) for item in items]


@lru_cache(1 << 10)  # many arrays are alike
def _told(dtype: np.dtype[Any], shape: tuple[int, ...]) -> tuple[str | None, bool]:
    """What the reader has to be told of an array, if anything; whether MATLAB has its dtype."""
    is_known = f"{dtype.kind}{dtype.itemsize}" in _AS_THEY_ARE
    if dtype.kind == "O":  # objects are texts
        return None, is_known
    stored = dtype.newbyteorder("<").str
    tag = array_tag(stored, shape)
    as_it_is = is_known and (dtype.kind != "c" or 0 not in shape)  # 7.3 has none that are empty
    told = not as_it_is or not is_self_evident(tag, stored, in_matlab(shape))
    return tag if told else None, is_known


def array(data: ArrayLike, notes: Notes, entry: str, what: str, place: str) -> Node:
    """The node of an array of any dtype; numbers that MATLAB has too are not read yet."""
    dtype = np.dtype(data.dtype)
    tag, as_it_is = _told(dtype, tuple(data.shape))
    if tag is not None:
        notes.types[place] = tag
    if as_it_is:
        return Numbers(data)
    if dtype.kind == "f" and dtype.itemsize == 2:
        return Numbers(np.asarray(data).astype(np.float32))
    if dtype.kind in "fc":
        notes.lost(entry, what, f"{dtype} was rounded to double precision")
        return Numbers(np.asarray(data).astype(np.float64 if dtype.kind == "f" else np.complex128))
    if dtype.kind == "m":
        unit, step = np.datetime_data(dtype)
        count = np.asarray(data).astype(np.int64)
        return Struct({"value": Numbers(count), "unit": unit if step == 1 else f"{step}{unit}"})
    if dtype.kind not in "USOTM":
        notes.lost(entry, what, f"MATLAB has nothing like {dtype}")
        return None
    values = np.asarray(data)
    if values.ndim > 1:
        notes.lost(entry, what, f"the shape {values.shape} of an array of texts; it is a column")
    return Texts(_texts(np.datetime_as_string(values) if dtype.kind == "M" else values))


def _stored(value: Array | Scalar) -> npt.NDArray[Any]:
    shape = value.shape if isinstance(value, Array) else ()
    return np.frombuffer(value.data, value.dtype).reshape(shape)


def _moment(value: datetime, notes: Notes, entry: str, what: str) -> str:
    if isinstance(value.tzinfo, ZoneInfo):
        notes.lost(entry, what, f"the name of the time zone {value.tzinfo.key}; its offset is kept")
    return value.isoformat()


def node(value: object, notes: Notes, entry: str, what: str, place: str) -> Node:
    """The node of a value of the contract, lists and dicts included; `place` is where it lies in
    the file, for what MATLAB does not tell of it."""
    match value:
        case None | str():
            return value
        case bool() | float() | complex():
            return number(value)
        case int():
            notes.types[place] = INT
            if -(2**63) <= value < 2**63:
                return number(value)
            notes.lost(entry, what, "the integer has more than 64 bits; it is decimal text")
            return str(value)
        case bytes():
            notes.types[place] = BYTES
            return Numbers(np.frombuffer(value, np.uint8))
        case datetime():
            notes.types[place] = FOLDED if value.fold else DATETIME
            return _moment(value, notes, entry, what)
        case Quantity():
            inner = node(value.value, notes, entry, what, f"{place}.value")
            return Struct({"value": inner, "unit": value.unit})
        case Array():
            return array(_stored(value), notes, entry, what, place)
        case Scalar():
            made = array(_stored(value), notes, entry, what, place)
            notes.types[place] = scalar_tag(value.dtype)
            return made.texts[0] if isinstance(made, Texts) else made
        case list() | tuple():
            if len(value) < 2:  # version 7.3 does not tell one text from several
                notes.types[place] = LIST
            if value and all(isinstance(item, str) for item in value):
                return Texts(list(value))
            items = enumerate(value)
            return Cell(
                [
                    node(item, notes, entry, f"{what}[{at}]", f"{place}.{at + 1}")
                    for at, item in items
                ]
            )
        case Mapping():
            return struct(value, notes, entry, what, place)
        case Facts():
            told = {name: getattr(value, name) for name in sorted(value.model_fields_set)}
            return struct(told, notes, entry, what, place)
        case _:
            notes.lost(entry, what, f"MATLAB has nothing like {type(value).__name__}")
            return None


def struct(values: Mapping[str, object], notes: Notes, entry: str, what: str, place: str) -> Struct:
    """The node of a dict; keys that cannot name a field get names that can."""
    if not values:
        notes.types[place] = DICT
        return Struct({})
    mapped = matlab_names((key, 0) for key in values)
    fields = {}
    renamed = {}
    for key, value in values.items():
        name = mapped[key, 0]
        notes.rename(what, key, name)
        if name != key:
            renamed[name] = key
        fields[name] = node(value, notes, entry, f"{what}.{key}", f"{place}.{name}")
    if renamed:
        notes.types[place] = renamed
    elif fields.keys() == {"value", "unit"} or all(map(NUMBERED.fullmatch, fields)):
        notes.types[place] = DICT
    return Struct(fields)


def named(keys: Iterable[tuple[str, int]], notes: Notes, where: str) -> dict[tuple[str, int], str]:
    """`matlab_names`, with those that differ from the original noted."""
    mapped = matlab_names(keys)
    for (original, _), name in mapped.items():
        notes.rename(where, original, name)
    return mapped
