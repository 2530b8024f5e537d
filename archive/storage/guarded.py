"""HDF5 objects opened only after a look at them: a file may come from a stranger.

HDF5 follows a link or a dataset's storage into whatever other file it names, loads any library
that a filter asks for, and allocates what a header declares. All that an archive is read through
is opened here, where none of this can happen. The walk over a whole file is in `inspection`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5l, h5pl, h5s, h5t, h5z

from archive.errors import ArchiveError, CorruptArchive, FormatError
from archive.storage.growing import allowance, find
from archive.storage.nix import KINDS

# The filters that HDF5 and h5py bring along: no other is ever looked for.
FILTERS = {
    h5z.FILTER_DEFLATE,
    h5z.FILTER_SHUFFLE,
    h5z.FILTER_FLETCHER32,
    h5z.FILTER_SZIP,
    h5z.FILTER_NBIT,
    h5z.FILTER_SCALEOFFSET,
    h5z.FILTER_LZF,
}
LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "a link into another file"}
ATTRIBUTE_BYTES = 1 << 12
ROW_BYTES = 1 << 31  # HDF5 itself cannot hold more in a chunk than twice that

STAMP = b"archive_layout"
HINT = "do not trust the file; if it is your own, 'neuroarchive check' lists what is damaged"
# What h5py makes of an error in HDF5, and of a type that NumPy has not.
HDF5_ERRORS = (OSError, RuntimeError, LookupError, TypeError, ValueError, OverflowError)


class Foreign(FormatError):
    """A sound HDF5 file that is not one of our archives; `is_nix` says whether it is NIX."""

    def __init__(self, message: str, *, is_nix: bool, **where: Any) -> None:
        super().__init__(message, **where)
        self.is_nix = is_nix


class Missing(CorruptArchive):
    """A part that the archive names and does not have."""


@cache
def refuse_plugins() -> None:
    """Let HDF5 load no library into this process on the word of a file, wherever it may lie."""
    while h5pl.size():
        h5pl.remove(0)


@contextmanager
def damage(path: Path, entry: str) -> Iterator[None]:
    """Whatever HDF5 cannot do inside the block is a CorruptArchive."""
    try:
        yield
    except ArchiveError:
        raise
    except HDF5_ERRORS as error:
        reason = error.args[0] if error.args else type(error).__name__
        raise CorruptArchive(
            f"HDF5 cannot read it ({reason})", path=path, entry=entry, hint=HINT
        ) from error


def link_fault(parent: h5g.GroupID, name: bytes) -> str | None:
    """In what the link of that name is not a plain one to an object in this file.

    Raises KeyError if there is none.
    """
    if not parent.links.exists(name):
        raise KeyError(name.decode(errors="replace"))
    type_ = parent.links.get_info(name).type
    return None if type_ == h5l.TYPE_HARD else LINKS.get(type_, "a link of an unknown type")


def dataset_fault(dataset: h5d.DatasetID) -> str | None:
    """Why reading from a dataset would leave the file, or take more memory than it may."""
    plist = dataset.get_create_plist()
    if plist.get_layout() == h5d.VIRTUAL:
        return "a virtual dataset: its values lie elsewhere"
    if plist.get_external_count():
        return "its values lie in another file"
    codes = {plist.get_filter(number)[0] for number in range(plist.get_nfilters())}
    if not codes <= FILTERS:
        unknown = ", ".join(str(code) for code in sorted(codes - FILTERS))
        return f"it is packed by the filter {unknown}, and only those of HDF5 itself are allowed"
    size = dataset.get_type().get_size()
    if size > ROW_BYTES:
        return f"an item would have {size} bytes"
    if codes:
        chunk = prod(plist.get_chunk()) * size
        if chunk > allowance(dataset):
            return f"a chunk of {chunk} bytes cannot come from what is stored"
    return None


def dataset(block: h5py.Group, kind: str, name: str, path: Path, *, cached: bool) -> h5d.DatasetID:
    """The data of the DataArray or DataFrame of that name; `cached` as in `growing.find`.

    Raises Missing if it is not there, CorruptArchive if it is not in this file, or not numbers in
    rows.
    """
    key = f"{kind}/{name}"[:300]
    if "/" in name or "\0" in name or name in ("", "."):
        raise CorruptArchive("no part of an archive has such a name", path=path, entry=key)
    with damage(path, key):
        try:
            entities = h5g.open(block.id, kind.encode())
            fault = link_fault(entities, name.encode())
            entity = entities if fault else h5g.open(entities, name.encode())
            fault = fault or link_fault(entity, b"data")
        except KeyError as error:
            raise Missing("the archive lacks a part that it names", path=path, entry=key) from error
        if not fault:
            opened = find(entity, b"data", cached=cached)
            fault = dataset_fault(opened) or _shape_fault(opened)
        if fault:
            raise CorruptArchive(f"refused: {fault}", path=path, entry=key, hint=HINT)
        return opened


def _shape_fault(dataset: h5d.DatasetID) -> str | None:
    if dataset.dtype.hasobject:
        return "its items are texts or references of any length"
    if dataset.get_space().get_simple_extent_type() != h5s.SIMPLE or not dataset.rank:
        return "it has no rows"
    return None


def attribute(holder: h5py.Group, name: str) -> str | int:
    """An attribute that is one integer or one text of fixed length.

    Any other is never read: a text of variable length lies in HDF5's global heap, where a few
    zeros let HDF5 search for ever. Raises ValueError for it.
    """
    found = h5a.open(holder.id, name.encode())
    type_ = found.get_type()
    is_text = type_.get_class() == h5t.STRING and not type_.is_variable_str()
    if found.shape != () or not (is_text or type_.get_class() == h5t.INTEGER):
        raise ValueError(f"the attribute {name} is neither an integer nor a text of fixed length")
    if type_.get_size() > ATTRIBUTE_BYTES:
        raise ValueError(f"the attribute {name} has {type_.get_size()} bytes")
    value = np.empty((), found.dtype)
    found.read(value, type_ if is_text else None)
    return value.item().decode() if is_text else int(value)


def stamps(file: h5py.File, names: Iterable[str], path: Path) -> dict[str, str | int]:
    """The attributes of those names that the file has. CorruptArchive for one of another form."""
    with damage(path, "attributes"):
        there = [name for name in names if h5a.exists(file.id, name.encode())]
        return {name: attribute(file, name) for name in there}


def find_block(file: h5py.File, path: Path) -> h5py.Group:
    """The group of our Block, known by its stamp; no group on the way to its entities is a link.

    Raises Foreign for a file that has none, CorruptArchive for one that HDF5 cannot read.
    """
    with damage(path, "/"):
        is_nix = h5a.exists(file.id, b"format") and "data" in file
        if not is_nix:
            raise Foreign(
                "an HDF5 file, but not a NIX file",
                is_nix=False,
                path=path,
                hint="it was written by another program; see its own tools",
            )
        data = _group(file.id, b"data", path)
        for name in list(data):
            stamped = not link_fault(data, name) and h5a.exists(data, STAMP, obj_name=name)
            if stamped:
                block = _group(data, name, path)
                for kind in KINDS:
                    _group(block, kind.encode(), path)
                sections = _group(_group(block, b"metadata", path), b"sections", path)
                for section in list(sections):
                    _group(sections, section, path)
                return h5py.Group(block)
    raise Foreign(
        "a NIX file, but not one of our archives",
        is_nix=True,
        path=path,
        hint="archive.open(path) shows what Neo can make of it; append its segments to an archive "
        "with run.append(block)",
    )


def _group(parent: h5g.GroupID, name: bytes, path: Path) -> h5g.GroupID:
    fault = link_fault(parent, name)
    if fault:
        entry = name.decode(errors="replace")[:300]
        raise CorruptArchive(f"refused: {fault}", path=path, entry=entry, hint=HINT)
    return h5g.open(parent, name)
