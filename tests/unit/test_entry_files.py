"""Entries in a folder between two processes: what comes back, and how much may be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import schemas
from archive.adapters import entry_files
from archive.adapters.entry_files import INDEX, Stored, read_entries, write_entries
from archive.entry import Entry
from archive.errors import FormatError
from archive.testing.comparing import Declared, differences, placed

SIGNAL = schemas.Signal(variable="v", unit="mV", sampling_period=1.0)


def test_what_is_written_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry_files, "BLOCK", 16)
    large = Entry(SIGNAL, {"values": np.arange(3000.0).reshape(1000, 3).T.copy().T})
    small = Entry(SIGNAL, {"values": np.zeros((0, 2), ">f4"), "channels": np.arange(2)})
    segments = [Entry(schemas.Segment(name="s"), {}, [small, small]), Entry(schemas.Segment())]
    run = Entry(schemas.Run(name="r"), {}, segments)
    write_entries([large, run, run], tmp_path, 1 << 30)
    owner = object()
    first, *others = read_entries(tmp_path, owner)
    values = first.arrays["values"]
    assert isinstance(values, Stored)
    assert (values.shape, values.dtype) == ((1000, 3), np.dtype(float))
    np.testing.assert_array_equal(values[5:7], [[15, 16, 17], [18, 19, 20]])
    for given, found in zip([large, run, run], [first, *others], strict=True):
        assert list(differences([placed(given)], [placed(found)], Declared([]))) == []


def test_no_more_is_written_than_allowed(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="more than 7999 bytes"):
        write_entries([Entry(SIGNAL, {"values": np.zeros((1000, 1))})], tmp_path, 7999)
    assert [path.name for path in tmp_path.iterdir()] == [INDEX]


def test_documents_count_too(tmp_path: Path) -> None:
    text = Entry(schemas.Segment(description="x" * 1000))
    with pytest.raises(FormatError, match="more than 999 bytes"):
        write_entries([text], tmp_path, 999)
    assert (tmp_path / INDEX).stat().st_size == 0


def test_objects_are_not_written(tmp_path: Path) -> None:
    event = Entry(schemas.Event(variable="e"), {"labels": np.array([{}], object)})
    with pytest.raises(FormatError, match="holds objects"):
        write_entries([event], tmp_path, 1 << 20)
