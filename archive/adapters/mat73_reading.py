"""MATLAB 7.3 files from strangers: HDF5 with MATLAB's attributes.

The format is not documented. What is known of it is from files of MATLAB, and from the readers
that agree on them (hdf5storage, pymatreader). Dimensions are in reverse order; cells, and the
fields of arrays of structs, are references to objects in the group ``#refs#``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5a, h5i, h5r, h5t

from archive.adapters.mat_found import (
    DEPTH,
    ITEM,
    NO_FIELDS,
    Budget,
    Chars,
    Found,
    Opaque,
    Structs,
    rows_of,
    sparse,
)
from archive.errors import FormatError
from archive.storage.guarded import HDF5_ERRORS
from archive.storage.inspection import inspect

_OWN = ("#refs#", "#subsystem#")
_DTYPES = {"double": "f8", "single": "f4", "logical": "?"}
_FIELDS_BYTES = 1 << 16  # of the list of a struct's fields, 16 for each: the most that HDF5 takes
_HINT = "do not trust the file"


def is_mat73(start: bytes) -> bool:
    """Whether a file that begins so is one: HDF5 that MATLAB's own header stands before."""
    return start[:6] == b"MATLAB" and start[124:128] in (b"\x00\x02IM", b"\x02\x00MI")


def mat73_variables(path: Path, budget: Budget) -> Iterator[tuple[str, Found]]:
    """The variables of a file with their names, one after another.

    Raises FormatError, with the place, for links to elsewhere, for objects that contain
    themselves, for damage, and where the budget does not suffice.
    """
    try:
        for fault in inspect(path, attribute_bytes=_FIELDS_BYTES):
            raise FormatError(fault.what, entry=fault.name, hint=_HINT)
        with h5py.File(path, "r") as file:
            for name in _names(file):
                if name not in _OWN:
                    yield name, _Objects(file, budget).read(name)
    except FormatError as error:
        raise FormatError(error.message, path=path, entry=error.entry, hint=error.hint) from error
    except (*HDF5_ERRORS, MemoryError) as error:
        raise FormatError(f"the file is damaged: {error!s:.200}", path=path) from error


class _Objects:
    """Reads the objects of a file, each within those that it lies in."""

    def __init__(self, file: h5py.File, budget: Budget) -> None:
        self._file, self._budget = file, budget
        self._way: list[int] = []

    def read(self, name: str) -> Found:
        return self._entered(self._file[name], name)

    def _entered(self, item: Any, where: str) -> Found:
        """What an object holds, if it is not one of those that are being read."""
        self._budget.spend(ITEM)
        address = h5py.h5o.get_info(item.id).addr
        if address in self._way:
            raise FormatError("it contains itself", entry=where, hint=_HINT)
        if len(self._way) > DEPTH:
            raise FormatError(f"the file is nested deeper than {DEPTH}", entry=where)
        self._way.append(address)
        try:
            if isinstance(item, h5py.Group):
                return self._group(item, where)
            if isinstance(item, h5py.Dataset):
                return self._dataset(item, where)
            raise FormatError("it is neither a group nor a dataset", entry=where)
        finally:
            self._way.pop()

    def _group(self, group: h5py.Group, where: str) -> Found:
        kind = _class(group)
        if h5a.exists(group.id, b"MATLAB_sparse"):
            return self._sparse(group, where)
        opaque = _opaque(group, kind)
        if opaque is not None:
            return opaque
        names = _names(group)
        members = [group[name] for name in names]
        several = [item for item in members if _is_of_array(item)]
        class_name = None if kind in ("struct", "") else kind
        if not several or len(several) < len(members):
            held = {
                name: self._entered(item, f"{where}.{name}")
                for name, item in zip(names, members, strict=True)
            }
            return Structs((1, 1), names, [held], class_name)
        shapes = {item.shape for item in several}
        if len(shapes) != 1:
            raise FormatError("the fields of an array of structs differ in shape", entry=where)
        (shape,) = shapes
        columns = [
            self._referred(item, f"{where}.{name}")
            for name, item in zip(names, members, strict=True)
        ]
        items = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return Structs(_turned(shape), names, items, class_name)

    def _referred(self, dataset: h5py.Dataset, where: str) -> list[Found]:
        """What a dataset of references refers to, in MATLAB's order."""
        self._budget.spend(dataset.size * 16)
        found = []
        for number, reference in enumerate(self._values(dataset, where).reshape(-1), 1):
            place = f"{where}{{{number}}}"
            if not reference:
                raise FormatError("a reference to nothing", entry=place)
            target = h5r.dereference(reference, self._file.id)
            name = h5i.get_name(target)
            # only what is in the file by a name was looked at before
            if name is None or not name.startswith(b"/#refs#/"):
                raise FormatError("a reference to elsewhere", entry=place, hint=_HINT)
            found.append(self._entered(self._file[name], place))
        return found

    def _dataset(self, dataset: h5py.Dataset, where: str) -> Found:
        kind = _class(dataset)
        opaque = _opaque(dataset, kind)
        if opaque is not None:
            return opaque
        if _attribute(dataset, "MATLAB_empty"):
            return self._empty(dataset, kind, where)
        shape = _turned(dataset.shape or ())
        if dataset.dtype == h5py.ref_dtype:
            items = np.empty(dataset.size, object)
            for i, item in enumerate(self._referred(dataset, where)):
                items[i] = item
            return items.reshape(shape, order="F")
        if dataset.shape is None or h5py.check_string_dtype(dataset.dtype) is not None:
            raise FormatError("it is nothing that MATLAB writes", entry=where)
        values = _numbers(self._values(dataset, where), where).reshape(-1)
        if kind == "char":
            if values.dtype.kind not in "iu" or values.dtype.itemsize > 4:
                raise FormatError("a text of no characters", entry=where)
            self._budget.spend(4 * values.size + ITEM * min(shape[0], values.size + 1))
            width = max(2, values.dtype.itemsize)
            encoding = "utf-16-le" if width == 2 else "utf-32-le"
            return rows_of(values.astype(f"<u{width}"), shape, encoding)
        if kind in _DTYPES and not (values.dtype.kind == "c" and kind != "logical"):
            self._budget.spend(values.size * np.dtype(_DTYPES[kind]).itemsize)
            values = values.astype(_DTYPES[kind], copy=False)
        return values.reshape(shape, order="F")

    def _empty(self, dataset: h5py.Dataset, kind: str, where: str) -> Found:
        if dataset.size is None or dataset.size > 32:
            raise FormatError("an empty array has no shape", entry=where)
        shape = tuple(int(length) for length in np.asarray(dataset[()]).reshape(-1).tolist())
        count = math.prod(shape)
        if len(shape) < 2 or min(shape) < 0 or (count and kind != "struct"):
            raise FormatError(f"an empty array has the shape {shape}", entry=where)
        if kind == "struct":  # structs without a field are written as empty
            if count > NO_FIELDS:
                raise FormatError(f"an array claims {count} structs", entry=where)
            return Structs(shape, [], [{} for _ in range(count)])
        if kind == "char":
            return Chars([""] * min(shape[0], 1 << 10), shape)
        if kind == "cell":
            return np.empty(shape, object)
        try:
            return np.empty(shape, np.dtype(_DTYPES.get(kind, kind)))
        except TypeError:
            raise FormatError(f"an empty array of the class {kind!r:.80}", entry=where) from None

    def _sparse(self, group: h5py.Group, where: str) -> Found:
        height = int(_attribute(group, "MATLAB_sparse"))
        found = {}
        for name in ("data", "ir", "jc"):
            held = group.get(name)
            if isinstance(held, h5py.Dataset):
                found[name] = _numbers(self._values(held, where), where).reshape(-1)
        if "jc" not in found:
            raise FormatError("a sparse matrix without columns", entry=where)
        values = found.get("data", np.empty(0))
        if _class(group) == "logical":
            values = values.astype(bool)
        try:
            rows = found.get("ir", np.empty(0, np.int64))
            return sparse((height, len(found["jc"]) - 1), found["jc"], rows, values)
        except FormatError as error:
            raise FormatError(error.message, entry=where) from None

    def _values(self, dataset: h5py.Dataset, where: str) -> npt.NDArray[Any]:
        if dataset.dtype.hasobject and dataset.dtype != h5py.ref_dtype:
            raise FormatError("it is nothing that MATLAB writes", entry=where)
        self._budget.spend(3 * math.prod(dataset.shape) * dataset.dtype.itemsize)
        return np.asarray(dataset[()])


def _attribute(item: h5py.Group | h5py.Dataset, name: str) -> Any:
    """An attribute; None if there is none. Those of varying length are not read, since HDF5 does
    not come to an end in a damaged one, or reads beyond it: so the order of fields,
    ``MATLAB_fields``, is not known."""
    if not h5a.exists(item.id, name.encode()):
        return None
    found = h5a.open(item.id, name.encode())
    kind = found.get_type()
    if kind.detect_class(h5t.VLEN) or (
        isinstance(kind, h5t.TypeStringID) and kind.is_variable_str()
    ):
        raise FormatError("it is nothing that MATLAB writes", entry=f"{item.name}@{name}")
    return item.attrs[name]


def _names(group: h5py.Group) -> list[str]:
    """The names in a group. Raises FormatError for one that is no text: h5py has bytes."""
    found: list[Any] = list(group)
    for name in found:
        if not isinstance(name, str):
            raise FormatError(f"the name {name!r:.80} is no text", entry=group.name)
    return found


def _class(item: h5py.Group | h5py.Dataset) -> str:
    """The class that MATLAB says; nothing if it says none."""
    kind = _attribute(item, "MATLAB_class")
    if kind is None:
        return ""
    return kind.decode("latin-1") if isinstance(kind, bytes) else str(kind)


def _opaque(item: h5py.Group | h5py.Dataset, kind: str) -> Opaque | None:
    decode = _attribute(item, "MATLAB_object_decode")
    if kind == "function_handle" or decode == 1:
        return Opaque("a function handle")
    if decode == 3:
        return Opaque(f"an object of the class {kind[:80]!r}")
    return None


def _is_of_array(item: Any) -> bool:
    """Whether a member of a struct is what all elements of an array of structs have there."""
    return (
        isinstance(item, h5py.Dataset)
        and item.dtype == h5py.ref_dtype
        and not h5a.exists(item.id, b"MATLAB_class")
    )


def _turned(shape: Sequence[int]) -> tuple[int, ...]:
    """MATLAB's shape, of two axes at least."""
    found = tuple(reversed(shape))
    return found + (1,) * (2 - len(found))


def _numbers(values: npt.NDArray[Any], where: str) -> npt.NDArray[Any]:
    """Numbers in this machine's byte order; complex ones are pairs in the file."""
    names = values.dtype.names
    if names is not None and len(names) == 2 and {"real", "imag"} == set(names):
        kind = np.complex64 if values.dtype["real"].itemsize <= 4 else np.complex128
        whole = np.empty(values.shape, kind)
        whole.real, whole.imag = values["real"], values["imag"]
        return whole
    if values.dtype.kind not in "biufc":
        raise FormatError(f"an array of {values.dtype!s:.80}", entry=where)
    return values.astype(values.dtype.newbyteorder("="), copy=False)
