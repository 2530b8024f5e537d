"""What lies in a segment: lazy signals like NumPy arrays, spikes, events, images, units, Neo."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp

import archive
import schemas
from archive import Entry
from archive.storage import Growing
from tests.unit import rich_archive
from tests.unit.rich_archive import numbers

STEP = 0.1 * pq.ms
SHAPE = (37, 5)
VALUES = np.arange(37 * 5, dtype=np.float32).reshape(SHAPE)


@pytest.fixture(scope="module")
def stretch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[archive.Signal]:
    """The values above, between those of other segments of the same stream."""
    with archive.open(tmp_path_factory.mktemp("lazy") / "lazy.nix", "x") as exp:
        run = exp.run()
        for values in (-VALUES[:11], VALUES, -VALUES):
            given = pq.Quantity(values, "mV", dtype=values.dtype)  # a product would be float64
            run.append({"v": given}, sampling_period=STEP)
        signal = exp.segments[1].signals["v"]
        assert isinstance(signal, archive.Signal)
        yield signal


def outcome(array: Any, key: Any) -> Any:
    """What indexing gives, or the type of its error."""
    try:
        return np.asarray(array[key])
    except IndexError as error:
        return type(error)


INDEX = st.integers(-50, 50)
AXIS = st.one_of(INDEX, st.slices(50), INDEX.map(np.int64), st.lists(INDEX, max_size=4))


@given(
    st.one_of(
        hnp.basic_indices(SHAPE, allow_newaxis=True, allow_ellipsis=True),
        AXIS,
        st.tuples(AXIS, AXIS.filter(lambda key: not isinstance(key, list))),
        hnp.arrays(bool, SHAPE[0]),
        hnp.arrays(bool, SHAPE),
        hnp.integer_array_indices(SHAPE),
        st.tuples(INDEX, INDEX, INDEX),
    )
)
def test_index_as_in_numpy(stretch: archive.Signal, key: Any) -> None:
    wanted, got = outcome(VALUES, key), outcome(stretch, key)
    if isinstance(wanted, type):
        assert got is wanted
    else:
        assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
        assert np.array_equal(got, wanted)
        if not isinstance(key, bool):
            assert stretch[key].units == pq.mV


def test_only_what_is_asked_for_is_read(
    stretch: archive.Signal, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    read = Growing._read

    def counting(self: Growing, *where: Any) -> Any:
        values = read(self, *where)
        sizes.append(values.size)
        return values

    monkeypatch.setattr(Growing, "_read", counting)
    for key, size in ((np.s_[:10], 50), (5, 5), (np.s_[:, 1], 37), (np.s_[3:9:2, 4], 3)):
        sizes.clear()
        stretch[key]
        assert sizes == [size]
    sizes.clear()
    assert (stretch.shape, stretch.dtype, len(stretch)) == (SHAPE, np.dtype(np.float32), 37)
    assert (stretch.unit, stretch.t_stop, stretch.times.shape) == ("mV", 3.7 * pq.ms, (37,))
    assert sizes == []
    assert np.array_equal(np.asarray(stretch), VALUES)
    assert np.asarray(stretch, dtype=float).dtype == float


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Iterator[archive.Experiment]:
    path = rich_archive.write(tmp_path_factory.mktemp("rich") / "rich.nix")
    with archive.open(path) as exp:
        yield exp


def test_every_part_comes_back_equal(rich: archive.Experiment) -> None:
    for seed, seg in enumerate(rich.segments):
        parts = list(seg.to_entry().parts)
        wanted = rich_archive.parts(seed)
        assert len(parts) == len(wanted)
        for one, other in zip(wanted, parts, strict=True):
            assert rich_archive.same(one, other), one.model
        assert seg.recorded == rich_archive.MOMENT
        assert (float(seg.t_start), float(seg.t_stop)) == pytest.approx(
            (0.0, max(20.0, 1000 * np.abs(numbers(seed, 6 + seed % 3)).max(), 40 * (6 + seed % 3)))
        )


def test_signals_have_channels_and_facts(rich: archive.Experiment) -> None:
    for seed, seg in enumerate(rich.segments):
        assert list(seg.signals) == ["cells/v", "w"]
        v, w = seg.signals["cells/v"], seg.signals["w"]
        assert isinstance(v, archive.Signal)
        assert isinstance(w, archive.IrregularSignal)
        assert (v.population, v.variable, v.t_start) == ("cells", "v", 5 * pq.ms)
        assert v.channels.tolist() == [4, 7, 9]
        assert np.array_equal(v.channel(7), v[:, 1])
        with pytest.raises(archive.NotFound, match="neuron 5 was not recorded"):
            v.channel(5)
        assert v.array_annotations == {"depth": [1.0, 2.0, 3.0]}
        assert v.annotations == {"seed": seed, "of": "all"}
        assert w.times.units == pq.s
        assert w.units == pq.Quantity(1, "uS/cm**2")
        assert np.array_equal(w.times.magnitude, np.sort(np.abs(numbers(seed, 6 + seed % 3))))


def test_spikes(rich: archive.Experiment) -> None:
    spikes = rich.segments[1].spikes["cells"]
    assert (spikes.n, len(spikes)) == (5, 6)
    assert spikes.counts().tolist() == [2, 0, 3, 0, 1]
    trains = [[1.0, 2.5], [], [0.5, 0.75, 9.0], [], [3.0]]
    for number, train in enumerate(trains):
        for index in (number, number - 5):
            assert spikes.train(index).tolist() == train
            assert spikes.train(index).units == pq.ms
    for wrong in (5, -6):
        with pytest.raises(archive.NotFound, match="no train"):
            spikes.train(wrong)
    assert spikes.neuron.tolist() == [0, 0, 2, 2, 2, 4]
    assert spikes.channels.tolist() == [1, 2, 3, 5, 8]
    assert spikes.waveforms.shape == (6, 2, 4)
    assert spikes.waveforms.dtype == np.float32
    assert spikes.waveforms.units == pq.uV
    assert (spikes.t_start, spikes.t_stop) == (0 * pq.ms, 20 * pq.ms)
    assert spikes.train_annotations == {"type": list("abcde")}


def test_events_epochs_and_images(rich: archive.Experiment) -> None:
    seg = rich.segments[2]
    assert (list(seg.events), list(seg.epochs), list(seg.images)) == (
        ["trigger"], ["cells/stimulus"], ["film"],
    )  # fmt: skip
    events, epochs, film = seg.events["trigger"], seg.epochs["stimulus"], seg.images["film"]
    assert events.times.tolist() == [1.0, 0.5, 7.0]
    assert events.labels == ["on", "off", "größer"]
    assert events.array_annotations == {"n": [1, 2, 3]}
    assert epochs.labels == ["on", "off", "größer", "", "a\0b", "on"]
    assert epochs.durations.tolist() == [0.5] * 6
    assert len(epochs) == 6
    assert (film.shape, film.dtype) == ((8, 3, 4), np.dtype(np.uint8))
    assert film.times.tolist() == [40.0 * number for number in range(8)]
    assert np.array_equal(film[2:4, 1], np.arange(96).reshape(8, 3, 4)[2:4, 1])


def test_neo_has_it_all(rich: archive.Experiment) -> None:
    block = rich.to_neo()
    assert len(block.segments) == 3
    for seed, (made, seg) in enumerate(zip(block.segments, rich.segments, strict=True)):
        assert np.array_equal(
            made.analogsignals[0].magnitude, numbers(seed, 24 + 4 * (seed % 3), 3)
        )
        assert made.analogsignals[0].units == pq.mV
        assert made.analogsignals[0].t_start == 5 * pq.ms
        assert len(made.irregularlysampledsignals) == 1
        assert [len(train) for train in made.spiketrains] == [2, 0, 3, 0, 1]
        assert made.spiketrains[2].tolist() == [0.5, 0.75, 9.0]
        assert made.events[0].labels.tolist() == ["on", "off", "größer"]
        assert made.epochs[0].durations.tolist() == [0.5] * 6
        assert made.imagesequences[0].shape == (6 + seed % 3, 3, 4)
        assert made.annotations["amplitude"] == pytest.approx(0.1 * seed * pq.nA)
        alone = seg.to_neo()
        assert np.array_equal(alone.analogsignals[0], made.analogsignals[0])
        assert np.array_equal(
            seg.signals["cells/v"].to_neo().magnitude, made.analogsignals[0].magnitude
        )


# -- segments of one name that differ ----------------------------------------------------------


def test_another_unit_is_another_stream(tmp_path: Path) -> None:
    units = [pq.mV, pq.uV, pq.mV, pq.V, pq.nA]
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        run = exp.run()
        for number, unit in enumerate(units):
            run.append({"c/v": numbers(number, 10, 2) * unit}, sampling_period=STEP)
        assert len(exp._container.streams) == 4
    with archive.open(tmp_path / "exp.nix") as exp:
        for number, (seg, unit) in enumerate(zip(exp.segments, units, strict=True)):
            v = seg.signals["c/v"]
            assert v.units == unit
            assert v.unit == unit.symbol
            assert np.array_equal(v.magnitude, numbers(number, 10, 2))


def test_population_that_changes_size(tmp_path: Path) -> None:
    sizes = [3, 5, 3, 1, 0, 5]
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        run = exp.run()
        for number, size in enumerate(sizes):
            spikes = {neuron: [number, 10.0 + neuron] * pq.ms for neuron in range(size)}
            values = numbers(number, 10, size) * pq.mV
            run.append({"c/v": values, "c/spikes": spikes}, sampling_period=STEP)
    with archive.open(tmp_path / "exp.nix") as exp:
        for number, (seg, size) in enumerate(zip(exp.segments, sizes, strict=True)):
            assert np.array_equal(seg.signals["c/v"].magnitude, numbers(number, 10, size))
            assert seg.spikes["c"].n == size
            assert seg.spikes["c"].counts().tolist() == [2] * size
            assert len(seg.to_neo().spiketrains) == size


def test_sampling_and_channels_are_kept_apart(tmp_path: Path) -> None:
    def part(period: float, unit: str, channels: list[int]) -> Entry:
        model = schemas.Signal(variable="v", unit="mV", sampling_period=period, time_unit=unit)
        values = np.full((4, len(channels)), period)
        return Entry(model, {"values": values, "channels": np.array(channels)})

    kinds: list[tuple[float, str, list[int]]] = [
        (0.1, "ms", [0, 1]), (0.2, "ms", [0, 1]), (0.1, "s", [0, 1]), (0.1, "ms", [0, 2]),
    ]  # fmt: skip
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        run = exp.run()
        run.put([Entry(schemas.Segment(), parts=[part(*kind)]) for kind in kinds * 2])
        assert len(exp._container.streams) == 4
        for seg, (period, unit, channels) in zip(exp.segments, kinds * 2, strict=True):
            v = seg.signals["v"]
            assert isinstance(v, archive.Signal)
            assert v.sampling_period == pq.Quantity(period, unit)
            assert v.channels.tolist() == channels
            assert (v.magnitude == period).all()


def test_names_that_share_their_beginning(tmp_path: Path) -> None:
    names = ["x" * 150 + end for end in "abc"] + [".", "..", "v.times", "v", "tables", "runs"]
    names += ["v.segments", "v.segments.positions"]
    with archive.open(tmp_path / "exp.nix", "x") as exp:
        named = {name: np.full(3, number) for number, name in enumerate(names)}
        exp.run().append(named, sampling_period=STEP)
    with archive.open(tmp_path / "exp.nix", "a") as exp:
        exp.run().append(named, sampling_period=STEP)
        assert len(exp._container.streams) == len(names)
        for seg in exp.segments:
            assert {name: int(v.magnitude[0, 0]) for name, v in seg.signals.items()} == {
                name: number for number, name in enumerate(names)
            }
