"""A document of W3C PROV as records by kind, before it is written as PROV-JSON or PROV-N."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from archive.adapters.prov_terms import Literal, Name, Term

ELEMENTS: Final = ("entity", "activity", "agent")
# Of each kind the arguments in the order of PROV-N, by their names in PROV-JSON. PROV-N takes as
# many or fewer; here always all are given, with a mark for those that are not known.
FORMAL: Final[Mapping[str, tuple[str, ...]]] = {
    "entity": (),
    "activity": ("prov:startTime", "prov:endTime"),
    "agent": (),
    "used": ("prov:activity", "prov:entity", "prov:time"),
    "wasGeneratedBy": ("prov:entity", "prov:activity", "prov:time"),
    "wasDerivedFrom": ("prov:generatedEntity", "prov:usedEntity"),
    "wasInformedBy": ("prov:informed", "prov:informant"),
    "wasAssociatedWith": ("prov:activity", "prov:agent", "prov:plan"),
    "wasAttributedTo": ("prov:entity", "prov:agent"),
    "actedOnBehalfOf": ("prov:delegate", "prov:responsible", "prov:activity"),
    "specializationOf": ("prov:specificEntity", "prov:generalEntity"),
    "hadMember": ("prov:collection", "prov:entity"),
}

Argument = Name | str | None  # a name, a time, or nothing
Attribute = tuple[Name, Term]

TYPE = Name("prov", "type")
LABEL = Name("prov", "label")
ROLE = Name("prov", "role")
LOCATION = Name("prov", "location")


@dataclass(slots=True)
class Record:
    """A statement: an element with its `id`, or a relation, which has none."""

    kind: str
    id: Name | None
    arguments: tuple[Argument, ...] = ()
    attributes: dict[Attribute, None] = field(default_factory=dict)  # a set in order


class Document:
    """Records, each element once. What is said of it again is added."""

    def __init__(self, namespaces: Mapping[str, str]) -> None:
        """`namespaces` are IRIs by prefix; of them those that no name has are left out."""
        self.namespaces = dict(namespaces)
        self._elements: dict[tuple[str, Name], Record] = {}
        self._relations: dict[tuple[object, ...], Record] = {}

    def element(
        self,
        kind: str,
        id: Name,
        attributes: Iterable[Attribute] = (),
        arguments: tuple[Argument, ...] = (),
    ) -> Name:
        """That there is an entity, an activity or an agent; returns its name."""
        record = self._elements.get((kind, id))
        if record is None:
            record = self._elements[kind, id] = Record(kind, id, (None,) * len(FORMAL[kind]))
        record.attributes.update(dict.fromkeys(attributes))
        if arguments:
            record.arguments = arguments
        return id

    def relation(
        self, kind: str, *arguments: Argument, attributes: Iterable[Attribute] = ()
    ) -> None:
        """A relation between elements; said twice it is there once."""
        given = dict.fromkeys(attributes)
        record = Record(kind, None, arguments, given)
        self._relations.setdefault((kind, *arguments, *given), record)

    def records(self, kind: str) -> list[Record]:
        """All of a kind, in the order in which they were said."""
        if kind in ELEMENTS:
            return [one for (of, _), one in self._elements.items() if of == kind]
        return [one for one in self._relations.values() if one.kind == kind]

    def used_namespaces(self) -> dict[str, str]:
        """Those of the namespaces that a name here has; the types of literals count."""
        prefixes = {prefix for record in self._all() for prefix in _prefixes(record)}
        return {prefix: iri for prefix, iri in self.namespaces.items() if prefix in prefixes}

    def _all(self) -> Iterator[Record]:
        yield from self._elements.values()
        yield from self._relations.values()


def _prefixes(record: Record) -> Iterator[str]:
    for one in (record.id, *record.arguments):
        if isinstance(one, Name):
            yield one.prefix
    for name, term in record.attributes:
        yield name.prefix
        yield term.type.partition(":")[0] if isinstance(term, Literal) else term.prefix
