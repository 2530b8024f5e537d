"""In what two recordings differ, as the user holds it and reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from archive.experiment.display import counted
from archive.experiment.document_diff import fact_text, one_line, plain_fact, shown
from archive.experiment.snapshot_diff import FactDiff
from archive.experiment.spikes_comparison import SpikesDiff
from archive.experiment.values_comparison import ValuesDiff
from archive.experiment.verdict import DIFFERENT, IDENTICAL, Verdict


@dataclass(frozen=True, slots=True)
class FirstDifference:
    """The earliest place in which two recordings differ.

    `time` is in `time_unit`; `neuron` the index in its population; both None where there is no
    such thing. `index` is the place in the `array`, `first` and `second` are the values there, in
    the units that each has; of spikes, how many each has there.
    """

    array: str
    time: float | None
    time_unit: str
    neuron: int | None
    index: tuple[int, ...]
    first: Any
    second: Any
    unit: str | None = None

    def __str__(self) -> str:
        where = [] if self.time is None else [f"at {self.time!r} {self.time_unit}"]
        where += [] if self.neuron is None else [f"neuron {self.neuron}"]
        if self.array == "spikes":
            return ", ".join([*where, _spikes_there(self.first, self.second)])
        where += [f"{self.array}{list(self.index)}"]
        unit = f" {self.unit}" if self.unit and self.unit != "dimensionless" else ""
        return f"{', '.join(where)}: {shown(self.first)} -> {shown(self.second)}{unit}"


def _spikes_there(first: int, second: int) -> str:
    if first and second:
        return f"{counted(first, 'spike')} -> {second}"
    return f"a spike only in the {'first' if first else 'second'}"


@dataclass(frozen=True, slots=True)
class PartDiff:
    """In what a recording of the second run differs from that of the first.

    `name` is that of the segment and of the part: ``segment000: exc/v``. `facts` are fields of
    its document, `notes` say what was converted, or not compared, and why. `arrays` are what was
    found in its arrays, `spikes` what in its spikes.
    """

    name: str
    kind: str
    verdict: Verdict
    facts: tuple[FactDiff, ...] = ()
    notes: tuple[str, ...] = ()
    first: FirstDifference | None = None
    arrays: tuple[ValuesDiff, ...] = ()
    spikes: SpikesDiff | None = None

    def lines(self) -> Iterator[str]:
        """What differs, a line for each thing."""
        yield from map(fact_text, self.facts)
        yield from map(one_line, self.notes)
        if self.first is not None:
            yield one_line(f"first {self.first}")
        if self.spikes is not None:
            yield from _spike_lines(self.spikes)
        for array in self.arrays:
            yield from _array_lines(array)

    def __str__(self) -> str:
        head = one_line(f"{self.name}: {self.verdict}")
        return "\n  ".join([head, *self.lines()])

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain dicts and lists."""
        return {
            "name": self.name,
            "kind": self.kind,
            "verdict": self.verdict,
            "facts": [plain_fact(fact) for fact in self.facts],
            "notes": list(self.notes),
            "first": None if self.first is None else asdict(self.first),
            "arrays": [asdict(array) | {"verdict": array.verdict} for array in self.arrays],
            "spikes": None
            if self.spikes is None
            else asdict(self.spikes) | {"share": self.spikes.share},
        }


def _spike_lines(found: SpikesDiff) -> Iterator[str]:
    one, other = found.counts
    yield f"{counted(one, 'spike')} -> {other}, {found.rates[0]:.6g} Hz -> {found.rates[1]:.6g} Hz"
    if found.verdict == IDENTICAL:
        return
    yield (
        f"{found.differing} of {found.trains} trains differ ({100 * found.share:.3g} %), "
        f"{counted(found.unshared[0], 'spike')} only in the first, "
        f"{found.unshared[1]} only in the second"
    )
    if found.largest == found.largest:
        yield f"each train has as many spikes, at most {found.largest:.6g} apart"
    yield f"distance {found.distance:.6g} of 1 (van Rossum)"


def _array_lines(found: ValuesDiff) -> Iterator[str]:
    if found.verdict == IDENTICAL:
        return
    unit = f" {found.unit}" if found.unit and found.unit != "dimensionless" else ""
    counts = (
        (found.differing, "differ"),
        (found.close, "differ within the tolerance"),
        (found.rewritten, "differ in bits only"),
    )
    said = ", ".join(f"{count} {how}" for count, how in counts if count)
    yield f"{found.array}: of {found.compared} {said}"
    if found.largest and (found.differing or found.close):
        yield f"{found.array}: at most {found.largest:.6g}{unit} apart, RMS {found.rms:.6g}{unit}"


def only_in(name: str, kind: str, which: str) -> PartDiff:
    """A recording that one of two runs has alone."""
    return PartDiff(name, kind, DIFFERENT, notes=(f"only in the {which}",))
