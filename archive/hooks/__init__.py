"""From what a simulation leaves behind to the entries of segments: PyNN, Neo, Brian 2, arrays.

No simulator is imported here: an object's type says where it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import schemas
from archive.entry import Entry
from archive.errors import ContractError, FormatError
from archive.hooks import brian2, pynn
from archive.hooks.arrays import mapping_parts
from archive.hooks.distinct import distinct
from archive.hooks.neo_ import block_entries, segment_entry
from archive.hooks.neo_facts import KEPT
from archive.hooks.plain import modelled
from archive.values import to_schema

ACCEPTED = (
    "a PyNN Population, PopulationView or Assembly; a neo.Segment or neo.Block; a Brian 2"
    " SpikeMonitor, EventMonitor, StateMonitor, PopulationRateMonitor or Network; a mapping of"
    " names to arrays or quantities, with sampling_period"
)


def segments_from(
    objects: Sequence[object],
    *,
    annotations: Mapping[str, Any] | None = None,
    name: str | None = None,
    sampling_period: Any = None,
    t_start: Any = None,
    t_stop: Any = None,
) -> list[Entry]:
    """The entries of segments that objects of a simulation make.

    Several objects make one segment together; a neo.Block alone makes as many as it has, and all
    get the annotations given here. PyNN objects give the segment that is running, or the last if
    none is. `sampling_period`, `t_start` and `t_stop` are quantities and belong to mappings.
    Under MPI all ranks must call this, and all but the first get an empty list.
    Raises FormatError or ContractError, naming the entry, for what cannot be kept.
    """
    in_pynn = [item for item in objects if pynn.is_population(item)]
    pieces = [pynn.current_segment(in_pynn)] if in_pynn else []
    if in_pynn and not pynn.is_first_rank(in_pynn[0]):
        return []
    for item in objects:
        if pynn.is_population(item):
            continue
        if brian2.kind_of(item) is not None:
            pieces.append(Entry(schemas.Segment(), parts=brian2.monitor_parts(item)))
        elif _is_neo(item, "Segment"):
            pieces.append(segment_entry(item))
        elif _is_neo(item, "Block"):
            segments = block_entries(item)
            if len(objects) == 1:
                return [_merged([each], annotations, name) for each in segments]
            if len(segments) != 1:
                raise FormatError(
                    f"a neo.Block with {len(segments)} segments cannot be one with other objects",
                    entry=getattr(item, "name", None),
                    hint="append it alone, or the segments that belong to the other objects",
                )
            pieces += segments
        elif isinstance(item, Mapping):
            parts = mapping_parts(
                item, sampling_period=sampling_period, t_start=t_start, t_stop=t_stop
            )
            pieces.append(Entry(schemas.Segment(), parts=parts))
        else:
            kind = type(item)
            raise FormatError(
                f"a {kind.__module__}.{kind.__qualname__} cannot become a segment",
                hint=f"what can: {ACCEPTED}",
            )
    return [_merged(pieces, annotations, name)]


def run_facts(objects: Sequence[object]) -> dict[str, Any]:
    """What objects say of the run as a whole: the simulator, its time step and processes.

    The values are those of ``archive.values.to_schema``'s left side: text, ints, quantities.
    """
    facts: dict[str, Any] = {}
    for item in objects:
        if pynn.is_population(item):
            facts = pynn.facts_of_population(item) | facts
        elif brian2.kind_of(item) is not None:
            facts = brian2.run_facts(item) | facts
        elif _is_neo(item, "Block"):
            facts = pynn.run_facts(item) | facts
    return facts


def _is_neo(item: object, name: str) -> bool:
    return any(
        kind.__module__.startswith("neo.core.") and kind.__name__ == name
        for kind in type(item).__mro__
    )


def _merged(
    pieces: Sequence[Entry], annotations: Mapping[str, Any] | None, name: str | None
) -> Entry:
    """One segment of several: all parts, all facts; what contradicts is refused."""
    models = [piece.model for piece in pieces if isinstance(piece.model, schemas.Segment)]
    names = [model.name for model in models if model.name is not None]
    chosen = name if name is not None else next(iter(names), None)
    where = chosen or "segment"
    given = {
        key: to_schema(value, f"{where}: annotation {key!r}")
        for key, value in (annotations or {}).items()
    }
    together: dict[str, Any] = {}
    for facts in [given, *(model.annotations for model in models)]:
        for key, value in facts.items():
            if key not in together:
                together[key] = value
            elif key == KEPT:
                assert isinstance(value, dict)
                together[key] = {**value, **together[key]}
            elif not schemas.identical(together[key], value):
                raise ContractError(
                    f"two values of the annotation {key!r}: {together[key]!r} and {value!r}",
                    entry=where,
                    hint="append the objects one by one, or give the annotation another name",
                )
    descriptions = dict.fromkeys(model.description for model in models if model.description)
    recorded = [model.recorded for model in models if model.recorded is not None]
    model = modelled(
        schemas.Segment,
        where,
        name=chosen,
        description="\n\n".join(descriptions) or None,
        recorded=min(recorded, default=None),
        annotations=together,
    )
    return Entry(model, parts=distinct(part for piece in pieces for part in piece.parts))
