"""What is drawn of recordings: extremes, counts and codes against plain references."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import archive
import schemas
from archive.entry import Entry
from archive.report import rasters, traces
from archive.report.pictures import chosen
from archive.report.rasters import raster_picture
from archive.report.traces import MISSING, STEPS, trace_picture
from archive.testing.sources import OnDisk


def signal(values: Any, **facts: Any) -> Entry:
    model = schemas.Signal(variable="v", unit="mV", sampling_period=0.1, **facts)
    return Entry(model, {"values": OnDisk(values), "channels": np.arange(values.shape[1])})


def back(picture: traces.Picture, channel: int, which: int) -> Any:
    """The values that the page makes of the codes of a channel; `which` 1 is the largest."""
    each = 2 if picture.head["size"] > 1 else 1
    codes = picture.arrays[channel * each + min(which, each - 1)].astype(float)
    bottom, top = picture.head["ranges"][channel]
    return np.where(codes == MISSING, np.nan, bottom * (1 - codes / STEPS) + top * (codes / STEPS))


@settings(max_examples=30)
@given(
    count=st.integers(1, 400), columns=st.integers(1, 60), block=st.integers(1, 2000),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_extremes_are_those_of_each_bucket(count: int, columns: int, block: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(count, 2))
    values[np.random.default_rng(seed).random(values.shape) < 0.2] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(traces, "BLOCK_BYTES", block)
        picture = trace_picture(signal(values), columns)
    assert picture is not None
    size = picture.head["size"]
    assert -(-count // size) <= 2 * columns
    for channel in range(2):
        for which, extreme in enumerate((np.fmin, np.fmax)):
            wanted = [
                extreme.reduce(values[at : at + size, channel]) for at in range(0, count, size)
            ]
            precision = float(np.ptp(picture.head["ranges"][channel])) / STEPS + 1e-12
            np.testing.assert_allclose(back(picture, channel, which), wanted, atol=precision)
    assert bool(picture.note) == (size > 1), "the page must say that it is decimated, or not"


@pytest.mark.parametrize(
    "values",
    [
        np.full((5, 1), np.nan), np.full((5, 1), 3.0), np.zeros((4, 1), bool),
        np.array([[1e308], [-1e308]]), np.array([[np.inf], [1.0]]),
        np.arange(9, dtype="u8")[:, None],
    ],
)  # fmt: skip
def test_odd_values_are_drawn(values: Any) -> None:
    picture = trace_picture(signal(values), 10)
    assert picture is not None
    wanted = np.where(np.isfinite(values[:, 0]), values[:, 0].astype(float), np.nan)
    finite = np.nanmax(np.abs(np.nan_to_num(wanted)))
    np.testing.assert_allclose(back(picture, 0, 0), wanted, atol=finite / 1e4)


def test_channels_that_are_not_drawn_are_counted() -> None:
    picture = trace_picture(signal(np.zeros((5, 30))), 10)
    assert picture is not None
    assert len(picture.head["labels"]) == traces.CHANNELS_SHOWN
    assert "8 of 30 channels" in picture.note


@pytest.mark.parametrize("values", [np.zeros((5, 1), complex), np.zeros((0, 2)), np.zeros((5, 0))])
def test_what_cannot_be_drawn_is_none(values: Any) -> None:
    assert trace_picture(signal(values), 10) is None


def test_irregular_samples_keep_their_times() -> None:
    model = schemas.IrregularSignal(variable="w", unit="mV", time_unit="s")
    times = np.array([0.0, 1.0, 1.5, 9.0, 10.0])
    picture = trace_picture(Entry(model, {"times": times, "values": np.ones((5, 1))}), 10)
    assert picture is not None
    head = picture.head
    drawn = head["start"] + picture.arrays[-1] / 0xFFFFFFFF * (head["stop"] - head["start"])
    np.testing.assert_allclose(drawn, times * 1000, atol=1e-4)


def trains(times: Any, neuron: Any, size: int, stop: float) -> Entry:
    model = schemas.SpikeTrains(variable="spikes", size=size, t_stop=stop)
    return Entry(model, {"times": times, "neuron": neuron})


@pytest.mark.parametrize("whole", [10_000, 10])
@pytest.mark.parametrize("block", [1, 7, 1000])
def test_spikes_of_an_archive_are_those_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int, block: int
) -> None:
    """From the lists of active trains, piece by piece, as from plain arrays."""
    random = np.random.default_rng(3)
    neuron = np.sort(random.choice([0, 3, 4, 9], 50))
    times = random.uniform(0, 10, 50)
    times = times[np.lexsort((times, neuron))]
    monkeypatch.setattr(rasters, "WHOLE", whole)
    with archive.open(tmp_path / "a.nix", "x") as exp, exp.run() as run:
        segment = Entry(schemas.Segment(), parts=[trains(times, neuron, 12, 10.0)])
        run.put([segment])
        (stored,) = exp.segments[0].to_entry().parts
        monkeypatch.setattr(rasters, "BLOCK", block)
        drawn = raster_picture(stored, (20, 240))
        plain = raster_picture(trains(times, neuron, 12, 10.0), (20, 240))
    for ours, theirs in zip(drawn.arrays, plain.arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    if whole > 50:
        np.testing.assert_allclose(drawn.arrays[0] / 0xFFFFFFFF * 10, times, atol=1e-6)
        np.testing.assert_array_equal(drawn.arrays[1], neuron)
        assert not drawn.note
    else:
        wanted, _, _ = np.histogram2d(neuron, times, [np.arange(13), np.linspace(0, 10, 21)])
        np.testing.assert_array_equal(drawn.arrays[0].reshape(12, 20), wanted)
        assert "50 spikes counted in 12 × 20 fields" in drawn.note


def test_spikes_outside_of_the_recording_are_drawn_too() -> None:
    picture = raster_picture(trains(np.array([-5.0, np.nan, 20.0]), np.array([0, 1, 1]), 2, 10.0))
    assert (picture.head["start"], picture.head["stop"]) == (-5.0, 20.0)
    assert picture.arrays[1].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("counts", "limit", "wanted"),
    [([5, 0, 1], 4, [3, 0, 1]), ([1, 1, 1], 2, [1, 1, 0]), ([2], 9, [2]), ([], 3, [])],
)
def test_each_run_has_its_turn(counts: list[int], limit: int, wanted: list[int]) -> None:
    assert chosen(counts, limit) == wanted
