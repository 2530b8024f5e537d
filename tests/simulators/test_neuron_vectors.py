"""Vector files that NEURON itself writes, and ours that it takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import schemas
from archive.adapters import read_neuron_dat, reader_for
from archive.adapters.neuron import Neuron
from archive.values import from_schema
from tests.formats.recordings import experiment, segment, signal

pytestmark = pytest.mark.simulator

TIMES = 0.025 * np.arange(400)
VALUES = -65.0 + 80.0 * np.sin(TIMES) ** 2


@pytest.fixture
def h(require: Callable[[str], ModuleType]) -> Any:
    found = require("neuron").h
    found.load_file("stdlib.hoc")
    return found


def written(h: Any, path: Path, *calls: Callable[[Any], object]) -> Path:
    """A file into which NEURON has written what the calls say."""
    file = h.File()
    assert file.wopen(str(path))
    for call in calls:
        call(file)
    file.close()
    return path


def test_printf(h: Any, tmp_path: Path) -> None:
    one, other = h.Vector(TIMES), h.Vector(VALUES)
    path = tmp_path / "a.dat"
    written(h, path, one.printf)
    np.testing.assert_allclose(read_neuron_dat(path), TIMES, rtol=1e-5)
    written(h, path, one.printf, other.printf)
    np.testing.assert_allclose(read_neuron_dat(path), [TIMES, VALUES], rtol=1e-5, atol=1e-5)
    for form in ("%.17g\n", "%.17g ", "%.17g\t", "   %-30.17g\n", "%.17e\n"):
        written(h, path, partial(lambda form, file: one.printf(file, form), form))
        np.testing.assert_array_equal(read_neuron_dat(path), TIMES)
    written(h, path, lambda file: h.Vector([1, 7]).printf(file))
    assert read_neuron_dat(path).tolist() == [1, 7]


def test_fprint_of_a_matrix(h: Any, tmp_path: Path) -> None:
    matrix = h.Matrix(3, 4)
    for row in range(3):
        for column in range(4):
            matrix.setval(row, column, row + column / 10)
    expected = np.arange(3) + np.arange(4)[:, None] / 10
    path = tmp_path / "m.dat"
    written(h, path, matrix.fprint)
    np.testing.assert_allclose(read_neuron_dat(path), expected)
    written(h, path, lambda file: matrix.fprint(0, file, "%g "))
    np.testing.assert_allclose(read_neuron_dat(path), expected)


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
def test_vwrite(h: Any, tmp_path: Path, kind: int) -> None:
    """What NEURON reads of its own file is what we read of it."""
    path = tmp_path / "v.bin"
    one, other = h.Vector(VALUES), h.Vector(TIMES[:7])
    written(h, path, lambda file: one.vwrite(file, kind), lambda file: other.vwrite(file, kind))
    assert Neuron().recognises(path)
    file, back = h.File(), h.Vector()
    file.ropen(str(path))
    for entry in reader_for(path).read(path):
        assert back.vread(file)
        assert isinstance(entry.model, schemas.KeyedValue)
        found = np.asarray(from_schema(entry.model.value), np.float64)
        np.testing.assert_allclose(found, np.array(back), rtol=1e-14)
    file.close()


def test_fwrite(h: Any, tmp_path: Path) -> None:
    path = written(h, tmp_path / "f.bin", h.Vector(VALUES).fwrite)
    assert not Neuron().recognises(path)
    (entry,) = reader_for(path, "neuron:fwrite").read(path)
    assert isinstance(entry.model, schemas.KeyedValue)
    np.testing.assert_array_equal(from_schema(entry.model.value), VALUES)


def test_neuron_takes_what_we_write(h: Any, tmp_path: Path) -> None:
    path = tmp_path / "ours.dat"
    source = experiment(segment(signal(VALUES, population="soma", sampling_period=0.025)))
    Neuron().write(source, path)
    h.clipboard_retrieve(str(path))
    np.testing.assert_array_equal(np.array(h.hoc_obj_[1]), TIMES)
    np.testing.assert_array_equal(np.array(h.hoc_obj_[0]), VALUES)
    assert h.hoc_obj_[0].label() == "soma/v"
    many = signal(np.stack([VALUES, -VALUES], axis=1), sampling_period=0.025)
    Neuron().write(experiment(segment(many)), path, overwrite=True)
    for column, expected in ((1, TIMES), (2, VALUES), (3, -VALUES)):
        file, text, vector = h.File(), h.ref(""), h.Vector()
        file.ropen(str(path))
        file.gets(text)
        vector.scanf(file, int(file.scanvar()), column, 3)
        np.testing.assert_array_equal(np.array(vector), expected)
        file.close()
