"""Every object of a file, every attribute and every chunk, read once: what cannot be read?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil, prod
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5o, h5s

from archive.errors import ArchiveError, CorruptArchive
from archive.storage.guarded import dataset_fault
from archive.storage.session import Session

Fault = tuple[str, str, bool]

# A chunk or an undivided dataset beyond this is none of ours; HDF5 would take the memory at once.
LARGEST = 1 << 30
STEP = 1 << 22


def probe(session: Session, at: Callable[[str], object]) -> Iterator[tuple[str, str]]:
    """Read everything in a file once; see `Probe`. What is not safe to read, the session refuses
    from then on."""
    root = f"{session.block.name}/"
    for path, fault, harmful in Probe(session.block.file, at).faults():
        kind, _, inside = path.removeprefix(root).partition("/")
        name, _, member = inside.partition("/")
        if harmful and member in ("", "data"):  # reading asks for no other of its members
            session.forbidden[f"{kind}/{name}"] = fault
        yield path, fault


class Probe:
    """Reads a file object by object."""

    def __init__(self, file: h5py.File, at: Callable[[str], object]) -> None:
        """`at` is told the path of each object before it is read, and again while it goes on; it
        raises an ArchiveError for one that must not be touched."""
        self._file = file
        self._at = at
        self._seen: set[int] = set()

    def faults(self) -> Iterator[Fault]:
        """The path of each object that cannot be read, why, and whether to try is harmful."""
        yield from self._object(self._file.id, "/")

    def _object(self, parent: Any, path: str) -> Iterator[Fault]:
        names: list[bytes] = []
        try:
            self._at(path)
            found = h5o.open(parent, path.rpartition("/")[2].encode() or b".")
            number = h5o.get_info(found).addr
            if number in self._seen:
                return
            self._seen.add(number)
            yield from self._attributes(found, path)
            if isinstance(found, h5d.DatasetID):
                self._read(found, path)
            elif isinstance(found, h5g.GroupID):
                names = list(found)
        except Exception as error:  # whatever h5py may raise for what is damaged
            yield path, _text(error), isinstance(error, ArchiveError)
            return
        for name in names:
            inside = f"{path.rstrip('/')}/{name.decode(errors='backslashreplace')}"
            if found.links.get_info(name).type != h5l.TYPE_HARD:
                yield inside, "it is a link to elsewhere", True
            else:
                yield from self._object(found, inside)

    def _attributes(self, found: Any, path: str) -> Iterator[Fault]:
        """A place of their own: what lies in the object may be sound though they are not."""
        try:
            self._at(f"{path}, attributes")
            for number in range(h5a.get_num_attrs(found)):
                attribute = h5a.open(found, index=number)
                values = np.empty(attribute.shape, attribute.dtype)
                attribute.read(values)
        except Exception as error:
            yield path, _text(error), False  # reading asks for none of them

    def _read(self, data: h5d.DatasetID, path: str) -> None:
        fault = dataset_fault(data)
        if fault:
            raise CorruptArchive(f"refused: {fault}")
        plist = data.get_create_plist()
        shape, itemsize = data.shape, data.dtype.itemsize
        divided = plist.get_layout() == h5d.CHUNKED
        once = plist.get_chunk() if divided else shape
        if prod(once) * itemsize > LARGEST:
            raise CorruptArchive(f"{prod(once) * itemsize} bytes in one piece, of shape {once}")
        if divided:
            held = data.get_num_chunks()
            needed = prod(ceil(length / step) for length, step in zip(shape, once, strict=True))
            # only what has a fill value of its own may grow without being written
            filled = plist.fill_value_defined() == h5d.FILL_VALUE_USER_DEFINED
            sparse = filled and prod(shape) * itemsize <= LARGEST
            if held > needed or (held < needed and not sparse):
                raise CorruptArchive(f"{held} chunks for a shape {shape}, which needs {needed}")
        if not shape:
            data.read(h5s.ALL, h5s.ALL, np.empty((), data.dtype))
            return
        row = max(1, prod(shape[1:]) * itemsize)
        step = max(1, STEP // row, once[0] if row * once[0] <= LARGEST else 1)
        for start in range(0, shape[0], step):
            self._at(path)
            count = (min(step, shape[0] - start), *shape[1:])
            space = data.get_space()
            space.select_hyperslab((start, *(0,) * (len(shape) - 1)), count)
            data.read(h5s.create_simple(count), space, np.empty(count, data.dtype))


def _text(error: Exception) -> str:
    return getattr(error, "message", None) or f"{type(error).__name__}: {error}"
