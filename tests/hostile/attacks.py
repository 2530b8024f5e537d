"""Archives that were made to do harm: each function turns a sound one into such a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t, h5z

Attack = Callable[[h5py.Group, Path], None]

UNKNOWN_FILTER = 32123
SECRET = b"a key that is nobody's business"


def attack(path: Path, how: Attack) -> None:
    """Change the Block of an archive."""
    with h5py.File(path, "r+") as file:
        (block,) = file["data"].values()
        how(block, path.parent)


def _replaced(block: h5py.Group, array: str, **how: Any) -> None:
    """Another dataset in the place of an array's."""
    holder = block["data_arrays"][array]
    del holder["data"]
    holder.create_dataset("data", **how)


def secret(folder: Path) -> Path:
    """Another file of the victim's."""
    path = folder / "secret.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.frombuffer(SECRET, np.uint8)
        file.create_group("group")["data"] = np.frombuffer(SECRET, np.uint8)
    return path


# -- out of the file ---------------------------------------------------------------------------


def external_link(block: h5py.Group, folder: Path) -> None:
    holder = block["data_arrays"]["records"]
    del holder["data"]
    holder["data"] = h5py.ExternalLink(secret(folder).name, "/data")


def external_group(block: h5py.Group, folder: Path) -> None:
    del block["data_arrays"]["records"]
    block["data_arrays"]["records"] = h5py.ExternalLink(secret(folder).name, "/group")


def external_kind(block: h5py.Group, folder: Path) -> None:
    block.move("data_arrays", "moved")
    block["data_arrays"] = h5py.ExternalLink(secret(folder).name, "/")


def external_metadata(block: h5py.Group, folder: Path) -> None:
    del block["metadata"]
    block["metadata"] = h5py.ExternalLink(secret(folder).name, "/group")


def soft_link(block: h5py.Group, _: Path) -> None:
    holder = block["data_arrays"]["records"]
    holder.move("data", "elsewhere")
    holder["data"] = h5py.SoftLink("elsewhere")


def soft_link_to_itself(block: h5py.Group, _: Path) -> None:
    del block["data_arrays"]["records"]
    block["data_arrays"]["records"] = h5py.SoftLink("records")


def external_storage(block: h5py.Group, folder: Path) -> None:
    path = folder / "secret.bin"
    path.write_bytes(SECRET)
    _replaced(
        block, "records", shape=(len(SECRET),), dtype=np.uint8,
        external=[(str(path), 0, len(SECRET))],
    )  # fmt: skip


def virtual(block: h5py.Group, folder: Path) -> None:
    layout = h5py.VirtualLayout((len(SECRET),), np.uint8)
    layout[:] = h5py.VirtualSource(secret(folder), "data", (len(SECRET),))
    del block["data_arrays"]["records"]["data"]
    block["data_arrays"]["records"].create_virtual_dataset("data", layout)


LEAVING: dict[str, Attack] = {
    how.__name__: how
    for how in (
        external_link, external_group, external_kind, external_metadata, soft_link,
        soft_link_to_itself, external_storage, virtual,
    )
}  # fmt: skip


# -- more than is there ------------------------------------------------------------------------


def unallocated(block: h5py.Group, _: Path) -> None:
    _replaced(block, "texts", shape=(8 << 40,), dtype=np.uint8, chunks=(1 << 20,))


def unallocated_contiguous(block: h5py.Group, _: Path) -> None:
    _replaced(block, "texts", shape=(8 << 40,), dtype=np.uint8)


def tiny_chunks(block: h5py.Group, _: Path) -> None:
    """Four megabytes that lie nowhere, for each byte of which HDF5 would look."""
    _replaced(
        block, "texts", shape=(4 << 20,), dtype=np.uint8, chunks=(1,), maxshape=(None,)
    )  # fmt: skip


def packed(block: h5py.Group, _: Path) -> None:
    """A quarter of a megabyte that becomes 256."""
    values = np.zeros(1 << 28, np.uint8)
    _replaced(block, "texts", data=values, chunks=(1 << 28,), compression="gzip")


def unknown_filter(block: h5py.Group, _: Path) -> None:
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((16,))
    plist.set_filter(UNKNOWN_FILTER, h5z.FLAG_OPTIONAL)
    holder = block["data_arrays"]["texts"]
    del holder["data"]
    space = h5s.create_simple((16,), (h5s.UNLIMITED,))
    h5d.create(holder.id, b"data", h5t.NATIVE_UINT8, space, plist)


def texts_of_any_length(block: h5py.Group, _: Path) -> None:
    _replaced(block, "texts", data=["x" * 1000] * 10, dtype=h5py.string_dtype(), maxshape=(None,))


def no_rows(block: h5py.Group, _: Path) -> None:
    _replaced(block, "texts", data=np.uint8(7))


def other_numbers(block: h5py.Group, _: Path) -> None:
    _replaced(block, "texts", data=np.zeros((4, 4)))


GREEDY: dict[str, Attack] = {
    how.__name__: how
    for how in (
        unallocated, unallocated_contiguous, tiny_chunks, packed, unknown_filter,
        texts_of_any_length, no_rows, other_numbers,
    )
}  # fmt: skip


# -- what only a walk over the file sees -------------------------------------------------------


def cycle(block: h5py.Group, _: Path) -> None:
    block["metadata"]["sections"]["tables"]["sections"] = block["metadata"]


def deep(block: h5py.Group, _: Path) -> None:
    block.create_group("/".join(["deeper"] * 100))


def long_name(block: h5py.Group, _: Path) -> None:
    block.create_group("n" * 60_000)


def control_name(block: h5py.Group, _: Path) -> None:
    block.create_group("\x1b[2Jgone")


def large_attribute(block: h5py.Group, _: Path) -> None:
    block.attrs["large"] = np.zeros(8000)


def outside_the_way(block: h5py.Group, folder: Path) -> None:
    block["sources"] = h5py.ExternalLink(secret(folder).name, "/group")


SEEN_BY_WALKING: dict[str, Attack] = {
    how.__name__: how
    for how in (cycle, deep, long_name, control_name, large_attribute, outside_the_way)
}


# -- documents and tables ----------------------------------------------------------------------


def rows(table: str, field: str, value: Any, row: int = 0) -> Attack:
    """Another value in a row of a table."""

    def change(block: h5py.Group, _: Path) -> None:
        data = block["data_frames"][table]["data"]
        found = data[...]
        found[field][row] = value
        data[...] = found

    return change


def document(table: str, text: bytes, row: int = 0) -> Attack:
    """Another document for a row of a table."""

    def change(block: h5py.Group, _: Path) -> None:
        start = append(block, "records", text + b"\n")
        data = block["data_frames"][table]["data"]
        found = data[...]
        found["record"][row], found["length"][row] = start, len(text)
        data[...] = found

    return change


def append(block: h5py.Group, heap: str, content: bytes) -> int:
    """Bytes at the end of a heap; returns where."""
    data = block["data_arrays"][heap]["data"]
    start = len(data)
    data.resize(start + len(content), axis=0)
    data[start:] = np.frombuffer(content, np.uint8)
    return int(start)
