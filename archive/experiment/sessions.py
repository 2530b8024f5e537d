"""Sessions: how many processes write to one archive at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import schemas
from archive.container import Container, KeyedValues
from archive.errors import NotFound
from archive.experiment import redirection
from archive.experiment.creating import ensure_archive
from archive.experiment.joined import Joined
from archive.experiment.mapping import KeyedMapping
from archive.experiment.parameter_set import Parameters
from archive.experiment.parameter_sets import ParameterSets
from archive.experiment.parts import (
    PATIENCE,
    begin_part,
    computer_name,
    open_parts,
    remove_folder,
    session_name,
)
from archive.experiment.recording import Recording
from archive.experiment.shared_parameters import SharedParameters
from archive.experiment.shared_run import SharedRun
from archive.provenance import Privacy, chosen


class Session(Recording, KeyedMapping):
    """A part of an archive, and a dict of values: this process writes to it, and no other does.

    Runs are recorded as in the archive itself, and values kept under keys as in a dict. The part
    is a complete archive; it is removed when it is closed with nothing in it. A session that is
    sent to another process, as `multiprocessing` does, becomes another part there.
    """

    def __init__(self, archive: Path, container: Container, begin: Callable[..., Session]) -> None:
        super().__init__(container)
        self._archive = archive
        self._begin = begin
        self._values = KeyedValues(container)

    @property
    def session_name(self) -> str:
        """The user, the machine and a number that nobody else has: ``anna@lab7-3f2a90c1d5e8``."""
        return self.path.stem

    @contextmanager
    def _keyed(self) -> Iterator[KeyedValues]:
        self._container.session.check_open()
        yield self._values

    def close(self) -> None:
        """End the runs that are still going on, and close the part, or remove an empty one."""
        if self.closed:
            return
        super().close()
        remove_folder(self._archive)  # if this was all that was in it

    def _is_empty(self) -> bool:
        return not (len(self._container.runs) or len(self) or self.history or self.parameters.names)

    @property
    def _whole_path(self) -> Path:
        return self._archive

    @contextmanager
    def _archives(self) -> Iterator[Mapping[str, Container]]:
        """This part, and the archive with all others."""
        with ExitStack() as stack:
            whole = Container(self._archive, writable=False)
            stack.callback(whole.close)
            parts = open_parts(self._archive, whole, without=self.session_name)
            for part in parts.values():
                stack.callback(part.close)
            yield {"": self._container, self._archive.name: whole, **parts}

    def _model_of(self, parameters: Parameters, where: str) -> schemas.ParameterSet:
        """A name may also be that of a set of the archive."""
        try:
            return super()._model_of(parameters, where)
        except NotFound as error:
            if not isinstance(parameters, str):
                raise
            whole = Container(self._archive, writable=False)
            try:
                found = Recording(whole).parameters
                if parameters not in found:
                    raise error
                return found.model(parameters, where)
            finally:
                whole.close()

    def __reduce__(self) -> tuple[Callable[..., Session], tuple[Path]]:
        return partial(self._begin, privacy=self._container.privacy), (self._archive,)

    __eq__ = Recording.__eq__  # not that of dicts
    __hash__ = Recording.__hash__

    def __bool__(self) -> bool:
        return True  # also while it has no values

    def __repr__(self) -> str:
        if self.closed:
            return f"<Session {self.session_name!r} of {str(self._archive)!r}, closed>"
        return (
            f"<Session {self.session_name!r} of {str(self._archive)!r}: "
            f"{len(self.runs)} runs, {len(self)} values>"
        )


def session(path: str | os.PathLike[str], *, privacy: Privacy | None = None) -> Session:
    """A part of the archive at `path` that only this process has.

    Any process on any machine that sees the folder may begin one, at any time; none waits for
    another. The archive is made if there is none, and is not opened. `privacy` is that of
    `archive.open`; with ``strict`` the name of the part tells nobody either.
    Raises Refused where the folder cannot be written to.
    """
    archive = redirection.archive_path(Path(path).absolute(), writing=True)
    name = session_name(chosen(privacy))
    return _begin(archive, name, session, timeout=PATIENCE, privacy=privacy)


def computer_session(
    path: str | os.PathLike[str], *, timeout: float = 1.0, privacy: Privacy | None = None
) -> Session:
    """The part of this user on this machine: the same each time, until it is merged.

    One process at a time has it: raises Busy if another one still has it after `timeout` seconds.
    """
    archive = redirection.archive_path(Path(path).absolute(), writing=True)
    name = computer_name(chosen(privacy))
    return _begin(archive, name, computer_session, timeout=timeout, privacy=privacy)


def _begin(
    archive: Path,
    name: str,
    again: Callable[..., Session],
    timeout: float,
    privacy: Privacy | None,
) -> Session:
    ensure_archive(archive)
    return Session(archive, begin_part(archive, name, timeout=timeout, privacy=privacy), again)


def locking_session(
    path: str | os.PathLike[str], *, timeout: float = PATIENCE, privacy: Privacy | None = None
) -> LockingSession:
    """The archive at `path` itself, locked for each operation and no longer.

    The archive is made if there is none. Each operation waits up to `timeout` seconds for other
    processes, then raises Busy.
    """
    archive = redirection.archive_path(Path(path).absolute(), writing=True)
    return LockingSession(archive, timeout, privacy)


class LockingSession(KeyedMapping):
    """One archive that many processes write to, each for a moment: a dict of values, and runs.

    Every operation opens the archive, works and closes it; so it costs some milliseconds, and
    nothing is held between two of them. Can be sent to other processes.
    """

    def __init__(
        self, path: Path, timeout: float = PATIENCE, privacy: Privacy | None = None
    ) -> None:
        self.path = path
        self._privacy = privacy
        self._timeout = timeout
        self._threads = threading.RLock()
        self._held: Container | None = None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """All operations inside see and make one state: no other process comes between.

        ``with session.lock(): session["count"] += 1``
        """
        with self._container():
            yield

    def run(self, name: str, **facts: Any) -> SharedRun:
        """A run that several processes may append to; it is begun if there is none of that name.

        `facts` are those of `Experiment.run`. It goes on until one of them calls its `finish`.
        """
        with self._container() as container:
            recording = Recording(container)
            # This session cannot know who else is alive: it takes no run for abandoned.
            recording.leave_running()
            row = recording.run(name, resume=True, **facts).index
            return SharedRun(self._container, self.run, container, row)

    @property
    def parameters(self) -> SharedParameters:
        """The parameter sets of the archive; each operation locks it as those here do."""
        return SharedParameters(self._sets)

    @contextmanager
    def _sets(self) -> Iterator[ParameterSets]:
        with self._container() as container:
            yield ParameterSets(Joined({"": container}), lambda: self._archives(container))

    @contextmanager
    def _archives(self, whole: Container) -> Iterator[Mapping[str, Container]]:
        """The archive with all of its parts."""
        parts = open_parts(self.path, whole)
        try:
            yield {"": whole, **parts}
        finally:
            for part in parts.values():
                part.close()

    @contextmanager
    def _container(self) -> Iterator[Container]:
        with self._threads:
            if self._held is not None:
                yield self._held
                return
            ensure_archive(self.path)
            # what closing makes permanent need not be so before
            self._held = Container(
                self.path,
                writable=True,
                durability="close",
                timeout=self._timeout,
                privacy=self._privacy,
            )
            try:
                yield self._held
            finally:
                held, self._held = self._held, None
                held.close()

    @contextmanager
    def _keyed(self) -> Iterator[KeyedValues]:
        with self._container() as container:
            yield KeyedValues(container)

    def __reduce__(self) -> tuple[type[LockingSession], tuple[Path, float, Privacy | None]]:
        return LockingSession, (self.path, self._timeout, self._privacy)

    __eq__ = object.__eq__  # not that of dicts
    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<LockingSession of {str(self.path)!r}>"
