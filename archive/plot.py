"""Figures of signals and spikes, panel above panel, with a shared axis of time.

``Figure(Panel(segment.signals["cell/v"]), Panel(segment.spikes["cell"]), title="...").save(path)``
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError, MissingPackage
from schemas.v1.unit import conversion

if TYPE_CHECKING:  # an optional package
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas

SUFFIXES = (".pdf", ".png", ".svg")
LEGEND_LIMIT = 10  # lines; a longer legend would hide them
DPI = 150

_Floats = npt.NDArray[np.float64]


class _Traces(NamedTuple):
    """Signals: `times` (time,), `values` (time, channel), one label for each channel."""

    times: _Floats
    values: npt.NDArray[Any]
    labels: list[str]
    title: str


class _Raster(NamedTuple):
    """Spikes: `times` and `neuron` (spike,), of neurons 0 to n - 1."""

    times: _Floats
    neuron: npt.NDArray[Any]
    n: int
    label: str


def _unit(values: Any) -> str:
    """The text of a unit, of a text or of anything from quantities."""
    dimensionality = getattr(values, "dimensionality", None)
    return str(values) if dimensionality is None else str(dimensionality.string)


def _times(values: Any, unit: str | None, wanted: str) -> _Floats:
    """Times in the wanted unit, from a quantity or from numbers with a unit."""
    text = unit if unit is not None else _unit(values)
    magnitude = np.asarray(getattr(values, "magnitude", values), dtype=np.float64)
    return magnitude * float(conversion(text, wanted))


def _traces(signal: Any, wanted: str, label: str) -> _Traces:
    values = np.asarray(signal.magnitude)
    if values.dtype.kind == "c":
        raise FormatError(
            "complex values cannot be drawn", entry=signal.name, hint="draw their abs or angle"
        )
    channels = getattr(signal, "channels", None)
    if channels is None:
        annotated = getattr(signal, "array_annotations", {}).get("channel_index")
        channels = range(values.shape[1]) if annotated is None else annotated
    labels = [f"{label or 'channel'} {channel}" for channel in np.asarray(channels).tolist()]
    unit = _unit(getattr(signal, "units", None) or signal.unit)
    name = signal.name or label or "signal"
    times = _times(signal.times, None, wanted)
    return _Traces(times, values, labels, f"{name} ({unit})" if unit else name)


def _raster(spikes: Any, wanted: str, label: str) -> _Raster:
    neuron = np.asarray(spikes.neuron)
    times = _times(spikes.times, spikes.time_unit, wanted)
    return _Raster(times, neuron, int(spikes.n), label)


def _trains(trains: Sequence[Any], wanted: str, label: str) -> _Raster:
    """From neo's spike trains, in rows by their index in the population where they have one."""
    rows = [int(train.annotations.get("source_index", at)) for at, train in enumerate(trains)]
    parts = [_times(train, None, wanted) for train in trains]
    times = np.concatenate(parts) if parts else np.empty(0)
    neuron = np.repeat(np.array(rows, np.int64), [len(part) for part in parts])
    return _Raster(times, neuron, max(rows, default=-1) + 1, label)


def _drawable(data: Any, wanted: str, label: str) -> _Traces | _Raster:
    if hasattr(data, "neuron"):
        return _raster(data, wanted, label)
    if getattr(data, "ndim", None) == 1 and hasattr(data, "t_stop"):
        return _trains([data], wanted, label)
    if hasattr(data, "magnitude") and hasattr(data, "times"):
        return _traces(data, wanted, label)
    if isinstance(data, Iterable) and not isinstance(data, str | bytes | np.ndarray):
        trains = list(data)
        if all(hasattr(train, "t_stop") and hasattr(train, "annotations") for train in trains):
            return _trains(trains, wanted, label)
    raise FormatError(
        f"a panel cannot draw a {type(data).__name__}",
        hint="give it signals, spikes, or signals and spike trains of neo",
    )


def envelope(times: _Floats, values: npt.NDArray[Any], bins: int) -> tuple[_Floats, _Floats]:
    """A trace with at most about two points per bin, its smallest and its largest value there,
    each at its own time, so that no peak is lost. Short traces come back whole.

    `times` and `values` have the shape (time,).
    """
    size = len(values) // bins
    if size < 4:
        return times, values.astype(np.float64)
    whole = size * bins
    blocks = values[:whole].astype(np.float64).reshape(bins, size)
    missing = np.isnan(blocks)
    low = np.argmin(np.where(missing, np.inf, blocks), axis=1)
    high = np.argmax(np.where(missing, -np.inf, blocks), axis=1)
    first = np.sort(np.stack([low, high], axis=1), axis=1) + size * np.arange(bins)[:, None]
    rest = np.arange(whole, len(values))
    kept = np.concatenate([first.ravel(), rest])
    return times[kept], values[kept].astype(np.float64)


def _distinct(raster: _Raster, columns: int, rows: int) -> tuple[_Floats, npt.NDArray[Any]]:
    """The spikes of a raster, of those that fall on one pixel only one."""
    times, neuron = raster.times, raster.neuron
    if len(times) <= columns * rows // 4:
        return times, neuron
    start, stop = float(times.min()), float(times.max())
    column = ((times - start) * ((columns - 1) / ((stop - start) or 1.0))).astype(np.int64)
    row = neuron.astype(np.int64) * rows // max(raster.n, 1)
    kept = np.unique(row * columns + column, return_index=True)[1]
    return times[kept], neuron[kept]


class Panel:
    """One pair of axes. Takes signals, spikes, and neo's analog signals, spike trains and lists
    of spike trains; several of one kind lie over each other.

    `labels` has a text for each of them, for the legend. `xlabel` and `ylabel` are made from
    names and units where they are None. `xlim` and `ylim` are pairs of numbers, times in the
    figure's unit. `legend` says whether there is one; None means for up to ten lines. Whatever
    else is given, such as `color` or `linewidth`, goes to matplotlib's lines.
    """

    def __init__(
        self,
        *data: Any,
        xlabel: str | None = None,
        ylabel: str | None = None,
        title: str | None = None,
        xlim: tuple[float, float] | None = None,
        ylim: tuple[float, float] | None = None,
        legend: bool | None = None,
        labels: Sequence[str] = (),
        xticks: bool = True,
        yticks: bool = True,
        **line: Any,
    ) -> None:
        self.data = data
        self.xlabel = xlabel
        self.ylabel = ylabel
        self.title = title
        self.xlim = xlim
        self.ylim = ylim
        self.legend = legend
        self.labels = labels
        self.xticks = xticks
        self.yticks = yticks
        self.line = line

    def draw(self, axes: Axes, time_unit: str, columns: int, rows: int) -> None:
        """Draw on matplotlib's axes of so many columns and rows of pixels.

        Raises FormatError for what cannot be drawn.
        """
        labels = [*self.labels, *[""] * len(self.data)]
        ylabels: dict[str, None] = {}
        neurons = 0
        for data, label in zip(self.data, labels, strict=False):
            shown = _drawable(data, time_unit, label)
            if isinstance(shown, _Traces):
                self._draw_traces(axes, shown, columns)
                ylabels[shown.title] = None
            else:
                self._draw_raster(axes, shown, columns, rows)
                ylabels["neuron"] = None
                neurons = max(neurons, shown.n)
        if neurons and len(ylabels) == 1:
            axes.set_ylim(-0.5, neurons - 0.5)
            axes.locator_params(axis="y", integer=True)
        axes.set_ylabel(", ".join(ylabels) if self.ylabel is None else self.ylabel)
        axes.set_title(self.title or "", fontsize="medium")
        axes.tick_params(labelbottom=self.xticks, labelleft=self.yticks)
        if self.xlim is not None:
            axes.set_xlim(*self.xlim)
        if self.ylim is not None:
            axes.set_ylim(*self.ylim)
        handles, _ = axes.get_legend_handles_labels()
        wanted = len(handles) <= LEGEND_LIMIT if self.legend is None else self.legend
        if handles and wanted:
            axes.legend(loc="upper right", fontsize="small")

    def _draw_traces(self, axes: Axes, traces: _Traces, columns: int) -> None:
        style = {"linewidth": 0.8} | self.line
        for channel, label in enumerate(traces.labels):
            times, values = envelope(traces.times, traces.values[:, channel], columns)
            axes.plot(times, values, label=label, **style)

    def _draw_raster(self, axes: Axes, raster: _Raster, columns: int, rows: int) -> None:
        times, neuron = _distinct(raster, columns, rows)
        # A tick for each neuron while there is room for ticks, then dots.
        few = raster.n * 4 <= rows
        style = {
            "linestyle": "none",
            "color": "black",
            "marker": "|" if few else ".",
            "markersize": min(8.0, 0.8 * 72 / DPI * rows / max(raster.n, 1)) if few else 1.5,
            "rasterized": len(times) > 20_000,
        } | self.line
        axes.plot(times, neuron, label=raster.label or "_spikes", **style)


class Figure:
    """Panels above each other. `size` is width and height in inches; `time_unit` is that of the
    shared axis."""

    def __init__(
        self,
        *panels: Panel,
        title: str | None = None,
        size: tuple[float, float] | None = None,
        time_unit: str = "ms",
    ) -> None:
        self.panels = panels
        self.title = title
        self.size = size or (7.0, 0.8 + 2.0 * max(len(panels), 1))
        self.time_unit = time_unit

    def draw(self) -> Canvas:
        """The figure as a matplotlib.figure.Figure, to be refined there.

        Raises MissingPackage without matplotlib, FormatError for what cannot be drawn.
        """
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure as Canvas
        except ImportError as error:
            raise MissingPackage(
                "matplotlib is needed to draw", hint="pip install 'neuroarchive[plot]'"
            ) from error
        canvas = Canvas(figsize=self.size, dpi=DPI, layout="constrained")
        FigureCanvasAgg(canvas)
        if self.title:
            canvas.suptitle(self.title)
        if not self.panels:
            return canvas
        grid = canvas.subplots(len(self.panels), 1, sharex=True, squeeze=False)
        columns = int(self.size[0] * DPI)
        rows = int(self.size[1] * DPI / len(self.panels))
        for panel, axes in zip(self.panels, grid[:, 0], strict=True):
            panel.draw(axes, self.time_unit, columns, rows)
            if panel.xlabel is not None:
                axes.set_xlabel(panel.xlabel)
        if self.panels[-1].xlabel is None:
            grid[-1, 0].set_xlabel(f"time ({self.time_unit})")
        return canvas

    def save(self, path: str | Path) -> None:
        """Write the figure; the suffix of the path says as what: .pdf, .png or .svg.

        Raises FormatError for any other suffix, or if the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in SUFFIXES:
            raise FormatError(
                f"a figure cannot be saved as {path.suffix or 'a file without a suffix'!r}",
                path=path,
                hint=f"known are {', '.join(SUFFIXES)}",
            )
        content = self._render(path.suffix.lower()[1:])
        try:
            path.write_bytes(content)
        except OSError as error:
            raise FormatError(
                f"the figure cannot be written: {error.strerror}", path=path
            ) from error

    def _render(self, format: str) -> bytes:
        content = io.BytesIO()
        self.draw().savefig(content, format=format)
        return content.getvalue()

    def _repr_png_(self) -> bytes:
        return self._render("png")


def segment_figure(segment: Any) -> Figure:
    """A figure of all signals and all spikes of a segment, each in a panel of its own."""
    signals = [Panel(signal, title=name) for name, signal in segment.signals.items()]
    spikes = [Panel(raster, title=name) for name, raster in segment.spikes.items()]
    return Figure(*signals, *spikes, title=segment.name)
