"""What PROV-CONSTRAINTS (https://www.w3.org/TR/prov-constraints/) asks of a document, as far as
an experiment has anything to do with it: unique keys and disjoint types as the package `prov` has
them, and the order of what happens, by events and by the times that are told of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any

from prov.constants import PROV_ROLE
from prov.model import (
    ProvActivity,
    ProvAgent,
    ProvAssociation,
    ProvAttribution,
    ProvCommunication,
    ProvDelegation,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvMembership,
    ProvSpecialization,
    ProvUsage,
)

# What each argument of a relation is, in the order of PROV-N (section 5.2 of PROV-DM).
KINDS: dict[type, tuple[type | None, ...]] = {
    ProvUsage: (ProvActivity, ProvEntity, None),
    ProvGeneration: (ProvEntity, ProvActivity, None),
    ProvDerivation: (ProvEntity, ProvEntity),
    ProvCommunication: (ProvActivity, ProvActivity),
    ProvAssociation: (ProvActivity, ProvAgent, ProvEntity),
    ProvAttribution: (ProvEntity, ProvAgent),
    ProvDelegation: (ProvAgent, ProvAgent, ProvActivity),
    ProvSpecialization: (ProvEntity, ProvEntity),
    ProvMembership: (ProvEntity, ProvEntity),
}


def broken(document: ProvDocument) -> list[str]:
    """All that does not hold; raises what `prov` raises for keys that contradict each other."""
    assert not document.has_bundles()
    unified = document.unified()
    return [*_types(unified), *_unique(unified), *_cycles(unified), *_times(unified)]


def of(document: ProvDocument, kind: type) -> list[Any]:
    return list(document.get_records(kind))


def _arguments(record: Any) -> list[Any]:
    return [value for _, value in record.formal_attributes]


def _types(document: ProvDocument) -> Iterator[str]:
    """Constraints 50 to 56: what is related is declared, and of the right type."""
    known: dict[type, set[Any]] = {kind: {one.identifier for one in of(document, kind)} for kind in
             (ProvEntity, ProvActivity, ProvAgent)}  # fmt: skip
    for one in known[ProvEntity] & known[ProvActivity]:
        yield f"{one} is an entity and an activity"
    for relation, kinds in KINDS.items():
        for record in of(document, relation):
            for kind, value in zip(kinds, _arguments(record), strict=False):
                if kind is not None and value is not None and value not in known[kind]:
                    yield f"{record}: {value} is no {kind.__name__} that is declared"


def _unique(document: ProvDocument) -> Iterator[str]:
    """Constraint 24: an activity generates an entity once."""
    seen = set()
    for one in of(document, ProvGeneration):
        entity, activity, _ = _arguments(one)
        if (entity, activity) in seen:
            yield f"{entity} is generated twice by {activity}"
        seen.add((entity, activity))


def _cycles(document: ProvDocument) -> Iterator[str]:
    """Constraints 30 to 49: events have an order, in which what is strictly before something is
    not after it. Of those, only derivation is strict; a specialization is not of itself."""
    strict: dict[Any, set[Any]] = defaultdict(set)
    for kind in (ProvDerivation, ProvSpecialization):
        for record in of(document, kind):
            new, old, *_ = _arguments(record)
            strict[new].add(old)
            if new == old:
                yield f"{new} comes from itself"
    try:
        TopologicalSorter(strict).prepare()
    except CycleError as error:
        yield f"in a circle: {error.args[1]}"


def _times(document: ProvDocument) -> Iterator[str]:
    """The same by the times that are told, which the recommendation leaves to clocks."""
    spans = {
        one.identifier: (_moment(one.get_startTime()), _moment(one.get_endTime()))
        for one in of(document, ProvActivity)
    }
    made: dict[Any, datetime] = {}
    for name, (start, end) in spans.items():
        if start and end and start > end:
            yield f"{name} ends before it starts"
    for kind in (ProvGeneration, ProvUsage):
        for record in of(document, kind):
            activity, entity = (
                _arguments(record)[:2] if kind is ProvUsage else _arguments(record)[1::-1]
            )
            start, end = spans[activity]
            time = _moment(_arguments(record)[2])
            if time and ((start and time < start) or (end and time > end)):
                yield f"{record}: not while {activity} went on"
            if time and kind is ProvGeneration:
                made[entity] = time
            born = made.get(entity)
            if kind is ProvUsage and born and ((time and time < born) or (end and end < born)):
                yield f"{record}: before it was generated"
    for record in of(document, ProvDerivation):
        new, old, *_ = _arguments(record)
        if new in made and old in made and made[new] < made[old]:
            yield f"{new} was there before {old}, which it is derived from"
    for record in of(document, ProvCommunication):
        informed, informant = _arguments(record)
        start, end = spans[informant][0], spans[informed][1]
        if start and end and start > end:
            yield f"{informed} was over before {informant} began"


def _moment(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def roles(document: ProvDocument, kind: type) -> set[str]:
    """The roles that are told in the relations of a kind, without their prefixes."""
    return {
        str(role).partition(":")[2]
        for one in of(document, kind)
        for role in one.get_attribute(PROV_ROLE)
    }
