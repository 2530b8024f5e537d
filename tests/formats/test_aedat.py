"""AEDAT 3.1 and 4: samples, bytes made by hand, and what comes back."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import aedat4, reader_for
from archive.adapters.aedat3 import Aedat3
from archive.adapters.aedat4 import Aedat4
from archive.addresses import decoded
from archive.entry import Entry
from archive.errors import FormatError
from tests.formats.event_files import DATA, Holding, addresses, only, read, spikes
from tests.typed import of_kind

# the five events of the samples, of which all are made
SAMPLE = [(5, 7, 1, 1000), (6, 7, -1, 1010), (120, 100, 1, 1500), (0, 0, -1, 2000)]
SAMPLE.append((127, 127, 1, 70000))
HEAD = (
    b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n"
    b"#Start-Time: 2016-06-10 14:06:52 (TZ+0200)\r\n#!END-HEADER\r\n"
)


def packet(kind: int, rows: list[tuple[int, int]], overflow: int = 0, source: int = 1) -> bytes:
    head = struct.pack("<hhiiiiii", kind, source, 8, 4, overflow, len(rows), len(rows), len(rows))
    return head + b"".join(struct.pack("<Ii", *row) for row in rows)


def found(part: Entry) -> list[tuple[int, ...]]:
    """x, y, polarity and time."""
    fields = decoded(part.arrays["addresses"][:], "aedat-3")
    columns = [fields[name] for name in ("x", "y", "polarity")] + [np.asarray(part.arrays["ticks"])]
    return list(zip(*[column.tolist() for column in columns], strict=True))


def test_samples_of_both_versions(require: Callable[[str], ModuleType]) -> None:
    require("aedat")
    for name in ("dvs128_v31.aedat", "v4_LZ4.aedat4"):
        reader = reader_for(DATA / name)
        assert reader.name == ("aedat3" if "v31" in name else "aedat4")
        (part,), losses = read(reader, DATA / name)
        assert (losses, of_kind(schemas.AddressEvents, part).coding) == ([], "aedat-3")
        assert found(part) == SAMPLE
    (segment,) = Aedat4().read(DATA / "v4_LZ4.aedat4")
    assert of_kind(schemas.Segment, segment).annotations == {"width": 128, "height": 128}


def test_all_kinds_of_packets(tmp_path: Path) -> None:
    path = tmp_path / "x.aedat"
    path.write_bytes(
        HEAD
        + packet(1, [(3, 5)])
        + packet(0, [(2 << 1 | 1, 9), (99 << 1, 4)])
        + packet(12, [(7 << 12 | 3 << 6 | 2 << 1 | 1, 6)])
        + packet(1, [(1, 7)], overflow=2)
        + packet(3, [(0, 0)] * 2)
        + packet(1, [(1, 8)], source=4)
        + b"\1\0"
    )
    parts, losses = read(Aedat3(), path)
    assert [(loss.field, loss.reason) for loss in losses] == [
        ("imu6", "2 of them left out"),
        ("events", "the last 2 bytes are no whole packet"),
    ]
    named = {of_kind(schemas.Part, part).variable: part for part in parts}
    special = named["special of source 1"].arrays
    assert np.asarray(special["times"]).tolist() == [4.0, 9.0]
    labels = np.asarray(special["labels"]).tolist()
    assert labels == ["special 99, invalid", "external input rises"]
    assert np.asarray(named["events of source 1"].arrays["ticks"]).tolist() == [5, 7 + (2 << 31)]
    assert np.asarray(named["events of source 4"].arrays["addresses"]).tolist() == [1]
    neurons = decoded(named["spikes of source 1"].arrays["addresses"][:], "aedat-3-spike")
    said = {name: values.tolist() for name, values in neurons.items()}
    assert said == {"core": [2], "chip": [3], "neuron": [7], "valid": [True]}


def test_a_cut_packet_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.aedat"
    path.write_bytes((HEAD + packet(1, [(3, 5)]) + packet(1, [(3, 6), (3, 7)]))[:-3])
    (part,), losses = read(Aedat3(), path)
    assert np.asarray(part.arrays["ticks"]).tolist() == [5]
    assert [loss.reason for loss in losses] == ["the last 41 bytes are no whole packet"]


@pytest.mark.parametrize(
    "raw",
    [
        b"#!AER-DAT2.0\n",
        HEAD.replace(b"RAW", b"PNG"),
        HEAD + b"\xff" * 40,
        HEAD + packet(1, [(1, 2)]).replace(b"\x08\0\0\0\x04", b"\x09\0\0\0\x04") + b"\0",
    ],
)
def test_what_is_no_aedat3(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.aedat"
    path.write_bytes(raw)
    with pytest.raises(FormatError):
        list(Aedat3().read(path))


@settings(max_examples=50, deadline=None)
@given(
    ticks=st.lists(st.integers(0, 2**36), max_size=20),
    coding=st.sampled_from(["aedat-3", "aedat-3-spike"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_words_come_back(
    tmp_path_factory: pytest.TempPathFactory, ticks: list[int], coding: str, seed: int
) -> None:
    values = np.random.default_rng(seed).integers(0, 2**32, len(ticks)).tolist()
    path = tmp_path_factory.mktemp("aedat") / "x.aedat3"
    part = addresses(values, ticks, coding=coding, population="retina", variable="dvs")
    assert Aedat3().write(Holding([[part]]), path) == []
    if not ticks:
        assert read(Aedat3(), path) == ([], [])
        return
    model, arrays = only(Aedat3(), path)
    assert (model.coding, model.population, model.variable) == (coding, "retina", "dvs")
    assert arrays == {"addresses": values, "ticks": ticks}


def test_pixels_and_spikes_are_written(tmp_path: Path) -> None:
    path = tmp_path / "x.aedat3"
    part = addresses([2036, 2035, 25614], [1000, 1010, 1500], coding="dvs128")
    losses = Aedat3().write(Holding([[part]]), path)
    assert {loss.field for loss in losses} == {"coding", "addresses"}
    assert found(read(Aedat3(), path)[0][0]) == SAMPLE[:3]
    part = spikes([2.5, 0.5], [0, 1], 2, channels=[9, 4])
    (loss,) = Aedat3().write(Holding([[part]]), path, overwrite=True)
    assert loss.field == "spike-trains"
    (back,), _ = read(Aedat3(), path)
    neurons = decoded(back.arrays["addresses"][:], "aedat-3-spike")["neuron"]
    assert (neurons.tolist(), np.asarray(back.arrays["ticks"]).tolist()) == ([4, 9], [500, 2500])


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (addresses([1], [-1], coding="aedat-3"), "negative"),
        (addresses([1], [1]), "no pixels"),
        (addresses([1], [1], 0.5, "us", coding="aedat-3"), "microseconds"),
        # 2**64 µs, which 64 bits would take for 0
        (addresses([1], [1 << 44], 1.048576, "s", coding="aedat-3"), "64 bits"),
        (addresses([1], [1 << 44], 1.048576, "s", coding="dvs128"), "64 bits"),
        (spikes([0.5], [0], 1, channels=[1 << 20]), "20 bits"),
    ],
)
def test_what_aedat3_cannot_say(tmp_path: Path, part: Entry, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        Aedat3().write(Holding([[part]]), tmp_path / "x.aedat3")
    assert list(tmp_path.iterdir()) == []


def test_aedat4_in_pieces(require: Callable[[str], ModuleType]) -> None:
    require("aedat")
    (part,), _ = read(Aedat4(), DATA / "v4_LZ4.aedat4")
    ticks = part.arrays["ticks"]
    assert [ticks[n : n + 2].tolist() for n in (3, 0, 1)] == [
        [2000, 70000],
        [1000, 1010],
        [1010, 1500],
    ]


@pytest.mark.parametrize(("x", "y"), [(1 << 15, 0), (0, 0xFFFF)])
def test_places_of_aedat4_that_no_word_holds(
    monkeypatch: pytest.MonkeyPatch, x: int, y: int
) -> None:
    fields = [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("on", "?")]
    events = np.array([(1, x, y, True)], fields)
    packets: list[tuple[dict[str, object], dict[str, object]]] = [
        ({"stream_id": 0, "events": events}, {})
    ]
    monkeypatch.setattr(aedat4, "_packets", lambda path: iter(packets))
    (part,), _ = read(Aedat4(), DATA / "v4_LZ4.aedat4")
    with pytest.raises(FormatError, match="not within 0 to 32767"):
        np.asarray(part.arrays["addresses"])


@pytest.mark.parametrize("cut", [300, 900, 1000])
def test_a_damaged_aedat4_is_refused(
    tmp_path: Path, cut: int, require: Callable[[str], ModuleType]
) -> None:
    require("aedat")
    path = tmp_path / "x.aedat4"
    raw = (DATA / "v4_LZ4.aedat4").read_bytes()
    path.write_bytes(raw[: len(raw) - cut])
    with pytest.raises(FormatError):
        list(Aedat4().read(path))
