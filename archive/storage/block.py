"""Which Block of a NIX file is ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from archive.errors import FormatError

TYPE = "archive.experiment"


class Foreign(FormatError):
    """A sound HDF5 file that is not one of our archives; `nix` says whether it is a NIX file."""

    def __init__(self, message: str, *, is_nix: bool, **where: Any) -> None:
        super().__init__(message, **where)
        self.is_nix = is_nix


def find_block(file: h5py.File, path: Path) -> h5py.Group:
    """The Block that holds the experiment. Raises Foreign if there is none."""
    form = file.attrs.get("format")
    form = form.decode() if isinstance(form, bytes) else form
    if form != "nix" or "data" not in file:
        raise Foreign(
            "an HDF5 file, but not a NIX file",
            is_nix=False,
            path=path,
            hint="it was written by another program; see its own tools",
        )
    for block in file["data"].values():
        if isinstance(block, h5py.Group) and block.attrs.get("type") == TYPE:
            return block
    raise Foreign(
        "a NIX file, but not one of our archives",
        is_nix=True,
        path=path,
        hint="archive.open(path) shows what Neo can make of it; append its segments to an archive "
        "with run.append(block)",
    )
