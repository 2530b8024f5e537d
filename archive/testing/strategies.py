"""Hypothesis strategies of experiments: whatever keeps the contract, and what formats trip over.

`experiments` is the one to begin with. An adapter that holds only some of it says what it accepts
by the arguments, or draws the pieces and puts them together itself.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from hypothesis import strategies as st

import schemas
from archive.entry import Entry
from archive.testing.legal import (
    MOMENTS,
    NAMES,
    TEXTS,
    UNITS,
    VALUES,
    facts,
    optional,
)
from archive.testing.networks import populations, projections, snapshots
from archive.testing.recordings import (
    PARTS,
    annotation_changes,
    epochs,
    events,
    image_sequences,
    irregular_signals,
    segments,
    signals,
    spike_trains,
)

__all__ = [
    "MOMENTS",
    "NAMES",
    "PARTS",
    "TEXTS",
    "UNITS",
    "VALUES",
    "annotation_changes",
    "epochs",
    "events",
    "experiments",
    "facts",
    "image_sequences",
    "irregular_signals",
    "keyed_values",
    "parameter_sets",
    "populations",
    "projections",
    "runs",
    "segments",
    "signals",
    "snapshots",
    "spike_trains",
]

DIGESTS = st.sampled_from(["0" * 64, "3f" * 32])


def parameter_sets() -> st.SearchStrategy[Entry]:
    """Parameter sets, nested, with quantities."""
    return st.builds(
        schemas.ParameterSet,
        name=optional(NAMES),
        description=optional(TEXTS),
        values=facts(),
    ).map(Entry)


def keyed_values() -> st.SearchStrategy[Entry]:
    """Values under keys of any text, with and without a session."""
    return _keyed_values().map(Entry)


def _keyed_values() -> st.SearchStrategy[schemas.KeyedValue]:
    return st.builds(
        schemas.KeyedValue,
        key=TEXTS.filter(bool),
        value=VALUES,
        session=optional(NAMES),
        author=optional(TEXTS),
        at=MOMENTS,
    )


@st.composite
def provenance_records(draw: st.DrawFn) -> list[Entry]:
    """The record of a process, and those that it names."""
    named: dict[str, schemas.Model] = {}
    if draw(st.booleans()):
        named["environment"] = schemas.Environment(
            python=draw(optional(TEXTS)),
            memory=draw(optional(st.integers(0, 2**40))),
            packages=draw(st.dictionaries(TEXTS, TEXTS, max_size=2)),
            simulators={"nest": schemas.Simulator(version=draw(TEXTS), build=draw(facts()))},
        )
    if draw(st.booleans()):
        content = draw(st.binary(max_size=8))
        source = schemas.Source(path=draw(TEXTS), digest=draw(DIGESTS), size=8, content=content)
        state = schemas.Repository(dirty=draw(optional(st.booleans())), diff=content)
        named["code"] = schemas.Code(program="script", script=source, repository=state)
    if draw(st.booleans()):
        named["numpy"] = schemas.Generator(algorithm="MT19937", state=draw(facts()))
    digests = {name: schemas.digest(record) for name, record in named.items()}
    process = schemas.Provenance(
        captured=draw(optional(MOMENTS)),
        user=draw(optional(TEXTS)),
        process=draw(optional(st.integers(0, 2**31))),
        argv=tuple(draw(st.lists(TEXTS, max_size=2))),
        environment=digests.get("environment"),
        code=digests.get("code"),
        generators={name: digests[name] for name in ("numpy",) if name in digests},
        seeds=draw(facts()),
    )
    return [Entry(record) for record in (process, *named.values())]


def _relatives() -> st.SearchStrategy[Entry]:
    parents = st.builds(
        schemas.Parent,
        how=st.sampled_from(["rerun", "restored", "named"]),
        experiment=DIGESTS,
        path=optional(TEXTS),
        run=NAMES,
        snapshot=optional(st.integers(0, 9)),
        at=MOMENTS,
    )
    exports = st.builds(
        schemas.Exported,
        path=TEXTS.filter(bool),
        format=st.just("mat"),
        size=optional(st.integers(0, 2**40)),
        losses=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=1).map(tuple),
        at=MOMENTS,
    )
    return st.one_of(parents, exports).map(Entry)


def _signatures() -> st.SearchStrategy[Entry]:
    return st.builds(
        schemas.Signature,
        experiment=DIGESTS,
        covers=st.dictionaries(TEXTS, st.integers(0, 2**40), max_size=2),
        documents=DIGESTS,
        data=DIGESTS,
        signer=optional(TEXTS),
        at=MOMENTS,
        key=TEXTS,
        signature=TEXTS,
    ).map(Entry)


def _endings() -> st.SearchStrategy[Entry]:
    return st.builds(
        schemas.RunEnd,
        ended=optional(MOMENTS),
        outcome=st.sampled_from(["finished", "failed", "interrupted", "abandoned"]),
        reason=optional(TEXTS),
    ).map(Entry)


@st.composite
def runs(
    draw: st.DrawFn,
    *,
    name: str | None = None,
    parts: Collection[str] = tuple(PARTS),
    facts_beside: bool = True,
    with_snapshots: bool = True,
    max_segments: int = 2,
) -> Entry:
    """A run with segments that hold `parts` of these kinds; with `facts_beside`, also with
    parameter set, provenance, end, relatives and later annotations, as an archive gives them."""
    beside: list[Entry] = []
    if facts_beside:
        beside += [draw(parameter_sets())] if draw(st.booleans()) else []
        beside += draw(provenance_records()) if draw(st.booleans()) else []
        one_each = (_endings(), annotation_changes(), _relatives())
        beside += [draw(one) for one in one_each if draw(st.booleans())]
    model = schemas.Run(
        name=draw(NAMES) if name is None else name,
        description=draw(optional(TEXTS)),
        simulator=draw(st.sampled_from([None, "neuron", "nest"])),
        started=draw(optional(MOMENTS)),
        parameters=draw(optional(DIGESTS)),
        provenance=draw(optional(DIGESTS)),
        annotations=draw(facts()),
    )
    inside = draw(st.lists(segments(parts, changed_later=facts_beside), max_size=max_segments))
    if with_snapshots and draw(st.booleans()):
        inside.append(draw(snapshots()))
    return Entry(model, parts=[*beside, *inside])


@st.composite
def experiments(
    draw: st.DrawFn,
    *,
    max_runs: int = 2,
    min_runs: int = 0,
    parts: Collection[str] = tuple(PARTS),
    facts_beside: bool = True,
    with_snapshots: bool = True,
    with_keyed_values: bool = True,
    max_segments: int = 2,
) -> Entry:
    """Any experiment, in memory; see `runs`. Without an argument, all that an archive can hold."""
    names = draw(st.lists(NAMES, min_size=min_runs, max_size=max_runs, unique=True))
    chosen: dict[str, Any] = {
        "parts": parts,
        "facts_beside": facts_beside,
        "with_snapshots": with_snapshots,
        "max_segments": max_segments,
    }
    held = [draw(runs(name=name, **chosen)) for name in names]
    if with_keyed_values:
        kept = draw(st.lists(_keyed_values(), max_size=2))
        held += map(Entry, {(one.key, one.session): one for one in kept}.values())
    if facts_beside and draw(st.booleans()):
        held.append(draw(_signatures()))
    model = schemas.Experiment(
        id=draw(st.text("0123456789abcdef", min_size=1, max_size=64)),
        name=draw(NAMES),
        description=draw(optional(TEXTS)),
        people=tuple(draw(st.lists(TEXTS, max_size=2))),
        created=draw(optional(MOMENTS)),
        annotations=draw(facts()),
    )
    return Entry(model, parts=held)
