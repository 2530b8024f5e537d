"""An experiment as a document of W3C PROV: see docs/reference/formats/prov.md for what becomes
what.

PROV-CONSTRAINTS, https://www.w3.org/TR/prov-constraints/, orders what happens: an activity starts
before it ends, makes and uses things in between, and what is derived is made after what it is
derived from. Files say otherwise at times, since clocks are set and files are changed; a time that
breaks the order is told as a plain attribute only, a relation that does is left out as a loss.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import schemas
from archive.adapters.left_out import whole
from archive.adapters.people import known
from archive.adapters.prov_document import LABEL, LOCATION, ROLE, TYPE, Attribute, Document
from archive.adapters.prov_facts import NO_DATA, facts
from archive.adapters.prov_order import Order, Span
from archive.adapters.prov_run_parts import RunParts
from archive.adapters.prov_software import account, agents_of, person
from archive.adapters.prov_terms import Name, literal, local, moment_of
from archive.entry import Entry, Loss, Source, parts_of
from schemas.v1.experiment import Experiment
from schemas.v1.lineage import Exported, Parent
from schemas.v1.run import Run
from schemas.v1.segment import Segment

PREFIX: Final = "urn:x-neuroarchive:"
NAMESPACES: Final = {
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "prov": "http://www.w3.org/ns/prov#",
    "na": f"{PREFIX}terms:",
    "sha256": "hash://sha256/",  # things that are their bytes, or their canonical document
    "software": f"{PREFIX}software:",
    "orcid": "https://orcid.org/",
    # a commit of git, as ISO 18670 (SWHID) names it
    "commit": "swh:1:rev:",
}
_NO_PLACE = "PROV has no place for it"
_HISTORY = "PROV has the annotations as they are now"


def prov_of(source: Source) -> tuple[Document, list[Loss]]:
    """The document of an experiment, and what is not in it."""
    entry = source.entry()
    model = entry.model
    assert isinstance(model, Experiment)
    iri = f"{PREFIX}experiment:{local(model.id)}:"
    made = _Made(model, Document({**NAMESPACES, "exp": iri}))
    made.experiment(entry)
    return made.document, made.losses


def kind(name: str) -> Attribute:
    """What sort of thing of ours an element is."""
    return TYPE, Name("na", name)


@dataclass(slots=True)
class _Made:
    """A document that is being made."""

    root: Experiment
    document: Document
    losses: list[Loss] = field(default_factory=list)
    order: Order = field(default_factory=Order)
    others: dict[str, str] = field(default_factory=dict)  # prefixes of other experiments, by id

    def experiment(self, entry: Entry) -> None:
        whole_ = self.document.element(
            "entity",
            Name("exp", "experiment"),
            [
                kind("Experiment"),
                (TYPE, Name("prov", "Collection")),
                (LABEL, literal(self.root.name)),
                *facts("experiment", self.root, self.losses),
            ],
        )
        for one in self.people():
            self.document.relation("wasAttributedTo", whole_, one)
        for way, part in parts_of(entry):
            model = part.model
            if isinstance(model, Run):
                self.document.relation("hadMember", whole_, self.run(way, part, model))
            elif isinstance(model, schemas.ParameterSet):
                self.parameters(way, model, schemas.digest(model))
            else:
                reason = _HISTORY if model.kind == "annotation" else _NO_PLACE
                self.losses.append(whole(way, part, reason))
        self.order.settle(self.document, self.losses)

    def people(self) -> list[Name]:
        """Those who did the experiment."""
        found = known(self.root.people, self.root.annotations)
        return [person(self.document, one) for one in found]

    # -- runs ----------------------------------------------------------------------------------

    def run(self, way: str, entry: Entry, model: Run) -> Name:
        """The activity of a run, and the entity of what came of it, whose name is returned."""
        parts = RunParts.of(way, entry, self.losses, _HISTORY)
        activity, data = self.names(model.name)
        end = parts.ends[-1][1].ended if parts.ends else None
        span = self.order.span(activity, model.started, end)
        told = [
            kind("Run"),
            (LABEL, literal(model.name)),
            *facts(way, model, self.losses, ("provenance",)),
        ]
        for to, one in parts.ends:
            told += facts(to, one, self.losses, ("provenance",))
        self.document.element("activity", activity, told, span.arguments)
        self.document.element(
            "entity",
            data,
            [kind("Data"), (TYPE, Name("prov", "Collection")), (LABEL, literal(model.name))],
        )
        self.document.relation("wasGeneratedBy", data, activity, None)
        self.used(parts, model, activity)
        self.agents(parts, model, activity, data)
        self.recorded(parts, activity, data, span)
        for to, parent in parts.parents:
            self.parent(to, parent, activity, data)
        for number, (to, given) in enumerate(parts.inputs, 1):
            self.input(to, given, number, activity, data)
        for number, (to, export) in enumerate(parts.exports, 1):
            self.export(to, export, number, model.name, data)
        return data

    def names(self, run: str, prefix: str = "exp") -> tuple[Name, Name]:
        """Of the activity of a run, and of its data."""
        return Name(prefix, local("run", run)), Name(prefix, local("run", run, "data"))

    def parameters(self, way: str, model: schemas.ParameterSet, digest: str) -> Name:
        told = [kind("ParameterSet"), *facts(way, model, self.losses)]
        if model.name is not None:
            told.append((LABEL, literal(model.name)))
        return self.document.element("entity", Name("sha256", local(digest)), told)

    def used(self, parts: RunParts, model: Run, activity: Name) -> None:
        """What a run was computed from, but for files and other runs."""
        named = model.parameters
        for to, one in parts.parameters:
            named = None
            self.use(activity, self.parameters(to, one, model.parameters or schemas.digest(one)))
        if named is not None:  # it is known by its digest alone
            name = Name("sha256", local(named))
            self.use(activity, self.document.element("entity", name, [kind("ParameterSet")]))
        for to, record in parts.records:
            if isinstance(record, schemas.Generator) and record.state:
                self.losses.append(Loss(to, "state", NO_DATA))
            told = [
                kind(type(record).__name__),
                *facts(to, record, self.losses, ("state",)),
            ]
            name = Name("sha256", schemas.digest(record))
            self.use(activity, self.document.element("entity", name, told))
            if isinstance(record, schemas.Code):
                self.code(record, name)

    def use(self, activity: Name, entity: Name, *attributes: Attribute) -> None:
        self.document.relation("used", activity, entity, None, attributes=attributes)

    def code(self, code: schemas.Code, name: Name) -> None:
        """The files of a program, and the commit that it was."""
        files = [
            (code.script, kind("Script")),
            *((m, kind("Module")) for m in code.modules.values()),
        ]
        for one, sort in files:
            if one is None or one.digest == name.local:
                continue
            told = [sort, (LOCATION, literal(one.path))]
            file = self.document.element("entity", Name("sha256", one.digest), told)
            self.document.relation("hadMember", name, file)
        state = code.repository
        if state is not None and state.commit:
            told = [kind("Commit")]
            told += [(LOCATION, literal(state.remote))] if state.remote else []
            commit = Name("commit", local(state.commit))
            self.document.relation(
                "wasDerivedFrom", name, self.document.element("entity", commit, told)
            )

    def agents(self, parts: RunParts, model: Run, activity: Name, data: Name) -> None:
        """Who and what computed a run: software for an account, by the plan that its script is."""
        plan = None
        for script in parts.scripts():
            plan = Name("sha256", script.digest)
            told = [kind("Script"), (TYPE, Name("prov", "Plan")), (LOCATION, literal(script.path))]
            self.document.element("entity", plan, told)
        who = [account(self.document, user) for user in parts.users()]
        for agent in who:
            self.associated(activity, agent, plan, "operator")
            self.document.relation("wasAttributedTo", data, agent)
        if plan and not who:
            self.associated(activity, None, plan, "operator")
        for one in self.people():
            self.document.relation("wasAttributedTo", data, one)
        for software, role in agents_of(self.document, model, parts.environments()):
            self.associated(activity, software, None, role)
            for agent in who:
                self.document.relation("actedOnBehalfOf", software, agent, activity)

    def associated(self, activity: Name, who: Name | None, plan: Name | None, role: str) -> None:
        self.document.relation("wasAssociatedWith", activity, who, plan, attributes=_role(role))

    def recorded(self, parts: RunParts, activity: Name, data: Name, span: Span) -> None:
        """The segments and snapshots of a run, without what is in them."""
        numbers: Counter[str] = Counter()
        for to, part in parts.recorded:
            model: Any = part.model
            name = model.kind
            number = numbers[name] + (name == "segment")  # as `parts_of` and `Parent` count them
            numbers[name] += 1
            told = [kind(type(model).__name__), *facts(to, model, self.losses)]
            told += [(LABEL, literal(model.name))] if model.name is not None else []
            entity = Name("exp", f"{activity.local}/{name}/{number}")
            self.document.element("entity", entity, told)
            at = model.recorded if isinstance(model, Segment) else model.taken
            time = span.within(at)
            self.order.made(entity, time)
            self.document.relation("wasGeneratedBy", entity, activity, moment_of(time))
            self.document.relation("hadMember", data, entity)
            for inner, inside in parts_of(part, to):
                reason = _HISTORY if inside.model.kind == "annotation" else NO_DATA
                self.losses.append(whole(inner, inside, reason))

    # -- beyond a run --------------------------------------------------------------------------

    def prefix(self, experiment: str) -> str:
        """The prefix of an experiment: of another one the next that is free."""
        if experiment == self.root.id:
            return "exp"
        prefix = self.others.setdefault(experiment, f"exp{len(self.others) + 2}")
        self.document.namespaces[prefix] = f"{PREFIX}experiment:{local(experiment)}:"
        return prefix

    def parent(self, way: str, model: Parent, activity: Name, data: Name) -> None:
        prefix = self.prefix(model.experiment)
        before, old = self.names(model.run, prefix)
        self.document.element("entity", old, [kind("Data")])
        if model.path is not None:
            self.document.element("entity", old, [(LOCATION, literal(model.path))])
        if model.how == "rerun":
            self.document.element("activity", before, [kind("Run")])
            self.order.informed(way, activity, before)
        taken = old
        if model.snapshot is not None:
            taken = Name(prefix, f"{before.local}/snapshot/{model.snapshot}")
            self.document.element("entity", taken, [kind("Snapshot")])
        self.order.used(way, activity, taken, model.at, _role(model.how))
        if model.how != "rerun":
            self.order.derived(way, data, taken)

    def input(
        self, way: str, model: schemas.Input, number: int, activity: Name, data: Name
    ) -> None:
        name = Name("exp", f"{activity.local}/input/{number}")
        self.file(way, model, name)
        self.order.used(way, activity, name, model.at, _role(model.role))
        if model.role == "imported":
            self.order.derived(way, data, name)

    def file(self, way: str, model: schemas.Input | Exported, name: Name) -> None:
        """A file at a place and time, which is one of all with its content."""
        told = [kind("File"), (LOCATION, literal(model.path)), *facts(way, model, self.losses)]
        digest = model.digest
        self.document.element("entity", name, told)
        if digest is not None:
            content = self.document.element("entity", Name("sha256", digest), [kind("Content")])
            self.document.relation("specializationOf", name, content)

    def export(self, way: str, model: Exported, number: int, run: str, data: Name) -> None:
        activity = Name("exp", local("run", run, "export", number))
        span = self.order.span(activity, model.at, model.at)
        self.document.element("activity", activity, [kind("Export")], span.arguments)
        file = Name("exp", f"{activity.local}/file")
        self.file(way, model, file)
        self.order.used(way, activity, data, model.at, ())
        time = span.within(model.at)
        self.document.relation("wasGeneratedBy", file, activity, moment_of(time))
        self.order.made(file, time)
        self.order.derived(way, file, data)
        if model.author is not None:
            who = account(self.document, model.author)
            self.document.relation("wasAssociatedWith", activity, who, None)


def _role(name: str) -> tuple[Attribute, ...]:
    return ((ROLE, Name("na", name)),)
