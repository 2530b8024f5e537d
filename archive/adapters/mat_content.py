"""What is in a MATLAB file, whichever version of the format it has."""

from __future__ import annotations

from pathlib import Path

import h5py

from archive.adapters.mat4_reading import is_mat4, mat4_variables
from archive.adapters.mat5_reading import is_mat5, mat5_variables
from archive.adapters.mat73_reading import is_mat73, mat73_variables
from archive.adapters.mat_found import Budget, Found
from archive.adapters.unpickling import Limits
from archive.errors import FormatError

# Numbers are in memory as the file has them, as MATLAB has them, and as values of an entry.
_FACTOR, _FREE = 40, 1 << 27
_HDF5 = b"\x89HDF\r\n\x1a\n"
_OCTAVE_TEXT, _OCTAVE_BINARY = b"# Created by Octave", (b"Octave-1-L", b"Octave-1-B")
_OCTAVE_MARK = "OCTAVE_NEW_FORMAT"


def recognised(path: Path) -> bool:
    """Whether it is a MATLAB file, or one of Octave, which `content` says more about."""
    try:
        start = _start(path)
    except FormatError:
        return False
    return is_mat5(start) or is_mat73(start) or bool(_octave(path, start)) or is_mat4(path)


def content(path: Path, limits: Limits | None) -> dict[str, Found]:
    """The variables by name. A variable that is there twice is what it is last, as in MATLAB.

    A packed file may take 128 MB of memory and 40 times its size, or as much as `limits` say.
    Raises FormatError for files that are none of MATLAB's, and for damage.
    """
    start = _start(path)
    octave = _octave(path, start)
    if octave:
        raise FormatError(
            f"this is Octave's own {octave} format, not MATLAB's",
            path=path,
            hint="load it in Octave, and save it again with save -v7",
        )
    most = Limits().size if limits is None else limits.size
    budget = Budget(min(most, _FREE + _FACTOR * path.stat().st_size) if limits is None else most)
    if is_mat73(start):
        return dict(mat73_variables(path, budget))
    if is_mat5(start):
        return dict(mat5_variables(path, most, budget))
    if is_mat4(path):
        return dict(mat4_variables(path, budget))
    if start.startswith(_HDF5):
        raise FormatError(
            "this is HDF5 without MATLAB's header, and so no MATLAB 7.3 file", path=path
        )
    raise FormatError("this is no MATLAB file", path=path)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(128)
    except OSError as error:
        reason = error.strerror or error
        raise FormatError(f"the file cannot be read: {reason}", path=path) from error


def _octave(path: Path, start: bytes) -> str:
    """Which of Octave's own formats it is; nothing if it is none."""
    if start.startswith(_OCTAVE_TEXT):
        return "text"
    if start.startswith(_OCTAVE_BINARY):
        return "binary"
    if start.startswith(_HDF5):
        try:
            with h5py.File(path, "r") as file:
                first = next(iter(file), None)
                link = None if first is None else file.get(first, getlink=True)
                if isinstance(link, h5py.HardLink) and _OCTAVE_MARK in file[first].attrs:
                    return "HDF5"
        except (OSError, RuntimeError, LookupError, ValueError):
            return ""
    return ""
