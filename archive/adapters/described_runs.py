"""What is told of a run in words: its program, surroundings and network, without any sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import schemas
from archive.entry import Entry, Loss, Source, parts_of
from archive.errors import FormatError

# What simulators call themselves, by the names under which they are recorded.
_TITLES = {
    "annarchy": "ANNarchy",
    "brian2": "Brian 2",
    "nest": "NEST",
    "neuron": "NEURON",
    "pynn": "PyNN",
}
_UNTOLD = "the file tells of runs, and holds nothing of them"


@dataclass(slots=True)
class DescribedRun:
    """A run, and what of its parts is told. The records are those of its end."""

    way: str
    model: schemas.Run
    process: schemas.Provenance | None = None
    environment: schemas.Environment | None = None
    code: schemas.Code | None = None
    parameters: schemas.ParameterSet | None = None
    end: schemas.RunEnd | None = None
    segments: int = 0
    recorded: list[tuple[schemas.Part, int | None]] = field(default_factory=list)
    """Each thing that was recorded in a segment, and how many channels it has."""
    spans: list[tuple[float, float, str]] = field(default_factory=list)
    """Beginning and end of what was recorded in one segment, where that is known, and the unit."""
    networks: list[schemas.Model] = field(default_factory=list)
    """Snapshots, and their populations."""
    losses: list[Loss] = field(default_factory=list)
    """The parts that are lost, though a word may be said of them."""


def title(simulator: str) -> str:
    """What a simulator is called in a text."""
    return _TITLES.get(simulator, simulator)


def described(source: Source) -> Iterator[DescribedRun]:
    """Each run of an experiment."""
    for way, part in parts_of(source.entry()):
        if isinstance(part.model, schemas.Run):
            yield _run(way, part, part.model)


def one_run(source: Source, wanted: str | None, path: Path) -> tuple[DescribedRun, list[Loss]]:
    """The run with that name; or else the only environment of all runs, from the first of them.
    With it comes that all other parts of the experiment are lost.

    Raises FormatError where there is none, or several runs have different environments.
    """
    found: dict[str, DescribedRun] = {}
    chosen: DescribedRun | None = None
    losses: list[Loss] = []
    for way, part in parts_of(source.entry()):
        losses.append(Loss(way, part.model.kind, "the file has an environment, and nothing else"))
        if not isinstance(part.model, schemas.Run):
            continue
        if wanted is not None and part.model.name != wanted:
            continue
        run = _run(way, part, part.model)
        if run.environment is None:
            if wanted is not None:
                raise FormatError(
                    f"of run {wanted!r} no environment was recorded", path=path, entry=way
                )
            continue
        if found.setdefault(schemas.digest(run.environment), run) is run and chosen is None:
            chosen = run
    if chosen is None:
        what = "no run has a recorded environment" if wanted is None else f"no run {wanted!r}"
        raise FormatError(what, path=path, hint="'neuroarchive ls' lists the runs")
    if len(found) > 1:
        names = ", ".join(repr(one.model.name) for one in list(found.values())[:5])
        raise FormatError(
            f"the runs have {len(found)} different environments",
            path=path,
            hint=f"choose a run, as with run={chosen.model.name!r}; one of each are {names}",
        )
    return chosen, losses


def _run(way: str, entry: Entry, model: schemas.Run) -> DescribedRun:
    run = DescribedRun(way, model)
    environments: dict[str, schemas.Environment] = {}
    codes: dict[str, schemas.Code] = {}
    for inside, part in parts_of(entry, way):
        match part.model:
            case schemas.Provenance() as process:
                run.process = process  # the last one is that of the end
            case schemas.Environment() as environment:
                environments[schemas.digest(environment)] = environment
            case schemas.Code() as code:
                codes[schemas.digest(code)] = code
            case schemas.ParameterSet() as parameters:
                run.parameters = run.parameters or parameters
            case schemas.RunEnd() as end:
                run.end = end
            case schemas.Segment():
                _see_segment(run, part)
                run.losses.append(Loss(inside, "segment", _UNTOLD))
            case schemas.Snapshot() as snapshot:
                run.networks += [snapshot, *(one.model for one in part.parts)]
                run.losses.append(Loss(inside, "snapshot", _UNTOLD))
            case other:
                run.losses.append(Loss(inside, other.kind, _UNTOLD))
    if run.process is not None:
        run.environment = environments.get(run.process.environment or "")
        run.code = codes.get(run.process.code or "")
    return run


def _see_segment(run: DescribedRun, segment: Entry) -> None:
    run.segments += 1
    known: list[tuple[float, float, str]] = []
    sampled: list[tuple[float, float, str]] = []
    for part in segment.parts:
        model = part.model
        if not isinstance(model, schemas.Part):
            continue
        count: int | None = None
        match model:
            case schemas.Signal() | schemas.IrregularSignal():
                samples, count = part.arrays["values"].shape[:2]
                if isinstance(model, schemas.Signal):
                    stop = model.t_start + samples * model.sampling_period
                    sampled.append((model.t_start, stop, model.time_unit))
            case schemas.SpikeTrains():
                count = model.size
                known.append((model.t_start, model.t_stop, model.time_unit))
            case _:
                pass
        run.recorded.append((model, count))
    known = known or sampled  # which may have a sample at either end
    if known and len({unit for _, _, unit in known}) == 1:
        starts, stops, units = zip(*known, strict=True)
        run.spans.append((min(starts), max(stops), units[0]))
