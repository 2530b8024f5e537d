"""The segments of a run as sweeps of an ATF file, and the signals in them as its columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.atf_reading import (
    CHANNEL,
    EXPORTED,
    SIGNALS,
    STARTS,
    SWEEP_START,
)
from archive.adapters.foreign_names import name_of
from archive.adapters.foreign_units import NO_UNIT
from archive.adapters.left_out import NO_PLACE, left_out, whole
from archive.adapters.sampling import regular
from archive.entry import ArrayLike, Entry, Loss, parts_of
from archive.errors import FormatError

AnySignal = schemas.Signal | schemas.IrregularSignal
_CARRIED = {
    "population", "variable", "unit", "time_unit", "t_start", "sampling_period", "times", "values",
    "channels",
}  # fmt: skip
_ROWS = 4096
_OTHER_TIMES = "the file has one column of times, and this has others"


@dataclass(frozen=True)
class _Base:
    """The times of all columns."""

    unit: str
    times: npt.NDArray[np.float64]
    fit: tuple[float, float] | None  # as a reader finds them


@dataclass(frozen=True)
class _Column:
    signal: str
    title: str
    values: ArrayLike  # (row, channel)
    channel: int


class AtfWriting:
    """One file, and what is lost in it."""

    def __init__(self, run: Entry, way: str, path: Path) -> None:
        self.losses: list[Loss] = []
        self._path = path
        self._run = run
        self._way = way
        segments = []
        for at, part in parts_of(run, way):
            if isinstance(part.model, schemas.Segment):
                segments.append((at, part, list(parts_of(part, at))))
            else:
                self._lose(part, at, "the file holds segments")
        self._base = self._common_times([part for _, _, inside in segments for _, part in inside])
        self._sweeps: list[Entry] = []
        self._columns: list[_Column] = []
        for at, segment, inside in segments:
            self._add_sweep(segment, at, inside)
        if not self._columns:
            reasons = dict.fromkeys(loss.reason for loss in self.losses)
            raise FormatError(
                "there is no signal that can be written", path=path, hint="; ".join(reasons) or None
            )

    def _lose(self, entry: Entry, way: str, reason: str) -> None:
        self.losses.append(whole(way, entry, reason))

    def _common_times(self, parts: Sequence[Entry]) -> _Base:
        """Those of the first signal whose times a reader finds again, or of the longest that has
        the same in the beginning."""
        found: _Base | None = None
        for part in parts:
            if _unfit(part) is not None:
                continue
            unit, times = _times(part)
            if found is None:
                base = _base(unit, times)
                is_free = isinstance(part.model, schemas.IrregularSignal)
                if base.fit is not None or (is_free and np.isfinite(times).all()):
                    found = base
            elif (
                unit == found.unit
                and len(times) > len(found.times)
                and np.array_equal(times[: len(found.times)], found.times)
            ):
                found = _base(unit, times)
        return found or _Base("s", np.empty(0), None)

    def _add_sweep(self, segment: Entry, way: str, inside: Sequence[tuple[str, Entry]]) -> None:
        number = len(self._sweeps) + 1
        seen: set[tuple[str | None, str]] = set()
        count = len(self._columns)
        lost: list[Loss] = []
        for at, part in inside:
            model = part.model
            fault = _unfit(part) or self._fault_of_times(part)
            if fault is None and isinstance(model, AnySignal):
                if (model.population, model.variable) in seen:
                    fault = "there is another of this name"
                seen.add((model.population, model.variable))
            if fault is not None:
                lost.append(whole(at, part, fault))
                continue
            lost += self._add_signal(part, at, number)
        if len(self._columns) == count:
            reasons = "; ".join(dict.fromkeys(loss.reason for loss in lost))
            self._lose(segment, way, reasons or "there is no signal in it")
            return
        self._sweeps.append(segment)
        if getattr(segment.model, "name", None) != (name := f"sweep {number}"):
            self.losses.append(Loss(way, "name", f"the traces of a sweep have a number: {name}"))
        self.losses += left_out(way, segment, {"name", "annotations"}, NO_PLACE)
        annotations = dict(getattr(segment.model, "annotations", {}))
        if _start_of(segment) is not None:
            del annotations[SWEEP_START]
        self.losses += [Loss(way, f"annotations.{key}", NO_PLACE) for key in annotations] + lost

    def _fault_of_times(self, part: Entry) -> str | None:
        base = self._base
        unit, times = _times(part)
        if unit != base.unit or not np.array_equal(times, base.times[: len(times)]):
            return _OTHER_TIMES
        is_regular = isinstance(part.model, schemas.Signal)
        if is_regular and base.fit is None:
            return "times of a single sample, or so close, are not told to be regular"
        return None

    def _add_signal(self, part: Entry, way: str, number: int) -> Iterator[Loss]:
        model, values = part.model, part.arrays["values"]
        assert isinstance(model, AnySignal)
        base = self._base
        yield from left_out(way, part, _CARRIED, NO_PLACE)
        if isinstance(model, schemas.IrregularSignal):
            if base.fit is not None:
                yield whole(way, part, "its times are regular: it comes back a signal")
        elif base.fit is not None:
            for field, value in zip(("t_start", "sampling_period"), base.fit, strict=True):
                if value != getattr(model, field):
                    yield Loss(way, field, f"as the times are printed it is {value}")
        if np.dtype(values.dtype) != np.float64:
            yield Loss(way, "values", f"{values.dtype} becomes float64")
        if model.unit == "":
            yield Loss(way, "unit", "an empty unit is not told from none")
        channels, fault = _channels(part, values.shape[1])
        if fault is not None:
            yield Loss(way, "channels", fault)
        name = "/".join(filter(None, (model.population, model.variable)))
        known = name.encode("latin-1", "replace").decode("latin-1")
        if known != name:
            for field in ("population", "variable"):
                yield Loss(way, field, "a name in the file has letters of latin-1 only")
        title = f"Trace #{number}" + (f" ({model.unit})" if model.unit not in ("", NO_UNIT) else "")
        is_plain = channels == [0] and CHANNEL.fullmatch(known) is None
        for at, channel in enumerate(channels):
            signal = known if is_plain else f"{known}[{channel}]"
            self._columns.append(_Column(signal, title, values, at))

    def write(self, staged: Path) -> None:
        """Write the file."""
        records = self._records()
        width = len(self._columns) + 1
        with staged.open("x", encoding="latin-1", newline="\r\n") as file:
            file.write(f"ATF\t1.0\n{len(records)}\t{width}\n")
            file.writelines(f"{record}\n" for record in records)
            titles = [f"Time ({self._base.unit})", *(column.title for column in self._columns)]
            file.write("\t".join(map(_quoted, titles)) + "\n")
            for begin in range(0, len(self._base.times), _ROWS):
                file.writelines(f"{row}\n" for row in self._rows(begin))

    def _records(self) -> list[str]:
        found = []
        annotations: dict[str, Any] = getattr(self._run.model, "annotations", {})
        reserved = (STARTS, EXPORTED, SIGNALS)
        for key, value in annotations.items():
            if isinstance(value, str) and key not in reserved and _is_record(key, value):
                found.append(_quoted(f"{key}={value}"))
            else:
                reason = "a record of the header is one line of latin-1 text"
                self.losses.append(Loss(self._way, f"annotations.{key}", reason))
        name = getattr(self._run.model, "name", None)
        kept = {"annotations"} | ({"name"} if name == name_of(self._path.stem, "run") else set())
        if self._way:
            self.losses += left_out(self._way, self._run, kept, NO_PLACE)
        starts = [_start_of(segment) for segment in self._sweeps]
        told = [f"{start!r}" for start in starts if start is not None]
        if told and len(told) == len(starts):
            found.append(_quoted(f"{STARTS}={','.join(told)}"))
        names = [column.signal for column in self._columns]
        exported = [name.replace(",", " ") for name in dict.fromkeys(names)]
        found.append(_quoted(f"{EXPORTED}={','.join(exported)}"))
        found.append("\t".join([_quoted(f"{SIGNALS}="), *map(_quoted, names)]))
        return found

    def _rows(self, begin: int) -> Iterator[str]:
        """Some of the rows. An array is read once, whatever its channels."""
        blocks: dict[int, list[list[float]]] = {}
        for column in self._columns:
            if id(column.values) not in blocks:
                block = np.asarray(column.values[begin : begin + _ROWS], np.float64)
                blocks[id(column.values)] = block.tolist()
        for at, time in enumerate(self._base.times[begin : begin + _ROWS].tolist()):
            words = [repr(time)]
            for column in self._columns:
                block_ = blocks[id(column.values)]
                words.append(repr(block_[at][column.channel]) if at < len(block_) else "")
            yield "\t".join(words)


def _base(unit: str, times: npt.NDArray[np.float64]) -> _Base:
    return _Base(unit, times, regular(times, [repr(time).encode() for time in times.tolist()]))


def _unfit(part: Entry) -> str | None:
    """Why a part can be no column; None if it can."""
    if not isinstance(part.model, AnySignal):
        return "the file holds signals"
    values = part.arrays["values"]
    if np.dtype(values.dtype).kind not in "biuf":
        return "the file holds real numbers"
    return None if values.shape[1] and values.shape[0] else "there is no sample in it"


def _times(part: Entry) -> tuple[str, npt.NDArray[np.float64]]:
    model = part.model
    if isinstance(model, schemas.Signal):
        count = part.arrays["values"].shape[0]
        with np.errstate(over="ignore"):
            times = model.t_start + model.sampling_period * np.arange(count)
        return model.time_unit, np.asarray(times, np.float64)
    assert isinstance(model, schemas.IrregularSignal)
    return model.time_unit, np.asarray(part.arrays["times"], np.float64)


def _channels(part: Entry, count: int) -> tuple[list[int], str | None]:
    held = part.arrays.get("channels")
    if held is None:
        return list(range(count)), None
    channels = np.asarray(held)
    if len(np.unique(channels)) < count or (channels < 0).any():
        return list(range(count)), "they are no different numbers from 0 on"
    fault = None if channels.dtype == np.int64 else f"{channels.dtype} becomes int64"
    return [int(one) for one in channels], fault


def _start_of(segment: Entry) -> float | None:
    """When the sweep began, in ms, if that is said as the file can say it."""
    told = getattr(segment.model, "annotations", {}).get(SWEEP_START)
    if isinstance(told, schemas.Quantity) and told.unit == "ms" and type(told.value) is float:
        return told.value
    return None


def _is_record(key: str, value: str) -> bool:
    text = key + value
    if "=" in key or any(letter in text for letter in "\n\r") or key.startswith("record "):
        return False
    return text.encode("latin-1", "ignore").decode("latin-1") == text


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
