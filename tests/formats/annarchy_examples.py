"""Snapshots to be written as ANNarchy's files, the files it may have written, and comparisons."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from archive.adapters.annarchy import Annarchy
from archive.entry import Entry

SAMPLES = Path(__file__).resolve().parent.parent / "data" / "annarchy"
VERSIONS = ("v4.8.2.7", "v5.0.4.1")


class Held:
    """A source that is one entry."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def entry(self) -> Entry:
        return self._entry


def read(path: Path, **options: Any) -> Entry:
    (found,) = Annarchy().read(path, **options)
    return found


def named(snapshot: Entry, name: str) -> Entry:
    (found,) = (part for part in snapshot.parts if getattr(part.model, "name", None) == name)
    return found


def assert_same(one: Entry, other: Entry) -> None:
    assert one.model == other.model
    assert set(one.arrays) == set(other.arrays)
    for name, values in one.arrays.items():
        held, found = np.asarray(values), np.asarray(other.arrays[name])
        assert held.dtype == found.dtype, name
        np.testing.assert_array_equal(held, found, name)
    parts = list(one.parts), list(other.parts)
    assert len(parts[0]) == len(parts[1])
    for pair in zip(*parts, strict=True):
        assert_same(*pair)


def save(item: dict[str, Any], path: Path) -> Path:
    """Write a dict as ANNarchy's ``_save_data`` does."""
    if path.suffix == ".mat":
        scipy.io.savemat(path, item)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(pickle.dumps(item)))
    elif path.suffix == ".npz":
        with zipfile.ZipFile(path, "w") as archive:
            for name, value in {"allow_pickle": True, **item}.items():
                file = io.BytesIO()
                np.save(file, np.asanyarray(value), allow_pickle=True)
                archive.writestr(f"{name}.npy", file.getvalue())
    else:
        path.write_bytes(pickle.dumps(item))
    return path


def objects(*rows: Any) -> np.ndarray[Any, Any]:
    """An array of objects, one for each row."""
    found = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        found[i] = row
    return found


def population(name: str = "exc", size: int = 4, **values: Any) -> dict[str, Any]:
    held = {"tau": 10.0, "v": np.arange(float(size)), **values}
    return {
        "name": name, "geometry": (size,), "size": size, "attributes": list(held),
        "parameters": ["tau"], "variables": [key for key in held if key != "tau"], **held,
    }  # fmt: skip


def projection(name: str = "proj0", **values: Any) -> dict[str, Any]:
    """Two rows of one and two connections, from exc to itself."""
    held = {"tau": 20.0, "w": objects([0.5], [1.5, 2.5]), **values}
    own = {"delays", "pre_ranks", "post_ranks", "pre", "post", "target"}
    names = [key for key in held if key not in own]
    return {
        "name": name, "pre": "exc", "post": "exc", "target": "inh", "post_ranks": [1, 3],
        "attributes": names, "parameters": ["tau", "w"],
        "variables": [key for key in names if key != "tau"], "delays": 1.0,
        "pre_ranks": objects([2], [0, 3]), **held,
    }  # fmt: skip


def network(*parts: dict[str, Any], **facts: Any) -> dict[str, Any]:
    kinds: dict[str, list[str]] = {"populations": [], "projections": []}
    for part in parts:
        kinds["projections" if "pre_ranks" in part else "populations"].append(part["name"])
    named = {part["name"]: part for part in parts}
    return {"time_step": 100, "net_id": 0, **named, "obj_names": kinds, **facts}
