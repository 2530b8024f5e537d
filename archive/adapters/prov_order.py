"""What happened before what: times and relations of W3C PROV that keep the order of
PROV-CONSTRAINTS, and the others left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from archive.adapters.prov_document import Argument, Attribute, Document
from archive.adapters.prov_terms import Name, moment_of
from archive.entry import Loss

_AGAINST = "PROV has an order of what happens, and by its times it came before what it came from"
_CIRCLE = "nothing in PROV comes from itself, and this would"


@dataclass(slots=True)
class Span:
    """When an activity went on, as far as it is known and an end comes after its start."""

    started: datetime | None = None
    ended: datetime | None = None

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Both times, as the record of an activity has them."""
        return (moment_of(self.started), moment_of(self.ended))

    def within(self, time: datetime | None) -> datetime | None:
        """The time, if it lies in it."""
        time = _aware(time)
        if time is None or (self.started and time < self.started):
            return None
        return None if self.ended and time > self.ended else time


@dataclass(slots=True)
class _Use:
    way: str
    activity: Name
    entity: Name
    at: datetime | None
    attributes: tuple[Attribute, ...]


@dataclass(slots=True)
class Order:
    """Relations that can only be told once all times are known; `settle` does it."""

    _spans: dict[Name, Span] = field(default_factory=dict)
    _made: dict[Name, datetime] = field(default_factory=dict)
    _uses: list[_Use] = field(default_factory=list)
    _derived: list[tuple[str, Name, Name]] = field(default_factory=list)
    _informed: list[tuple[str, Name, Name]] = field(default_factory=list)

    def span(self, activity: Name, started: datetime | None, ended: datetime | None) -> Span:
        """When an activity went on; an end before the start is left out."""
        started, ended = _aware(started), _aware(ended)
        if started and ended and ended < started:
            ended = None
        span = self._spans[activity] = Span(started, ended)
        return span

    def made(self, entity: Name, time: datetime | None) -> None:
        """That an entity came about then."""
        if time is not None:
            self._made[entity] = time

    def used(
        self,
        way: str,
        activity: Name,
        entity: Name,
        at: datetime,
        attributes: tuple[Attribute, ...],
    ) -> None:
        """That an activity made use of an entity."""
        self._uses.append(_Use(way, activity, entity, at, attributes))

    def derived(self, way: str, entity: Name, source: Name) -> None:
        """That an entity came from another."""
        self._derived.append((way, entity, source))

    def informed(self, way: str, activity: Name, before: Name) -> None:
        """That an activity made use of what another one made."""
        self._informed.append((way, activity, before))

    def settle(self, document: Document, losses: list[Loss]) -> None:
        """Tell all relations that keep the order; the others are losses."""
        late: set[tuple[str, Name]] = set()
        for use in self._uses:
            span = self._spans.get(use.activity, Span())
            made = self._made.get(use.entity)
            if made and span.ended and made > span.ended:
                late.add((use.way, use.entity))
                losses.append(Loss(use.way, "at", _AGAINST))
                continue
            at = span.within(use.at)
            at = None if at and made and at < made else at
            document.relation(
                "used", use.activity, use.entity, moment_of(at), attributes=use.attributes
            )
        self._settle_derived(document, losses, late)
        for way, activity, before in self._informed:
            started = self._spans.get(before, Span()).started
            ended = self._spans.get(activity, Span()).ended
            if activity == before or (started and ended and started > ended):
                losses.append(Loss(way, "run", _CIRCLE if activity == before else _AGAINST))
            else:
                document.relation("wasInformedBy", activity, before)

    def _settle_derived(
        self, document: Document, losses: list[Loss], late: set[tuple[str, Name]]
    ) -> None:
        sources: dict[Name, set[Name]] = {}
        for way, entity, source in self._derived:
            if (way, source) in late:
                continue  # its use is lost, which says it
            if _leads(sources, source, entity):
                losses.append(Loss(way, "run", _CIRCLE))
                continue
            sources.setdefault(entity, set()).add(source)
            document.relation("wasDerivedFrom", entity, source)


def _leads(sources: dict[Name, set[Name]], start: Name, end: Name) -> bool:
    """Whether one comes from the other, or is it."""
    waiting, seen = [start], {start}
    while waiting:
        one = waiting.pop()
        if one == end:
            return True
        new = sources.get(one, set()) - seen
        seen |= new
        waiting += new
    return False


def _aware(time: datetime | None) -> datetime | None:
    """A time without a zone is taken for one of UTC: times can only be compared in zones."""
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
