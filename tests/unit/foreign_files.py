"""Small foreign files, and readers of formats that exist only in tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from archive import adapters

# A line is a segment with one signal: its name, a colon, numbers. A line "fail" makes the reader
# fail there, "lose X" is a loss, "warn X" a warning, "values" gives a value under a key.
LINES = '''
import warnings
import numpy as np
import schemas
from archive.entry import Entry, Loss
from archive.errors import ArchiveWarning

class Adapter:
    """Lines of numbers, for tests. And more."""
    name, suffixes, extra = "lines", (".lines",), None

    def recognises(self, path, /):
        return path.read_bytes()[:6] == b"LINES\\n"

    def read(self, path, /, *, losses=None, scale=1.0, trust=False):
        for line in path.read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            if line == "fail":
                raise OSError("the disk is on fire")
            elif line.startswith("lose "):
                losses.append(Loss(path.stem, line[5:], "on purpose"))
            elif line.startswith("warn "):
                warnings.warn(line[5:], ArchiveWarning)
            elif name == "key":
                yield Entry(schemas.KeyedValue(key="k", value=rest, at="NOW"))
            else:
                yield Entry(schemas.Segment(name=name), parts=self.parts(rest, scale))

    def parts(self, rest, scale):
        if rest == "fail":
            raise KeyError("no such part")
        values = np.array([float(one) for one in rest.split()]).reshape(-1, 1) * scale
        model = schemas.Signal(variable="v", unit="mV", sampling_period=0.1)
        yield Entry(model, {"values": values})
'''.replace('at="NOW"', "at=__import__('datetime').datetime.now(__import__('datetime').UTC)")

# A file lists others: a .list of several .piece files.
LISTS = '''
import schemas
from archive.entry import Entry

class Adapter:
    """Files with a list of others."""
    name, suffixes, extra = "lists", (".list",), None

    def covers(self, path, /):
        return [path.with_name(one) for one in path.read_text().split()]

    def read(self, path, /):
        for one in self.covers(path):
            yield Entry(schemas.ParameterSet(values={"text": one.read_text()}))
'''


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, adapter: str, code: str, package: str = ""
) -> None:
    """Lay a package with one adapter where Python finds it, as pip would."""
    package = package or f"fake_{adapter}"
    monkeypatch.syspath_prepend(folder)
    (folder / f"{package}_module.py").write_text(code)
    info = folder / f"{package}-1.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.5\n")
    points = f"[{adapters.GROUP}]\n{adapter} = {package}_module:Adapter\n"
    (info / "entry_points.txt").write_text(points)
    monkeypatch.delitem(sys.modules, f"{package}_module", raising=False)


@pytest.fixture
def lines(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The formats of this module are installed; returns the folder of their packages."""
    folder = tmp_path_factory.mktemp("packages")
    install(folder, monkeypatch, "lines", LINES)
    install(folder, monkeypatch, "lists", LISTS)
    return folder


def write_lines(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["LINES", *lines]) + "\n")
    return path


def as_json(text: str) -> Any:
    return json.loads(text)
