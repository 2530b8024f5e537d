"""Following parents, inputs and exports from run to run, into other archives too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

import schemas
from archive.container import Container
from archive.container.lineage_records import lineage_records
from archive.errors import ArchiveError
from archive.experiment.lineage import Edge, Kind, Lineage, Meaning, Node
from archive.experiment.parents import experiment_id, run_digest, snapshot_digest


class At(NamedTuple):
    """A run, or a snapshot of it, in an archive that is open."""

    archive: Known
    run: int
    snapshot: int | None = None

    @property
    def key(self) -> str:
        more = "" if self.snapshot is None else f" snapshot {self.snapshot}"
        return f"run {self.run} of {self.archive.id}{more}"


class Known:
    """An archive that is open, and what is said of the lineage in it."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.id = experiment_id(container)
        self.path = container.path

    @cached_property
    def said(self) -> dict[int, list[schemas.Model]]:
        """Inputs, parents and exports of all runs, by row."""
        return lineage_records(self.container)

    @cached_property
    def _run_digests(self) -> dict[str, int]:
        rows = range(len(self.container.runs))
        return {run_digest(self.container, row): row for row in rows}

    @cached_property
    def _snapshot_digests(self) -> dict[str, int]:
        rows = range(len(self.container.snapshots))
        return {snapshot_digest(self.container, row): row for row in rows}

    def snapshots_of(self, run: int) -> list[int]:
        """The rows of the snapshots of a run."""
        owners: list[int] = np.flatnonzero(self.container.snapshots.all()["run"] == run).tolist()
        return owners

    def find(self, parent: schemas.Parent) -> At | None:
        """What a parent is here: by name, if its digest is the same, else by digest alone, as
        merging gives runs other names."""
        run = self.container.run_named(parent.run)
        if run is not None and self._is(parent, run):
            return At(self, run, parent.snapshot)
        if parent.digest is None:
            return None
        if parent.snapshot is None:
            row = self._run_digests.get(parent.digest)
            return None if row is None else At(self, row)
        row = self._snapshot_digests.get(parent.digest)
        if row is None:
            return None
        run = int(self.container.snapshots[row]["run"])
        return At(self, run, self.snapshots_of(run).index(row))

    def _is(self, parent: schemas.Parent, run: int) -> bool:
        if parent.snapshot is None:
            return parent.digest in (None, run_digest(self.container, run))
        rows = self.snapshots_of(run)
        if parent.snapshot >= len(rows):
            return False
        return parent.digest in (None, snapshot_digest(self.container, rows[parent.snapshot]))


def trace(
    containers: Sequence[Container], also: Iterable[Path], focus: tuple[Container, int] | None
) -> Lineage:
    """The lineage of a run, the row of a container; without it, of all runs of the first ones."""
    with ExitStack() as stack:
        tracing = _Tracing(containers, also, stack)
        known = {id(one.container): one for one in tracing.archives}
        if focus is None:
            starts = [At(known[id(one)], row) for one in containers for row in range(len(one.runs))]
        else:
            starts = [At(known[id(focus[0])], focus[1])]
        tracing.follow_back(starts)
        tracing.follow_on(starts)
        key = starts[0].key if focus is not None else None
        return Lineage(key, tracing.nodes, tuple(tracing.edges))


class _Tracing:
    """A graph that grows while runs are followed. Archives that it opens are closed with it."""

    def __init__(
        self, containers: Sequence[Container], also: Iterable[Path], stack: ExitStack
    ) -> None:
        self._stack = stack
        self.archives = [Known(one) for one in containers]
        self._paths: dict[Path, Known | str] = {one.path: one for one in self.archives}
        for path in also:
            if path not in self._paths:
                self._open(path)
        self.nodes: dict[str, Node] = {}
        self.edges: dict[Edge, None] = {}

    # -- back --------------------------------------------------------------------------------

    def follow_back(self, starts: Iterable[At]) -> None:
        """From runs to all that led to them."""
        queue = list(starts)
        seen = set(queue)
        for at in queue:
            self._add(at)
            for model in at.archive.said.get(at.run, ()):
                for before in self._before(at, model):
                    if before not in seen:
                        seen.add(before)
                        queue.append(before)

    def _before(self, at: At, model: schemas.Model) -> Iterator[At]:
        if isinstance(model, schemas.Parent):
            found = self._find(at.archive, model, opening=True)
            if isinstance(found, str):
                self._edge(self._gone(model, found), at.key, model.how)
            else:
                yield from self._parent(found, at, model.how)
        elif isinstance(model, schemas.Input):
            file = self._file(model.digest, model.path)
            self._edge(file, at.key, model.role)
            for maker in self._makers.get(model.digest, ()):
                self._add(maker)
                self._edge(maker.key, file, "exported")
                yield maker

    def _parent(self, found: At, at: At, how: Meaning) -> Iterator[At]:
        self._edge(self._add(found), at.key, how)
        whole = found._replace(snapshot=None)
        if found.snapshot is not None:
            self._edge(self._add(whole), found.key, "taken")
        yield whole

    # -- on ----------------------------------------------------------------------------------

    def follow_on(self, starts: Iterable[At]) -> None:
        """From runs to all that came of them, as far as archives say that are open by now."""
        queue = list(starts)
        seen = set(queue)
        for at in queue:
            for child in self._after(at):
                if child not in seen:
                    seen.add(child)
                    queue.append(child)

    def _after(self, at: At) -> Iterator[At]:
        for parent, how, child in self._children.get(at, ()):
            self._add(child)
            yield from (child for _ in self._parent(parent, child, how))
        for model in at.archive.said.get(at.run, ()):
            if not isinstance(model, schemas.Exported):
                continue
            file = self._file(model.digest, model.path)
            self._edge(self._add(at), file, "exported")
            for user, role in self._users.get(model.digest or "", ()):
                self._edge(file, self._add(user), role)
                yield user

    # -- what names what ---------------------------------------------------------------------

    @cached_property
    def _children(self) -> dict[At, list[tuple[At, Meaning, At]]]:
        """What each run, or a snapshot of it, was a parent of, by the run."""
        found: dict[At, list[tuple[At, Meaning, At]]] = {}
        for at, model in self._all_said():
            if isinstance(model, schemas.Parent):
                parent = self._find(at.archive, model, opening=False)
                if isinstance(parent, At):
                    whole = parent._replace(snapshot=None)
                    found.setdefault(whole, []).append((parent, model.how, at))
        return found

    @cached_property
    def _users(self) -> dict[str, list[tuple[At, Meaning]]]:
        """The runs that a file was imported as or used by, by its digest."""
        found: dict[str, list[tuple[At, Meaning]]] = {}
        for at, model in self._all_said():
            if isinstance(model, schemas.Input):
                found.setdefault(model.digest, []).append((at, model.role))
        return found

    @cached_property
    def _makers(self) -> dict[str, list[At]]:
        """The runs that a file was made of, by its digest."""
        found: dict[str, list[At]] = {}
        for at, model in self._all_said():
            if isinstance(model, schemas.Exported) and model.digest is not None:
                found.setdefault(model.digest, []).append(at)
        return found

    def _all_said(self) -> Iterator[tuple[At, schemas.Model]]:
        for archive in self.archives:
            for row, models in archive.said.items():
                yield from ((At(archive, row), model) for model in models)

    # -- archives ----------------------------------------------------------------------------

    def _find(self, inside: Known, parent: schemas.Parent, *, opening: bool) -> At | str:
        """Where a parent is, or why it is not there."""
        if parent.experiment == inside.id:
            return inside.find(parent) or "no run or snapshot of the archive is what it was"
        known = [one for one in self.archives if one.id == parent.experiment]
        why = "it is in no archive that is known"
        if parent.path is not None:
            path = Path(parent.path)
            why = f"it is not in {path}"
            if not known and opening:
                opened = self._paths.get(path) or self._open(path)
                known = [opened] if isinstance(opened, Known) else []
                why = why if isinstance(opened, Known) else opened
        for one in (*known, inside):  # what was merged or imported since is inside now
            found = one.find(parent)
            if found is not None:
                return found
        return why

    def _open(self, path: Path) -> Known | str:
        """The archive of that path, or why it cannot be read. What is no file is not opened: the
        path is what somebody's archive says."""
        try:
            if not path.is_file():
                self._paths[path] = f"{path} is not there"
                return self._paths[path]
            container = Container(path, writable=False)
        except (ArchiveError, OSError, ValueError) as error:
            self._paths[path] = f"{path} cannot be read ({error})"
            return self._paths[path]
        self._stack.callback(container.close)
        found = Known(container)
        self._paths[path] = found
        self.archives.append(found)
        return found

    # -- the graph ---------------------------------------------------------------------------

    def _edge(self, source: str, target: str, meaning: Meaning) -> None:
        self.edges[Edge(source, target, meaning)] = None

    def _add(self, at: At) -> str:
        if at.key not in self.nodes:
            name = str(at.archive.container.runs.document(at.run)["name"])
            kind: Kind = "run"
            label = f"'{name}'"
            if at.archive is not self.archives[0]:
                label += f" in {at.archive.path.name}"
            if at.snapshot is not None:
                row = at.archive.snapshots_of(at.run)[at.snapshot]
                own = at.archive.container.snapshots.document(row).get("name")
                kind, name = "snapshot", str(own or at.snapshot)
                label = (f"'{own}'" if own else name) + f" of {label}"
            node = Node(at.key, kind, name, f"{kind} {label}", at.archive.path)
            self.nodes[at.key] = node
        return at.key

    def _gone(self, parent: schemas.Parent, why: str) -> str:
        kind: Kind = "run" if parent.snapshot is None else "snapshot"
        key = f"gone {kind} {parent.experiment} {parent.run} {parent.snapshot} {parent.digest}"
        name, label = parent.run, f"{kind} '{parent.run}'"
        if parent.snapshot is not None:
            name = str(parent.snapshot)
            label = f"{kind} {name} of '{parent.run}'"
        path = None if parent.path is None else Path(parent.path)
        self.nodes.setdefault(key, Node(key, kind, name, label, path, why))
        return key

    def _file(self, digest: str | None, path: str) -> str:
        key = f"file {digest or path}"
        if key not in self.nodes:
            try:
                gone = None if Path(path).exists() else "it is not there any more"
            except (OSError, ValueError):
                gone = "there is no such path here"
            self.nodes[key] = Node(key, "file", path, f"file {Path(path).name or path}", None, gone)
        return key
