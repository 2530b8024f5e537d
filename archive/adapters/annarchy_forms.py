"""Writes the dict of a network, or of a part of it, in the form that the suffix asks for."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from archive.adapters.annarchy_matlab import marked
from archive.adapters.annarchy_writing import Writing

# Python 3.4 and newer read it; ANNarchy itself writes the newest that its Python has.
_PROTOCOL = 4
FILE = "file"  # where the losses of what is at the top of a file are said to be
_MATLAB = re.compile(r"[A-Za-z]\w{0,62}", re.ASCII)


def form_of(path: Path) -> str:
    """The form that ANNarchy chooses for a file of this name."""
    suffix = path.suffix
    return suffix if suffix in (".mat", ".gz", ".npz") else "pickle"


def write_form(item: dict[str, Any], form: str, path: Path, writing: Writing) -> None:
    """Write the dict to a new file; see `form_of`."""
    if form == ".mat":
        _write_mat(item, path, writing)
    elif form == ".npz":
        _write_npz(item, path)
    elif form == ".gz":
        with gzip.open(path, "xb", compresslevel=6) as file:  # 9 takes three times as long
            file.write(pickle.dumps(item, _PROTOCOL))
    else:
        with path.open("xb") as file:
            pickle.dump(item, file, _PROTOCOL)


def _write_npz(item: Mapping[str, Any], path: Path) -> None:
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
        for name, value in item.items():
            buffer = io.BytesIO()
            np.save(buffer, _member(item, value), allow_pickle=True)
            archive.writestr(f"{name}.npy", buffer.getvalue())


def _member(item: Mapping[str, Any], value: Any) -> np.ndarray[Any, Any]:
    """The array that ANNarchy finds its value in. Of a population it takes what has no axes for
    a list of one, unless it is an object."""
    whole = isinstance(value, dict) or value is None
    if whole or ("geometry" in item and isinstance(value, (bool, int, float))):
        found = np.empty((), object)
        found[()] = value
        return found
    if isinstance(value, list) and value and isinstance(value[0], list):
        return np.array(value, object if isinstance(value[0][0:1], list) and _ints(value) else None)
    return np.asarray(value)


def _ints(rows: list[list[Any]]) -> bool:
    return all(type(value) is int for row in rows for value in row)


def _write_mat(item: Mapping[str, Any], path: Path, writing: Writing) -> None:
    from scipy.io import savemat

    kept = _matlab(marked(item), FILE, writing)
    savemat(path, kept, appendmat=False, long_field_names=True, oned_as="row")


def _matlab(item: Mapping[str, Any], where: str, writing: Writing) -> dict[str, Any]:
    """What MATLAB can have, with a loss for what it cannot."""
    found: dict[str, Any] = {}
    for name, value in item.items():
        if not _MATLAB.fullmatch(name):
            writing.lose(where, name, "MATLAB cannot have this name")
        elif isinstance(value, dict):
            found[name] = _matlab(value, name, writing)
        elif value is None:
            found[name] = 0  # as ANNarchy writes that there are no delays
        elif isinstance(value, list) and not value:
            found[name] = np.empty((0, 0))
        else:
            found[name] = value
    return found
