"""What a source has for a file of events, and what of it such a file has no place for."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import schemas
from archive.entry import Entry, Loss, Source, ways
from archive.errors import FormatError

NO_PLACE = "a file of events has no place for it"
# What a header takes, or what is not said where it is as it always is.
KEPT = {"kind", "name", "population", "variable", "time_unit", "t_start", "t_stop", "size"}
KEPT |= {"tick", "coding"}
# Of what lies around events, people's own words; not who made the archive, and when.
AROUND = ("description", "annotations")
RECORDS = ("run-end", "provenance", "environment", "code", "generator")


class Found(NamedTuple):
    """Spike trains or address events, and where they lie."""

    way: str
    segment: str | None
    entry: Entry


def others(
    source: Source,
    kinds: tuple[type[schemas.Model], ...] = (
        schemas.SpikeTrains,
        schemas.AddressEvents,
    ),
) -> tuple[list[Found], list[Loss]]:
    """All that could be written, and everything else as losses."""
    experiment = source.entry()
    segment: str | None = None
    inside: tuple[str, ...] = ()
    if isinstance(experiment.model, kinds):
        return [Found(_own_name(experiment), None, experiment)], []
    found: list[Found] = []
    losses = _facts(experiment.model.kind, experiment)
    for way, entry in ways(experiment):
        model = entry.model
        if inside and way.startswith(inside):
            continue
        if isinstance(model, schemas.Segment):
            segment = model.name
        if isinstance(model, kinds):
            found.append(Found(way, segment, entry))
            losses += _facts(way, entry)
        elif isinstance(model, schemas.Run | schemas.Segment):
            losses += _facts(way, entry)
        elif model.kind not in RECORDS:
            losses.append(Loss(way, model.kind, NO_PLACE))
            inside = (*inside, f"{way}/")
    return found, losses


def _own_name(entry: Entry) -> str:
    return str(getattr(entry.model, "variable", entry.model.kind))


def _facts(way: str, entry: Entry) -> list[Loss]:
    """The fields that say something, and the arrays, which have no place."""
    model = entry.model
    around = isinstance(model, schemas.Experiment | schemas.Run | schemas.Segment)
    told = [
        name
        for name, field in type(model).model_fields.items()
        if (name in AROUND if around else name not in KEPT)
        and getattr(model, name) != field.get_default(call_default_factory=True)
    ]
    told += [name for name in ("waveforms",) if name in entry.arrays]
    return [Loss(way, name, NO_PLACE) for name in told]


def chosen(found: list[Found], name: str | None, path: Path) -> Found:
    """The one that is called so, by its way or the end of it; the only one without a name. Raises
    FormatError, with the names that there are, if there is no such one or there are several."""
    fitting = [
        one for one in found if name is None or one.way == name or one.way.endswith(f"/{name}")
    ]
    if len(fitting) == 1:
        return fitting[0]
    if not found:
        raise FormatError("there are no spikes and no address events", path=path)
    raise FormatError(
        f"there are {len(fitting)} sets of events" + (f" called {name!r}" if name else ""),
        path=path,
        hint="name one: entry=" + " or ".join(repr(one.way) for one in found[:5]),
    )
