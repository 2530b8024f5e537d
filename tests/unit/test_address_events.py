"""Address events: what their bits mean, and how they lie in an archive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import archive
import schemas
from archive import addresses as of_addresses, values
from archive.addresses import CODINGS, decoded, ticks_to_times, times_of
from archive.entry import Entry
from archive.errors import ContractError, NotFound


def part(addresses: Any, ticks: Any, **fields: Any) -> Entry:
    fields = {"variable": "eye", "time_unit": "us", "tick": 1.0, **fields}
    return Entry(schemas.AddressEvents(**fields), {"addresses": addresses, "ticks": ticks})


def stored(path: Path, *parts: Entry) -> None:
    with archive.open(path, "x") as exp, exp.run("r") as run:
        run.put([Entry(schemas.Segment(name=f"s{n}"), parts=[one]) for n, one in enumerate(parts)])


@pytest.mark.parametrize(
    ("coding", "address", "said"),
    [
        ("dvs128", 0x8000 | 3 << 8 | 5 << 1 | 1, {"x": 122, "y": 3, "polarity": -1, "external": 1}),
        ("dvs128", 127 << 1, {"x": 0, "y": 0, "polarity": 1, "external": 0}),
        ("davis", 259 << 22 | 345 << 12 | 1 << 11, {"x": 345, "y": 259, "polarity": 1, "kind": 0}),
        ("davis", 1 << 10, {"x": 0, "y": 0, "polarity": -1, "kind": 1}),
        ("davis", 1 << 31, {"x": 0, "y": 0, "polarity": -1, "kind": 2}),
        ("davis", 1 << 31 | 3 << 10, {"x": 0, "y": 0, "polarity": 1, "kind": 3}),
        ("ams-cochlea", 1 << 5 | 31, {"filter": 1, "side": 1, "channel": 32}),
        ("aedat-3", 9 << 17 | 8 << 2 | 3, {"x": 9, "y": 8, "polarity": 1, "valid": 1}),
        (
            "aedat-3-spike",
            7 << 12 | 6 << 6 | 5 << 1,
            {"core": 5, "chip": 6, "neuron": 7, "valid": 0},
        ),
        ("prophesee", 1 << 28 | 719 << 14 | 1279, {"x": 1279, "y": 719, "polarity": 1}),
        ("prophesee-1", 239 << 9 | 303, {"x": 303, "y": 239, "polarity": -1}),
    ],
)
def test_bits_of_each_coding(coding: str, address: int, said: dict[str, int]) -> None:
    found = decoded([address], coding)
    assert {name: int(found[name][0]) for name in said} == said


def test_every_coding_is_in_the_reference() -> None:
    page = Path(__file__).resolve().parents[2] / "docs/reference/formats/events.md"
    text = page.read_text("utf-8")
    assert [name for name in CODINGS if f"| `{name}` |" not in text] == []


def test_a_tick_is_the_nearest_float() -> None:
    ticks = np.arange(1000, dtype=np.int32)
    assert ticks_to_times(ticks, 0.1).tolist() == [n / 10 for n in range(1000)]
    assert ticks_to_times(ticks, 0.3).tolist() == [n * 0.3 for n in range(1000)]
    assert ticks_to_times(ticks, 1e-310).tolist() == [n * 1e-310 for n in range(1000)]


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 21])
def test_times_are_made_piece_by_piece(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(of_addresses, "PIECE", 7)
    ticks = np.arange(count, dtype=np.int32) * 3
    assert times_of(ticks, 0.1).tolist() == ticks_to_times(ticks, 0.1).tolist()


def test_they_are_kept_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "x.nix"
    addresses = np.array([5, 2**32 - 1, 0], np.uint32)
    stored(
        path,
        part(addresses, np.array([7, -3, 7], np.int32), coding="davis", tick=0.1, time_unit="ms"),
        part(np.array([1], ">u2"), np.array([2**40], ">i8")),
        part(np.empty(0, np.uint32), np.empty(0, np.int32)),
    )
    with archive.open(path) as exp:
        assert exp.check(deep=True).is_valid()
        first, second, empty = (segment.address_events["eye"] for segment in exp.segments)
        assert np.array_equal(first.addresses, addresses)
        assert first.addresses.dtype == np.uint32
        assert first.times.magnitude.tolist() == [0.7, -0.3, 0.7]
        assert (first.coding, str(first.tick), len(first)) == ("davis", "0.1 ms", 3)
        assert float(exp.segments[0].t_start.magnitude) == -0.3
        assert float(exp.segments[0].t_stop.magnitude) == 0.7
        assert (second.addresses[:].tolist(), second.ticks[:].tolist()) == ([1], [2**40])
        assert len(empty) == 0
        with pytest.raises(NotFound, match="no coding"):
            second.decoded()
        assert "tick 0.1 ms" in repr(first)
        (signal,) = exp.segments[0].to_neo().irregularlysampledsignals
        assert signal.magnitude[:, 0].tolist() == addresses.tolist()
        assert signal.times.magnitude.tolist() == [0.7, -0.3, 0.7]
        assert signal.annotations == {"coding": "davis"}


def test_what_is_said_of_each_event_goes_to_neo(tmp_path: Path) -> None:
    said = {"valid": values.to_schema(np.array([1, 0, 1]), "valid")}
    stored(tmp_path / "x.nix", part(np.arange(3), np.arange(3), array_annotations=said))
    with archive.open(tmp_path / "x.nix") as exp:
        (signal,) = exp.segments[0].to_neo().irregularlysampledsignals
    assert signal.annotations["valid"].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("addresses", "ticks", "message"),
    [
        (np.zeros(2, int), np.zeros(3, int), "2 addresses but 3 ticks"),
        (np.zeros(2), np.zeros(2, int), "addresses must be integers"),
        (np.zeros(2, int), np.zeros((2, 1), int), "ticks must be integers with one axis"),
    ],
)
def test_what_are_none(
    tmp_path: Path, addresses: npt.NDArray[Any], ticks: npt.NDArray[Any], message: str
) -> None:
    with pytest.raises(ContractError, match=message):
        stored(tmp_path / "x.nix", part(addresses, ticks))


class Counted:
    """An array that notes the largest slice that was asked for, and may end early."""

    def __init__(self, values: npt.NDArray[Any], ends: int | None = None) -> None:
        self.values = values
        self.shape, self.dtype = values.shape, values.dtype
        self.ends = ends
        self.most = 0

    def __getitem__(self, key: slice) -> npt.NDArray[Any]:
        found = self.values[: self.ends][key]
        self.most = max(self.most, found.nbytes)
        return found

    def __array__(self, dtype: Any = None, copy: Any = None) -> npt.NDArray[Any]:
        raise AssertionError("all of it was asked for at once")


def test_they_go_through_memory_in_pieces(tmp_path: Path) -> None:
    count = 1_000_000
    ticks = np.arange(count, dtype=np.int32)[::-1]
    lazy = [Counted(ticks.astype(np.uint32)), Counted(ticks)]
    whole = part(ticks.astype(np.uint32), ticks)
    stored(tmp_path / "x.nix", part(*lazy), whole, part(*lazy))
    assert 0 < max(one.most for one in lazy) <= 2 << 20
    with archive.open(tmp_path / "x.nix") as exp:
        assert exp.check(deep=True).is_valid()  # also that the digests are those of whole arrays
        for segment in exp.segments:
            assert np.array_equal(segment.address_events["eye"].ticks, ticks)


def test_an_array_that_ends_early_is_undone(tmp_path: Path) -> None:
    path = tmp_path / "x.nix"
    ticks = np.arange(600_000, dtype=np.int32)
    with archive.open(path, "x") as exp, exp.run("r") as run:
        segment = Entry(schemas.Segment(), parts=[part(ticks, Counted(ticks, 500_000))])
        with pytest.raises(ValueError, match="were asked for"):
            run.put([segment])
    with archive.open(path) as exp:
        assert len(exp.segments) == 0
        assert exp.check(deep=True).is_valid()
