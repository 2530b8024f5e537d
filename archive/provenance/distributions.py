"""Which distributions are installed, with their versions.

`importlib.metadata` parses the whole metadata of each, which takes some 100 ms for 100 of them;
here the two lines that matter are read, once per process and state of its search path.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FIELD: Final = re.compile(rb"^(Name|Version):[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
_HEAD: Final = 1 << 12

_known: tuple[object, dict[str, str]] = (None, {})


def installed() -> dict[str, str]:
    """The version of each, by its name; of two with one name the one that is imported."""
    global _known
    stamp = [(folder, _changed(folder)) for folder in sys.path]
    if stamp != _known[0]:
        found: dict[str, tuple[str, str]] = {}
        for folder, _ in stamp:
            for name, version in _in_folder(folder or "."):
                found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), (name, version))
        _known = (stamp, dict(sorted(found.values())))
    return _known[1]


def _changed(folder: str) -> int:
    try:
        return Path(folder or ".").stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def _in_folder(folder: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(folder) as entries:
            names = [one.name for one in entries if one.name.endswith((".dist-info", ".egg-info"))]
    except (OSError, ValueError):
        return
    for name in names:
        told = _told(Path(folder, name))
        if told is None:  # what its folder is called must do
            head, _, tail = name.rpartition(".")[0].partition("-")
            told = (head, tail.partition("-")[0] or "unknown")
        yield told


def _told(folder: Path) -> tuple[str, str] | None:
    inside = "METADATA" if folder.suffix == ".dist-info" else "PKG-INFO"
    for path in (folder / inside, folder):  # an old .egg-info may be a file
        try:
            with path.open("rb") as file:
                fields = dict(reversed(_FIELD.findall(file.read(_HEAD))))
        except OSError:
            continue
        if b"Name" in fields and b"Version" in fields:
            name, version = (fields[one].decode(errors="replace") for one in (b"Name", b"Version"))
            return name, version
    return None
