"""A MATLAB 7.3 file laid out as MATLAB does, with cells and arrays of structs as references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

HEAD = (
    b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan 01 00:00:00 2024"
    b" HDF5 schema 1.00 ."
)


def file_73(path: Path) -> Path:
    with h5py.File(path, "w", userblock_size=512) as file:
        fill(file)
    return headed(path)


def headed(path: Path) -> Path:
    """Write MATLAB's own header into the 512 bytes before HDF5's."""
    with path.open("rb+") as file:
        file.write(HEAD.ljust(116) + bytes(8) + b"\x00\x02IM")
    return path


def fields(group: h5py.Group, names: list[str]) -> None:
    """The list of a struct's fields, as texts of varying length."""
    listed = np.empty(len(names), object)
    for at, name in enumerate(names):
        listed[at] = np.frombuffer(name.encode(), "S1")
    group.attrs.create("MATLAB_fields", listed, dtype=h5py.vlen_dtype(np.dtype("S1")))


def fill(file: h5py.File) -> None:
    refs = file.create_group("#refs#")
    file.create_group("#subsystem#")

    def put(name: str, values: Any, kind: str = "double", to: Any = file, **more: Any) -> Any:
        made = to.create_dataset(name, data=np.asarray(values))
        made.attrs["MATLAB_class"] = np.bytes_(kind)
        for key, value in more.items():
            made.attrs[f"MATLAB_{key}"] = value
        return made

    def text(name: str, rows: list[str], to: Any = file) -> Any:
        units = [np.frombuffer(row.encode("utf-16-le"), "<u2") for row in rows]
        return put(name, np.array(units).T, "char", to, int_decode=np.int32(2))

    def cell(name: str, items: list[list[Any]], to: Any = file) -> Any:
        table = np.array([[item.ref for item in row] for row in items], h5py.ref_dtype).T
        made = to.create_dataset(name, data=table, dtype=h5py.ref_dtype)
        made.attrs["MATLAB_class"] = np.bytes_("cell")
        return made

    put("number", [[1.5]])
    put("matrix", np.arange(6.0).reshape(2, 3).T)
    put("cube", np.arange(24.0).reshape(2, 3, 4).T)
    put("whole", np.array([[2**62 + 1]]), "int64")
    put("truth", np.array([[1], [0]], np.uint8), "logical", int_decode=np.int32(1))
    pairs = np.array([[(1, 2)], [(3, -1)]], [("real", "<f8"), ("imag", "<f8")])
    put("complex", pairs)
    put("none", np.array([0, 3], "<u8"), empty=np.uint8(1))
    put("nothing", np.array([0, 0], "<u8"), "char", empty=np.uint8(1))
    text("text", ["größer µ"])
    text("rows", ["ab", "cd"])
    one, two = put("one", [[1.5]], to=refs), text("two", ["two"], refs)
    deep = cell("deep", [[one]], refs)
    cell("cells", [[one, two], [put("three", [[3.0]], to=refs), deep]])
    struct = file.create_group("struct")
    put("a", [[1.5]], to=struct)
    text("b", ["x"], struct)
    inner = struct.create_group("inner")
    cell("c", [[one, two]], inner)
    array = file.create_group("array")
    for group in (struct, inner, array):
        group.attrs["MATLAB_class"] = np.bytes_("struct")
    fields(struct, ["b", "inner", "a"])
    array.create_dataset("k", data=np.array([[one.ref], [two.ref]], h5py.ref_dtype))
    sparse = file.create_group("sparse")
    sparse.attrs["MATLAB_class"] = np.bytes_("double")
    sparse.attrs["MATLAB_sparse"] = np.uint64(3)
    sparse["data"], sparse["ir"] = np.array([1.5, -2.0]), np.array([0, 2], "<u8")
    sparse["jc"] = np.array([0, 0, 2, 2, 2], "<u8")
    handle = file.create_group("handle")
    handle.attrs["MATLAB_class"] = np.bytes_("function_handle")
    mark = np.array([[0xDD000000, 2, 1, 1, 1, 1]], np.uint32)
    put("string", mark, "string", object_decode=np.int32(3))
    inside = file.create_group("inside")
    inside.attrs["MATLAB_class"] = np.bytes_("struct")
    put("t", mark, "table", inside, object_decode=np.int32(3))
