"""People, accounts and software as agents of W3C PROV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import schemas
from archive.adapters.people import Somebody
from archive.adapters.prov_document import LABEL, TYPE, Attribute, Document
from archive.adapters.prov_terms import Name, literal, local
from schemas.v1.run import Run

_OURS = "neuroarchive"


def person(document: Document, one: Somebody) -> Name:
    """Somebody who did the experiment, named by the ORCID if there is one."""
    told: list[Attribute] = [(TYPE, Name("prov", "Person")), (LABEL, literal(one.name))]
    more = {"email": one.email, "affiliation": one.affiliation}
    told += [(Name("na", term), literal(said)) for term, said in more.items() if said]
    id = Name("orcid", one.orcid) if one.orcid else Name("exp", local("person", one.name))
    return document.element("agent", id, told)


def account(document: Document, user: str) -> Name:
    """Who a process belonged to, or who set something: an account, not necessarily a person."""
    told: list[Attribute] = [(TYPE, Name("na", "Account")), (LABEL, literal(user))]
    return document.element("agent", Name("exp", local("account", user)), told)


def agents_of(
    document: Document, run: Run, environments: Sequence[schemas.Environment]
) -> Iterator[tuple[Name, str]]:
    """The software that a run was computed with, and as what: simulator, interpreter, archive."""
    named = False
    for environment in environments:
        for name, simulator in environment.simulators.items():
            named = named or name == run.simulator
            yield software(document, name, simulator.version), "simulator"
        if environment.python is not None:
            name, _, number = environment.python.partition(" ")
            yield software(document, name, number or None), "interpreter"
        if _OURS in environment.packages:
            yield software(document, _OURS, environment.packages[_OURS]), "archive"
    if run.simulator is not None and not named:
        version = _version(run.simulator, environments)
        yield software(document, run.simulator, version), "simulator"


def software(document: Document, name: str, version: str | None) -> Name:
    """A program in one version."""
    told: list[Attribute] = [
        (TYPE, Name("prov", "SoftwareAgent")),
        (LABEL, literal(name)),
    ]
    steps = [name]
    if version is not None:
        told.append((Name("na", "version"), literal(version)))
        steps.append(version)
    return document.element("agent", Name("software", local(*steps) or "_"), told)


def _version(simulator: str, environments: Sequence[schemas.Environment]) -> str | None:
    for environment in environments:
        for name, version in environment.packages.items():
            if name.lower() in (simulator, f"{simulator}-simulator"):
                return version
    return None
