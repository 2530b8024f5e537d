"""The runs of an experiment as actions of a crate.

Process Run Crate 0.5, https://w3id.org/ro/wfrun/process/0.5.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

import schemas
from archive.adapters.crate_files import CrateFiles
from archive.adapters.crate_graph import ROOT, Graph, fragment, ref
from archive.adapters.crate_people import person
from archive.adapters.csv_cells import flat, unit_of
from archive.adapters.people import Somebody
from archive.adapters.prov_run_parts import RunParts
from archive.adapters.prov_terms import literal, moment_of
from archive.entry import Entry
from schemas.v1.lineage import Exported, Parent
from schemas.v1.run import Run, RunEnd

PYTHON: Final = "https://www.python.org/"
_HOME: Final = {
    "annarchy": "https://annarchy.github.io/",
    "brian2": "https://brian2.readthedocs.io/",
    "nest": "https://nest-simulator.readthedocs.io/",
    "neuron": "https://nrn.readthedocs.io/",
    "pynn": "https://neuralensemble.org/PyNN/",
}
_STATUS: Final = "http://schema.org/{}ActionStatus"


@dataclass(slots=True)
class Actions:
    """Runs, told one after the other."""

    graph: Graph
    files: CrateFiles
    archive: dict[str, str]
    experiment: str
    people: list[dict[str, str]]
    scripts: Counter[str] = field(default_factory=Counter)
    """How many runs each script of the crate was started for, by its ``@id``."""

    def tell(self, way: str, entry: Entry, model: Run) -> None:
        """The action of a run, and those of its exports."""
        parts = RunParts.of(way, entry, [], "")
        end = parts.ends[-1][1] if parts.ends else None
        process = next((p for _, p in reversed(parts.records) if _is_process(p)), None)
        told = [model.description]
        if isinstance(process, schemas.Provenance):
            told.append(shlex.join(process.argv))
        id = fragment("run", model.name)
        action = self.graph.entity(
            id,
            "CreateAction",
            name=f"run {model.name}",
            description="\n".join(filter(None, told)) or "A run of the experiment.",
            startTime=moment_of(model.started),
            endTime=moment_of(end.ended if end else None),
            instrument=self.instrument(parts, model),
            agent=self.agent(parts),
            object=[*self.objects(parts)],
            result=[self.archive],
            **_ending(end),
        )
        self.graph.add(ROOT, mentions=[action])
        for number, (_, export) in enumerate(parts.exports, 1):
            self.export(model.name, number, export)

    def instrument(self, parts: RunParts, model: Run) -> dict[str, str]:
        """What was executed: the script, if it is in the crate, or else the simulator."""
        software = [*self.software(parts, model)]
        for script in parts.scripts():
            found = self.files.script(script)
            if found is not None:
                self.scripts[found["@id"]] += 1
                language = self.language(parts)
                version = next(parts.commits(), None)
                self.graph.entity(
                    found["@id"], "File", programmingLanguage=language, version=version
                )
                self.graph.add(found["@id"], softwareRequirements=software)
                return found
        for script in parts.scripts():
            id = f"hash://sha256/{script.digest}"
            name = PurePosixPath(script.path).name or script.path
            about = "The script was not kept; this is the digest of what it was."
            return self.graph.entity(
                id, "SoftwareSourceCode", name=name or "script", description=about,
                alternateName=script.path, sha256=script.digest,
            )  # fmt: skip
        return software[0]

    def software(self, parts: RunParts, model: Run) -> Iterator[dict[str, str]]:
        """The simulators, or else what ran it: Python, or something that is not known."""
        found = False
        for environment in parts.environments():
            for name, simulator in environment.simulators.items():
                found = True
                yield self.program(name, simulator.version)
        if not found and model.simulator is not None:
            found = True
            yield self.program(model.simulator, None)
        if not found:
            yield self.language(parts)

    def program(self, name: str, version: str | None) -> dict[str, str]:
        id = fragment("software", name, *([] if version is None else [version]))
        return self.graph.entity(
            id,
            "SoftwareApplication",
            name=name or "unknown",
            softwareVersion=version,
            url=_HOME.get(name.lower()),
        )

    def language(self, parts: RunParts) -> dict[str, str]:
        """Python, in the version that it was."""
        versions = [one.python for one in parts.environments() if one.python]
        return self.graph.entity(
            fragment("python", versions[-1]) if versions else PYTHON,
            ["ComputerLanguage", "SoftwareApplication"],  # the last for a run without a script
            name="Python",
            version=versions[-1] if versions else None,
            url=PYTHON,
        )

    def agent(self, parts: RunParts) -> list[dict[str, str]]:
        """The one who did the experiment; where several did, the account, or else all of them."""
        users = [user for user in parts.users() if user]
        if len(self.people) == 1 or not users:
            return self.people
        return [person(self.graph, Somebody(users[-1]))]

    def objects(self, parts: RunParts) -> Iterator[dict[str, str]]:
        """All that a run made use of."""
        for _, given in parts.inputs:
            yield self.elsewhere(given.path, given.digest, given.size)
        for _, parent in parts.parents:
            yield self.parent(parent)
        for _, record in parts.records:
            if isinstance(record, schemas.Environment):
                yield from filter(None, [self.files.requirements(record.packages)])
            elif isinstance(record, schemas.Code):
                yield from self.code(record)
        for _, one in parts.parameters:
            yield from self.parameters(one)

    def code(self, record: schemas.Code) -> Iterator[dict[str, str]]:
        """The modules that are in the crate, the changes, and the commit."""
        for module in record.modules.values():
            yield from filter(None, [self.files.script(module)])
        state = record.repository
        if state is None:
            return
        yield from filter(None, [self.files.changes(state)])
        if state.commit:
            yield self.graph.entity(
                fragment("commit", state.commit),
                "SoftwareSourceCode",
                name=f"commit {state.commit}",
                codeRepository=state.remote,
                version=state.commit,
            )

    def elsewhere(self, path: str, digest: str, size: int | None) -> dict[str, str]:
        """A file that is not in the crate, by what was in it."""
        return self.graph.entity(
            f"hash://sha256/{digest}",
            "CreativeWork",
            name=PurePosixPath(path).name or path,
            description="This file is not in the crate.",
            alternateName=path,
            contentSize=None if size is None else str(size),
            sha256=digest,
        )

    def parent(self, parent: Parent) -> dict[str, str]:
        """Another run, or a snapshot of one."""
        number = [] if parent.snapshot is None else [parent.snapshot]
        what = f"run {parent.run}" + "".join(f", snapshot {one}" for one in number)
        inside = self.archive if parent.experiment == self.experiment else None
        return self.graph.entity(
            fragment("parent", parent.experiment, parent.run, *number),
            "CreativeWork",
            name=what,
            description=f"{what} of the experiment {parent.experiment}: {parent.how}",
            isPartOf=inside,
        )

    def parameters(self, model: schemas.ParameterSet) -> Iterator[dict[str, str]]:
        """The parameters, but for arrays, which are in the archive."""
        digest = schemas.digest(model)
        for name, value in flat(model.values, "parameters"):
            told = _value(value.value if isinstance(value, schemas.Quantity) else value)
            if told is None:
                continue
            name = name.removeprefix("parameters.")
            id = fragment("parameter", digest, name)
            unit = unit_of(value)
            yield self.graph.entity(id, "PropertyValue", name=name, value=told, unitText=unit)

    def export(self, run: str, number: int, model: Exported) -> None:
        """The action of making a file of a run."""
        package = self.program(model.package or "neuroarchive", model.version)
        made = self.elsewhere(model.path, model.digest, model.size) if model.digest else None
        if made is None:
            made = self.graph.entity(
                fragment("export", run, number, "folder"), "CreativeWork", name=model.path,
                description="This folder is not in the crate.",
            )  # fmt: skip
        by = person(self.graph, Somebody(model.author)) if model.author else None
        action = self.graph.entity(
            fragment("export", run, number),
            "CreateAction",
            name=f"export of run {run} as {model.format}",
            description=f"to {model.path}",
            endTime=moment_of(model.at),
            instrument=package,
            agent=by,
            object=[self.archive],
            result=[made],
        )
        self.graph.add(ROOT, mentions=[action])


def _is_process(record: schemas.Model) -> bool:
    return isinstance(record, schemas.Provenance)


def _ending(end: RunEnd | None) -> dict[str, Any]:
    """How a run ended, as schema.org has it: a run without an end is taken for active."""
    if end is None:
        return {"actionStatus": ref(_STATUS.format("Active"))}
    if end.outcome == "finished":
        return {"actionStatus": ref(_STATUS.format("Completed"))}
    error = f"{end.outcome}: {end.reason}" if end.reason else end.outcome
    return {"actionStatus": ref(_STATUS.format("Failed")), "error": error}


def _value(value: Any) -> Any:
    """A value as JSON has it; None for arrays."""
    if isinstance(value, schemas.Array):
        return None
    if isinstance(value, (bool, str)):
        return value
    told = literal(value)
    if told.type in ("xsd:integer", "xsd:double") and told.text not in ("NaN", "INF", "-INF"):
        return json.loads(told.text)
    return told.text
