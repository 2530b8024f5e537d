"""Figures show the numbers they are given, with units, and lose no peak."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import neo
import numpy as np
import pytest
import quantities as pq
from neo.core.spiketrainlist import SpikeTrainList

from archive import plot
from archive.errors import FormatError, MissingPackage
from archive.plot import Panel, envelope, segment_figure


class Figure(plot.Figure):
    """With no types of matplotlib's, which allow more than what is checked here."""

    def draw(self) -> Any:
        return super().draw()


def signal(values: Any, unit: str = "mV", period: float = 0.1) -> SimpleNamespace:
    values = np.asarray(values)
    return SimpleNamespace(
        magnitude=values,
        units=pq.Quantity(1, unit),
        times=np.arange(len(values)) * period * pq.ms,
        name="v",
        channels=np.arange(values.shape[1]) + 3,
    )


def raster(times: Any, neuron: Any, n: int, unit: str = "ms") -> SimpleNamespace:
    return SimpleNamespace(
        times=np.asarray(times, float), neuron=np.asarray(neuron), n=n, time_unit=unit, name="cell"
    )


def test_traces_have_their_numbers_and_units() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    (axes,) = Figure(Panel(signal(values))).draw().axes
    assert axes.get_ylabel() == "v (mV)"
    assert axes.get_xlabel() == "time (ms)"
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [2.0, 4.0, 6.0])
    np.testing.assert_allclose(axes.lines[1].get_xdata(), [0.0, 0.1, 0.2])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["channel 3", "channel 4"]


def test_times_are_converted_to_the_unit_of_the_figure() -> None:
    spikes = raster([0.001, 0.002], [0, 1], 2, unit="s")
    trace = signal([[1.0], [2.0]])
    top, bottom = Figure(Panel(trace), Panel(spikes)).draw().axes
    np.testing.assert_allclose(bottom.lines[0].get_xdata(), [1.0, 2.0])
    assert top.get_xlabel() == ""
    assert top.get_xlim() == bottom.get_xlim()
    (axes,) = Figure(Panel(spikes), time_unit="us").draw().axes
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [1000.0, 2000.0])
    assert axes.get_xlabel() == "time (us)"


def test_raster_shows_silent_neurons_too() -> None:
    (axes,) = Figure(Panel(raster([1.0, 2.0, 3.0], [0, 4, 4], 9))).draw().axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [0, 4, 4])
    assert axes.get_ylabel() == "neuron"
    assert axes.get_ylim() == (-0.5, 8.5)
    assert axes.get_legend() is None


def test_settings_of_a_panel() -> None:
    panel = Panel(
        signal([[1.0], [2.0]]),
        xlabel="t",
        ylabel="Membrane potential",
        title="one cell",
        xlim=(0.0, 5.0),
        ylim=(-1.0, 1.0),
        labels=["soma"],
        yticks=False,
        color="red",
    )
    figure = Figure(panel, title="An experiment", size=(4.0, 3.0)).draw()
    (axes,) = figure.axes
    assert figure.get_suptitle() == "An experiment"
    assert tuple(figure.get_size_inches()) == (4.0, 3.0)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("t", "Membrane potential")
    assert axes.get_title() == "one cell"
    assert axes.get_xlim() == (0.0, 5.0)
    assert axes.get_ylim() == (-1.0, 1.0)
    assert axes.lines[0].get_color() == "red"
    assert axes.get_legend().get_texts()[0].get_text() == "soma 3"
    assert not axes.yaxis.get_tick_params()["labelleft"]


def test_many_channels_have_no_legend_unless_asked() -> None:
    many = signal(np.zeros((5, 30)))
    assert Figure(Panel(many)).draw().axes[0].get_legend() is None
    assert len(Figure(Panel(many)).draw().axes[0].lines) == 30
    assert Figure(Panel(many, legend=True)).draw().axes[0].get_legend() is not None
    assert Figure(Panel(signal([[1.0]]), legend=False)).draw().axes[0].get_legend() is None


def test_neo_objects() -> None:
    analog = neo.AnalogSignal(
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        units="nA",
        sampling_rate=1 * pq.kHz,
        t_start=1 * pq.s,
        name="i",
        array_annotations={"channel_index": np.array([7, 9])},
    )
    irregular = neo.IrregularlySampledSignal([1, 5] * pq.ms, [[1.0], [2.0]], units="mV", name="g")
    trains = [
        neo.SpikeTrain([1.0, 2.0], units="ms", t_stop=10.0, source_index=4),
        neo.SpikeTrain([0.003], units="s", t_stop=0.01, source_index=1),
    ]
    axes = (
        Figure(
            Panel(analog),
            Panel(irregular),
            Panel(SpikeTrainList(items=trains)),
            Panel(trains),
            Panel(trains[0]),
            Panel([]),
        )
        .draw()
        .axes
    )
    assert axes[0].get_ylabel() == "i (nA)"
    assert axes[0].lines[1].get_label() == "channel 9"
    np.testing.assert_allclose(axes[0].lines[0].get_xdata(), [1000.0, 1001.0])
    np.testing.assert_allclose(axes[1].lines[0].get_xdata(), [1.0, 5.0])
    for one in axes[2:4]:
        np.testing.assert_allclose(one.lines[0].get_xdata(), [1.0, 2.0, 3.0])
        np.testing.assert_array_equal(one.lines[0].get_ydata(), [4, 4, 1])
    np.testing.assert_array_equal(axes[4].lines[0].get_ydata(), [4, 4])


@pytest.mark.parametrize("wrong", [3, "text", np.zeros(4), [1, 2]])
def test_what_cannot_be_drawn_is_refused(wrong: Any) -> None:
    with pytest.raises(FormatError, match="cannot draw"):
        Figure(Panel(wrong)).draw()


def test_complex_values_are_refused() -> None:
    with pytest.raises(FormatError, match="complex"):
        Figure(Panel(signal(np.ones((3, 1)) * 1j))).draw()


def test_envelope_keeps_every_peak() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=100_003)
    values[[5, 50_000, 100_002]] = [90.0, -80.0, 70.0]
    times = 0.1 * np.arange(len(values), dtype=np.float64)
    short_times, short = envelope(times, values, 500)
    assert len(short) < 1300
    assert np.all(np.diff(short_times) >= 0)
    for at in (5, 50_000, 100_002):
        assert short[np.flatnonzero(short_times == times[at])[0]] == values[at]
    for block, kept in zip(
        values[:100_000].reshape(500, 200), short[:1000].reshape(500, 2), strict=True
    ):
        assert (block.min(), block.max()) == (kept.min(), kept.max())


def test_envelope_with_missing_values() -> None:
    values = np.sin(np.arange(10_000.0))
    values[:1000] = np.nan
    values[5000] = np.nan
    _, short = envelope(np.arange(10_000, dtype=np.float64), values, 100)
    assert np.isnan(short[:20]).all()
    assert not np.isnan(short[20:]).any()


def test_short_traces_stay_whole() -> None:
    times, values = envelope(np.arange(9, dtype=np.float64), np.arange(9), 3)
    np.testing.assert_array_equal(times, np.arange(9.0))
    np.testing.assert_array_equal(values, np.arange(9.0))


@pytest.mark.slow
def test_ten_million_samples_and_a_million_spikes_are_drawn_fast(tmp_path: Path) -> None:
    values = np.zeros((10_000_000, 1), np.float32)
    values[7_654_321] = 55.0
    rng = np.random.default_rng(0)
    spikes = raster(rng.uniform(0, 1e6, 1_000_000), rng.integers(0, 500, 1_000_000), 500)
    spikes.times[123], spikes.neuron[123] = 2e6, 499
    figure = Figure(Panel(signal(values)), Panel(spikes))
    top, bottom = figure.draw().axes
    assert top.lines[0].get_ydata().max() == 55.0
    assert len(top.lines[0].get_ydata()) < 10_000
    assert len(bottom.lines[0].get_xdata()) < 500_000
    assert 2e6 in bottom.lines[0].get_xdata()
    start = time.process_time()
    figure.save(tmp_path / "long.png")
    assert time.process_time() - start < 20


def test_of_spikes_on_one_pixel_one_is_drawn() -> None:
    times, neuron = (grid.ravel() for grid in np.meshgrid(np.arange(100.0), np.arange(10)))
    many = raster(np.tile(times, 500), np.tile(neuron, 500), 10)
    line = Figure(Panel(many)).draw().axes[0].lines[0]
    drawn = sorted(zip(line.get_xdata(), line.get_ydata(), strict=True))
    assert drawn == sorted(zip(times, neuron, strict=True))


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("PDF", b"%PDF")]
)
def test_save(tmp_path: Path, suffix: str, start: bytes) -> None:
    path = tmp_path / f"figure.{suffix}"
    Figure(Panel(signal([[1.0], [2.0]]))).save(str(path))
    assert path.read_bytes().startswith(start)


def test_figure_without_panels_is_drawn_and_shown() -> None:
    assert Figure(title="nothing").draw().axes == []
    assert Figure()._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["figure.jpg", "figure"])
def test_unknown_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match=r"(?s)cannot be saved.*\.pdf, \.png, \.svg"):
        Figure().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be written"):
        Figure().save(tmp_path / "none" / "figure.png")


def test_matplotlib_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackage, match=r"pip install 'neuroarchive\[plot\]'"):
        Figure().draw()


def test_no_pyplot_state() -> None:
    before = "matplotlib.pyplot" in sys.modules
    Figure(Panel(signal([[1.0], [2.0]]))).draw()
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_figure_of_a_segment() -> None:
    segment = SimpleNamespace(
        name="segment 1",
        signals={"cell/v": signal([[1.0], [2.0]]), "cell/i": signal([[1.0]], "nA")},
        spikes={"cell": raster([1.0], [0], 1)},
    )
    figure = segment_figure(segment).draw()
    assert figure.get_suptitle() == "segment 1"
    assert [axes.get_title() for axes in figure.axes] == ["cell/v", "cell/i", "cell"]
    assert [axes.get_ylabel() for axes in figure.axes] == ["v (mV)", "v (nA)", "neuron"]
