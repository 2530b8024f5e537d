"""An archive that runs are written to: the whole experiment, or a part of it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

import schemas
from archive import values
from archive.container import Container
from archive.errors import AlreadyExists, ArchiveWarning, Refused
from archive.experiment import parents, redirection
from archive.experiment.annotated import Annotated
from archive.experiment.joined import Joined
from archive.experiment.known_inputs import KnownInputs
from archive.experiment.parameter_set import Parameters
from archive.experiment.parameter_sets import ParameterSets
from archive.experiment.ranks import exits
from archive.experiment.runs import Run, RunView, SegmentView, Snapshot, SnapshotView
from archive.hooks.plain import modelled
from archive.provenance import Capturing

if TYPE_CHECKING:  # few need it
    from archive.experiment.import_report import ImportedFile, ImportReport
    from archive.experiment.importing import Importing


class Recording(Annotated):
    """What an experiment and a session have in common: a file, and runs in it."""

    _scope = "experiment"

    def __init__(self, container: Container) -> None:
        super().__init__(container, 0)
        self._open_runs: list[Run] = []
        self._began = False
        self._sets: ParameterSets | None = None
        self._inputs: KnownInputs | None = None

    @cached_property
    def _joined(self) -> Joined:
        """What the views show."""
        return Joined({"": self._container})

    @property
    def path(self) -> Path:
        """The file."""
        return self._container.path

    @property
    def mode(self) -> str:
        """``r`` or ``a``."""
        return "a" if self._container.session.writable else "r"

    @property
    def closed(self) -> bool:
        return self._container.session.closed

    @property
    def runs(self) -> RunView:
        """All runs, in order."""
        self._container.session.check_open()
        return RunView(self._joined)

    @property
    def segments(self) -> SegmentView:
        """All segments of all runs, in order."""
        self._container.session.check_open()
        return SegmentView(self._joined)

    @property
    def snapshots(self) -> SnapshotView:
        """All snapshots of all runs, in order."""
        self._container.session.check_open()
        return SnapshotView(self._joined)

    @property
    def parameters(self) -> ParameterSets:
        """All parameter sets, by name and digest; see `ParameterSets`."""
        self._container.session.check_open()
        if self._sets is None or self._sets.joined is not self._joined:
            self._sets = ParameterSets(self._joined, self._archives)
        return self._sets

    @contextmanager
    def _archives(self) -> Iterator[Mapping[str, Container]]:
        """The archives that are asked for what has run; the first has no name."""
        yield {"": self._container}

    # -- writing -----------------------------------------------------------------------------

    def run(
        self,
        name: str | None = None,
        *,
        parameters: Parameters | None = None,
        annotations: Mapping[str, Any] | None = None,
        description: str | None = None,
        simulator: str | None = None,
        resume: bool = False,
        parent: Run | Snapshot | None = None,
    ) -> Run:
        """Begin a run; without a name it is called ``run 0001`` and so on.

        `parameters` is a dict, which may be nested by population or projection, a set of
        `Experiment.parameters`, or the name of one; equal sets are stored once.
        `resume` opens the run of that name again, if there is one. `parent` is a run or snapshot,
        of this archive or another, that it begins with; a snapshot that was restored into a
        network since the last run began is noted as one by itself. Raises AlreadyExists for a
        name that is taken, or that is resumed with other parameters, ContractError for what
        cannot be kept, Refused in mode 'r'.
        """
        self._container.session.check_open()
        self._abandon_runs()
        name = self._free_name() if name is None else name
        redirection.begins(self.path, name)
        taken = self._container.run_named(name)
        named = [] if parent is None else [parents.origin(parent, "named")]
        given = None if parameters is None else self._model_of(parameters, f"run {name!r}")
        if taken is not None:
            if not resume:
                raise AlreadyExists(
                    f"there is a run {name!r} already",
                    path=self.path,
                    hint="give another name, or resume=True to append to that run",
                )
            run = Run(self._container, taken, capture=self._capture(kept=False))
            self._check_same(run, given, description, simulator)
            with self._container.transaction():
                self._container.resume_run(taken)
                if annotations:
                    run.annotate(annotations)
                run.begin_with([*parents.waiting(), *named])
        else:
            model = self._run_model(name, annotations, description, simulator)
            run = self._new_run(model, given, [*parents.waiting(), *named])
        parents.goes_on(run)
        going_on = [one for one in self._open_runs if one.outcome == "running"]
        self._open_runs = [*going_on, run]
        return run

    def import_file(
        self,
        path: str | os.PathLike[str],
        format: str | None = None,
        *,
        name: str | None = None,
        again: bool = False,
        strict: bool = False,
        **options: Any,
    ) -> RunView:
        """Take a foreign file in: all of it, or nothing; returns the runs that it is now.

        A file becomes one run, which is called `name` or after the file, and has ended; one that
        holds runs, or a whole experiment, becomes these. Each run keeps where it came from as one
        of its `inputs`. `format` is a name of ``neuroarchive formats``; None: what is in the file
        tells, and else its suffix. `options` are those of the format.

        A file that was imported before, with the same options, is not imported `again` unless
        told so: an ArchiveWarning says it, and its runs are returned, unless they lie in another
        part. What could not be carried
        stands in ``run.inputs``; with `strict` it is an error. Raises FormatError, MissingPackage,
        ContractError, and Refused in mode 'r'.
        """
        with self._importing(format, again=again, strict=strict, options=options) as importing:
            done = importing.file(Path(path).absolute(), name)
            rows = np.array(importing.rows(done), np.int64)
        if done.outcome == "skipped":
            warnings.warn(f"{path} was {done.reason}", ArchiveWarning, stacklevel=2)
        return RunView(Joined({"": self._container}), rows)

    def import_files(
        self,
        paths: Iterable[str | os.PathLike[str]],
        format: str | None = None,
        *,
        again: bool = False,
        strict: bool = False,
        progress: Callable[[ImportedFile], object] | None = None,
        **options: Any,
    ) -> ImportReport:
        """Take many foreign files in, each as `import_file` does; returns what became of each.

        One that fails is reported, and the others are imported all the same. `progress` is called
        with what became of each file. An option is given to the formats that have it. Files that
        belong to another one are imported with it.
        An import that was interrupted goes on when it is called again: what is there is skipped.
        Raises TransactionError where the archive cannot be written to.
        """
        from archive.experiment.import_report import ImportReport

        done = []
        with self._importing(format, again=again, strict=strict, options=options) as importing:
            for one in importing.files(paths):
                done.append(one)
                if progress is not None:
                    progress(one)
        return ImportReport(tuple(done))

    @contextmanager
    def _importing(self, format: str | None, **how: Any) -> Iterator[Importing]:
        from archive.experiment.importing import Importing

        self._container.session.check_open()
        if self.mode == "r":
            raise Refused(
                "the archive was opened for reading", path=self.path, hint="open it with mode='a'"
            )
        self._abandon_runs()
        if self._inputs is None:
            self._inputs = KnownInputs(self._container)
        with self._archives() as archives:
            others = [KnownInputs(one) for one in archives.values() if one is not self._container]
            yield Importing(
                self._container, self._inputs, self._whole_path, others, format=format, **how
            )

    @property
    def _whole_path(self) -> Path:
        """The archive that this is, or is a part of."""
        return self.path

    def _model_of(self, parameters: Parameters, where: str) -> schemas.ParameterSet:
        return self.parameters.model(parameters, where)

    def leave_running(self) -> None:
        """Other processes write to the file in between: runs that go on may be theirs."""
        self._began = True

    def _abandon_runs(self) -> None:
        """Runs that go on, though no session but this one can write: their process has died."""
        if not self._began:
            self._began = True
            self._container.abandon_runs(datetime.now(UTC))

    def _check_same(
        self,
        run: Run,
        parameters: schemas.ParameterSet | None,
        description: str | None,
        simulator: str | None,
    ) -> None:
        """A run goes on as it began: what is said of it again must be what was said then."""
        model = run.to_entry().model
        assert isinstance(model, schemas.Run)
        wrong = [
            what
            for what, now, then in (
                ("description", description, model.description),
                ("simulator", simulator, model.simulator),
            )
            if now not in (None, then)
        ]
        if parameters is not None and not schemas.identical(
            parameters.values, run.parameters.model.values
        ):
            wrong.append("parameters")
        if wrong:
            raise AlreadyExists(
                f"the run {run.name!r} began with other {', '.join(wrong)}",
                path=self.path,
                hint="begin a run of another name, or leave these out to resume it",
            )

    def _free_name(self) -> str:
        told = redirection.numbered_name()
        if told is not None and self._container.run_named(told) is None:
            return told
        number = len(self._container.runs) + 1
        while self._container.run_named(f"run {number:04d}") is not None:
            number += 1
        return f"run {number:04d}"

    def _run_model(
        self,
        name: str,
        annotations: Mapping[str, Any] | None,
        description: str | None,
        simulator: str | None,
    ) -> schemas.Run:
        where = f"run {name!r}"
        return modelled(
            schemas.Run,
            where,
            name=name,
            description=description,
            simulator=simulator,
            started=datetime.now(UTC),
            annotations=values.to_schema_dict(annotations or {}, f"annotations of {where}"),
        )

    def _new_run(
        self,
        model: schemas.Run,
        parameters: schemas.ParameterSet | None,
        began_with: Sequence[parents.Origin],
    ) -> Run:
        capture = self._capture()
        said = [one.seen_from(self._container) for one in began_with]
        row = self._container.add_run(model, parameters, capture.records, said)
        return Run(self._container, row, model.name, capture)

    def _capture(self, kept: bool = True) -> Capturing:
        from archive.provenance.process import Capture

        return Capture(self._container.privacy, kept=kept)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything appended inside becomes permanent together, or not at all."""
        try:
            with self._container.transaction(held=False):
                yield
        except BaseException:
            ended = self._container.session.closed  # where the file could not be read back
            there = 0 if ended else len(self._container.runs)  # those that began inside are gone
            self._open_runs = [run for run in self._open_runs if run.index < there]
            raise

    def close(self) -> None:
        """End the runs that are still going on, and close the file. Closing twice is no error."""
        if self.closed:
            return
        remove = False
        try:
            if self._container.session.writable:
                for run in self._open_runs:
                    run.finish()
                remove = self._is_empty()
        finally:
            self._container.close(remove=remove)

    def _is_empty(self) -> bool:
        """Whether there is nothing in the file that is worth to be kept."""
        return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            exits(error)
            for run in self._open_runs:
                run.__exit__(kind, error, trace)
        self.close()
