"""What the marks at the top of an HDF5 file say of the program that wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import h5py
from h5py import h5a, h5g

from archive.storage.guarded import HDF5_ERRORS, STAMP, link_fault, refuse_plugins

SIGNATURE = b"\x89HDF\r\n\x1a\n"


class NixMarks(NamedTuple):
    """Whether a NIX file is an archive of ours; and whether Neo wrote in it."""

    archive: bool
    neo: bool


def nix_marks(path: Path) -> NixMarks | None:
    """The marks of a NIX file; None for any other. No value is read: names of groups and of
    attributes only."""
    try:
        with path.open("rb") as file:
            if file.read(len(SIGNATURE)) != SIGNATURE:
                return None
        refuse_plugins()
        with h5py.File(path, "r") as opened:
            return _marks(opened.id)
    except HDF5_ERRORS:
        return None


def _marks(root: object) -> NixMarks | None:
    if not h5a.exists(root, b"format") or not h5a.exists(root, b"version"):
        return None
    data = _group(root, b"data")
    if data is None:
        return None
    names = [name for name in data if not link_fault(data, name)]
    archive = any(h5a.exists(data, STAMP, obj_name=name) for name in names)
    # NixIO names all blocks so, and leaves its version in a section, unless it is asked for others
    metadata = _group(root, b"metadata")
    section = None if metadata is None else _group(metadata, b"neo")
    return NixMarks(archive, section is not None or any(n.startswith(b"neo.block") for n in names))


def _group(parent: object, name: bytes) -> h5g.GroupID | None:
    try:
        return None if link_fault(parent, name) else h5g.open(parent, name)
    except HDF5_ERRORS:
        return None
