"""An open archive, as the user holds it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemas
from archive import values
from archive.container import Container
from archive.entry import Entry, Loss
from archive.errors import NotFound, Refused
from archive.experiment.display import html_table
from archive.experiment.export import export
from archive.experiment.joined import Joined, all_annotations
from archive.experiment.parts import PATIENCE, open_parts, remove_folder
from archive.experiment.recording import Recording
from archive.experiment.runs import Run
from archive.experiment.sessions import (
    LockingSession,
    Session,
    computer_session,
    locking_session,
    session,
)
from archive.experiment.shared_values import SharedValues
from archive.hooks.neo_ import to_neo_block

if TYPE_CHECKING:  # slow to import, and few need it
    from tempfile import TemporaryDirectory

    from archive.container.check_report import Report
    from archive.experiment.lineage import Lineage
    from archive.experiment.merged import Merged


class Experiment(Recording, SharedValues):
    """One experiment: all of its runs and their segments. Made by `archive.open`."""

    def __init__(
        self, container: Container, *, archive: Path | None = None, parts: bool = True
    ) -> None:
        """`archive` is the whole, where the container is a part of it; with `parts`, all parts of
        it are read too."""
        super().__init__(container)
        self._archive = archive or container.path
        self._with_parts = parts and not container.session.writable
        self._folder: TemporaryDirectory[str] | None = None
        self._remove_when_empty = False

    @cached_property
    def _joined(self) -> Joined:
        parts = open_parts(self._archive, self._container) if self._with_parts else {}
        return Joined({"": self._container, **parts})

    @property
    def annotations(self) -> dict[str, Any]:
        """Facts by name, as they are now, those of the parts included. What a part says otherwise
        has the name of the part behind its own."""
        self._container.session.check_open()
        found = [one.experiment.annotations(0) for one in self._joined.containers]
        return values.from_schema_dict(all_annotations(found, self._joined.names))

    def refresh(self) -> None:
        """In mode ``r``: see what has been committed since the archive was opened, and the parts
        that have come or gone."""
        self._container.refresh()
        self.__dict__.pop("_joined", None)  # runs of parts that somebody still holds stay open

    # -- many processes ----------------------------------------------------------------------

    def session(self) -> Session:
        """A part of the archive that only this process has; see `archive.session`."""
        return session(self._archive, privacy=self._container.privacy)

    def computer_session(self) -> Session:
        """The part of this user on this machine; see `archive.computer_session`."""
        return computer_session(self._archive, privacy=self._container.privacy)

    def locking_session(self, *, timeout: float = PATIENCE) -> LockingSession:
        """The archive itself, locked for each operation; see `archive.locking_session`."""
        return locking_session(self._archive, timeout=timeout, privacy=self._container.privacy)

    def merge(self, *parts: str | os.PathLike[str], keep: bool = False) -> list[Merged]:
        """Append what lies in the parts beside the archive, or in other archives, and remove
        the parts; returns what became of each.

        All is read back and compared with digests before a part is removed; with `keep`, and of
        archives that lie elsewhere, nothing is removed. A merge that was interrupted is gone on
        with, and what was merged before is not merged again. A part that is being written is left
        alone. A run whose name is taken gets the name of its part behind its own, as it has when
        parts are read; pieces of populations that MPI processes wrote are joined.
        Raises Refused in mode 'r', and CorruptArchive if what was merged is not what the part
        holds.
        """
        if self.mode == "r":
            raise Refused(
                "the archive was opened for reading", path=self.path, hint="open it with mode='a'"
            )
        from archive.experiment.merging import merge

        return merge(self._container, [Path(part) for part in parts] or None, keep=keep)

    @property
    def parts(self) -> list[str]:
        """The names of the parts that are read as if they were in the archive."""
        self._container.session.check_open()
        return list(self._joined.names[1:])

    @property
    def _whole_path(self) -> Path:
        return self._archive

    @contextmanager
    def _archives(self) -> Iterator[Mapping[str, Container]]:
        self._container.session.check_open()
        if self.mode == "r":
            yield dict(zip(self._joined.names, self._joined.containers, strict=True))
            return
        parts = open_parts(self._archive, self._container)
        try:
            yield {"": self._container, **parts}
        finally:
            for part in parts.values():
                part.close()

    def __reduce__(self) -> tuple[Callable[[Path, bool], Experiment], tuple[Path, bool]]:
        if self.mode == "r" and self._folder is None:
            return _reopened, (self.path, self._with_parts)
        raise Refused(
            "an archive that is open for writing cannot be sent to another process",
            path=self.path,
            hint="send its path, and call archive.session(path) there",
        )

    # -- files -------------------------------------------------------------------------------

    def keep_until_closed(self, folder: TemporaryDirectory[str]) -> None:
        """The folder that the file lies in goes when the archive is closed."""
        self._folder = folder

    def remove_when_empty(self) -> None:
        """The file goes when it is closed with no segment in it."""
        self._remove_when_empty = True

    def _is_empty(self) -> bool:
        return self._remove_when_empty and not len(self._container.segments)

    def close(self) -> None:
        """End the runs that are still going on, and close the file. Closing twice is no error."""
        if self.closed:
            return
        try:
            super().close()
        finally:
            if "_joined" in self.__dict__:
                for part in self._joined.containers[1:]:
                    part.close()
            if self._remove_when_empty:
                remove_folder(self._archive)  # if this was all that was in it
            if self._folder is not None:
                self._folder.cleanup()

    # -- out ---------------------------------------------------------------------------------

    def export(self, path: str | Path, format: str | None = None, **options: Any) -> list[Loss]:
        """Write the whole experiment in another format, found by name or by suffix.

        Returns what the format could not carry. Raises FormatError, MissingPackage and
        AlreadyExists (``overwrite=True`` replaces the file); `strict=True` makes a loss an error.
        In mode 'a' it is noted with each run that the file was made of it, with its digest and
        losses (``run.provenance.exports``); in mode 'r' nothing can be noted.
        """
        return export(self, path, format, runs=self.runs, **options)

    def report(self, path: str | Path, **options: Any) -> list[Loss]:
        """Write a page for people to look at, in HTML: runs, provenance, pictures, parameters.

        One file that needs no other, and no network. `size` is how many bytes it may have;
        ``overwrite=True`` replaces the file. Returns what is decimated or left out.
        """
        return self.export(path, "html", **options)

    def check(
        self,
        *,
        deep: bool = False,
        allowed_signers: str | os.PathLike[str] | None = None,
        files: bool = False,
    ) -> Report:
        """Look at everything but the values of signals; changes nothing. See `Report`.

        With `deep`, read all values too and compare them with their digests, and all that NIX is
        told of them, as they were after the last transaction. A process of its own does that, as
        a damaged file may end it or keep it for ever; that is a finding then.

        Signatures are verified; with a file of `allowed_signers`, as OpenSSH has it, it is a
        finding if none of these has signed. With `files`, scripts, modules and inputs that runs
        were made by are looked for where they were, and listed as `gone` if they are not the same;
        that is no damage. Whoever wrote the archive has said where that is.
        """
        from archive.container.check import check
        from archive.container.check_deep import check_deeply

        self._container.session.check_open()
        allowed = None if allowed_signers is None else Path(allowed_signers)
        if deep:
            return check_deeply(self.path, allowed=allowed, files=files)
        return check(self._container, allowed=allowed, files=files)

    def sign(self, key: str | os.PathLike[str], *, signer: str | None = None) -> schemas.Signature:
        """Sign all that the archive holds now with an SSH key, and keep the signature in it.

        `key` is a private key, or the public half of one in ssh-agent; `signer` says who signs,
        and is else the comment of the key. Everything is read. What is added later, and what lies
        in parts, is not covered. Raises NotFound, MissingPackage without ssh-keygen, FormatError
        where that cannot sign, and Refused in mode 'r'.
        """
        self._container.session.check_open()
        path = Path(key)
        from archive.container.check_signatures import sign
        from archive.provenance.ssh_signatures import comment

        return sign(self._container, path, signer or comment(path))

    @property
    def signatures(self) -> tuple[schemas.Signature, ...]:
        """All that were made, the oldest first; `check` says whether they are good."""
        self._container.session.check_open()
        from archive.container.check_signatures import signatures_of

        return tuple(signatures_of(self._container))

    def copy_to(self, path: Path) -> bool:
        """Write the archive as it is seen here to a new file. Where parts of it lie in files of
        their own nothing is written, and False returned. Raises OSError."""
        if self.parts:
            return False
        self._container.session.copy_to(path)
        return True

    def lineage(
        self, run: Run | str | None = None, *, also: Sequence[str | os.PathLike[str]] = ()
    ) -> Lineage:
        """The runs, snapshots and files that led to a run, and that it led to, as a graph; of all
        runs, if none is given.

        What led to it is followed into other archives, as far as their files are there; what is
        not is a node that says so. What it led to is known of this archive, of those that were
        opened so, and of those in `also`. Raises NotFound for a run that there is not.
        """
        from archive.experiment.lineage_tracing import trace

        self._container.session.check_open()
        found = self.runs[run] if isinstance(run, str) else run
        focus = None if found is None else (found._container, found._row)
        if focus is not None and focus[0] not in self._joined.containers:
            raise NotFound(f"the run {found!r:.60} is of another archive", path=self.path)
        paths = [Path(path).absolute() for path in also]
        return trace(self._joined.containers, paths, focus)

    def to_entry(self) -> Entry:
        """The experiment for adapters. Its parts are its runs, its values under keys, its named
        parameter sets, each with what was said of its name, and the later changes of its
        annotations."""
        return self.entry()

    def entry(self) -> Entry:
        """The same: what makes an archive a Source."""
        model = self._container.model("experiment", 0)
        runs = (run.to_entry() for run in self.runs)
        kept = (Entry(value) for value in self._models(""))
        changes = (Entry(change) for change in self._container.changes("experiment", 0))
        return Entry(model, parts=chain(runs, kept, self._named_sets(), changes))

    def _named_sets(self) -> Iterator[Entry]:
        sets = self.parameters
        for name in sets.names:
            yield Entry(sets[name].model)
            yield from map(Entry, sets.history(name))

    def to_neo(self) -> Any:
        """A neo.Block with all segments of all runs; reads everything into memory."""
        return to_neo_block(
            (segment.data_entry() for segment in self.segments),
            name=self.name,
            description=self.description,
            annotations=self.annotations,
        )

    def __repr__(self) -> str:
        if self.closed:
            return f"<Experiment {str(self.path)!r}, closed>"
        return (
            f"<Experiment {self.name!r} in {str(self.path)!r}, mode {self.mode!r}: "
            f"{len(self.runs)} runs, {len(self.segments)} segments>"
        )

    def _repr_html_(self) -> str:
        if self.closed:
            return html_table(repr(self), [], [])
        facts: list[tuple[str, Any]] = [("file", self.path), ("mode", self.mode)]
        facts += [("runs", len(self.runs)), ("segments", len(self.segments))]
        facts += list(self.annotations.items())
        return html_table(f"Experiment {self.name}", ["", ""], facts)


def _reopened(path: Path, parts: bool) -> Experiment:
    return Experiment(Container(path, writable=False), parts=parts)
