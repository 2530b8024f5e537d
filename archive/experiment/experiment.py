"""An open archive, as the user holds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import schemas
from archive import provenance, values
from archive.container import Container
from archive.container.check import Report, check
from archive.container.check_deep import check_deeply
from archive.entry import Entry, Loss
from archive.errors import AlreadyExists
from archive.experiment.annotated import Annotated
from archive.experiment.display import html_table
from archive.experiment.export import export
from archive.experiment.runs import Run, RunView, SegmentView
from archive.hooks.neo_ import to_neo_block
from archive.hooks.plain import modelled
from archive.storage import remove_file

if TYPE_CHECKING:  # slow to import, and few need it
    from tempfile import TemporaryDirectory


class Experiment(Annotated):
    """One experiment: all of its runs and their segments. Made by `archive.open`."""

    _scope = "experiment"

    def __init__(self, container: Container) -> None:
        super().__init__(container, 0)
        self._provenance: schemas.Provenance | None = None
        self._open_runs: list[Run] = []
        self._folder: TemporaryDirectory[str] | None = None
        self._remove_when_empty = False
        self._began = False

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
        return RunView(self._container)

    @property
    def segments(self) -> SegmentView:
        """All segments of all runs, in order."""
        self._container.session.check_open()
        return SegmentView(self._container)

    def refresh(self) -> None:
        """In mode ``r``: see what has been committed since the archive was opened."""
        self._container.refresh()

    # -- writing -----------------------------------------------------------------------------

    def run(
        self,
        name: str | None = None,
        *,
        parameters: Mapping[str, Any] | None = None,
        annotations: Mapping[str, Any] | None = None,
        description: str | None = None,
        simulator: str | None = None,
        resume: bool = False,
    ) -> Run:
        """Begin a run; without a name it is called ``run 0001`` and so on.

        `parameters` may be nested by population or projection; equal sets are stored once.
        `resume` opens the run of that name again, if there is one. Raises AlreadyExists for a
        name that is taken, or that is resumed with other parameters, ContractError for what
        cannot be kept, Refused in mode 'r'.
        """
        self._container.session.check_open()
        self._abandon_runs()
        name = self._free_name() if name is None else name
        taken = self._container.run_named(name)
        if taken is not None:
            if not resume:
                raise AlreadyExists(
                    f"there is a run {name!r} already",
                    path=self.path,
                    hint="give another name, or resume=True to append to that run",
                )
            run = Run(self._container, taken)
            self._check_same(run, parameters, description, simulator)
            with self._container.transaction():
                self._container.resume_run(taken)
                if annotations:
                    run.annotate(annotations)
        else:
            run = self._new_run(name, parameters, annotations, description, simulator)
        going_on = [one for one in self._open_runs if one.outcome == "running"]
        self._open_runs = [*going_on, run]
        return run

    def _abandon_runs(self) -> None:
        """Runs that go on, though no session but this one can write: their process has died."""
        if not self._began:
            self._began = True
            self._container.abandon_runs(datetime.now(UTC))

    def _check_same(
        self,
        run: Run,
        parameters: Mapping[str, Any] | None,
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
        if parameters is not None:
            given = values.to_schema_dict(parameters, f"parameters of run {run.name!r}")
            known = values.to_schema_dict(run.parameters, "")
            wrong += [] if schemas.identical(given, known) else ["parameters"]
        if wrong:
            raise AlreadyExists(
                f"the run {run.name!r} began with other {', '.join(wrong)}",
                path=self.path,
                hint="begin a run of another name, or leave these out to resume it",
            )

    def _free_name(self) -> str:
        number = len(self.runs) + 1
        while self._container.run_named(f"run {number:04d}") is not None:
            number += 1
        return f"run {number:04d}"

    def _new_run(
        self,
        name: str,
        parameters: Mapping[str, Any] | None,
        annotations: Mapping[str, Any] | None,
        description: str | None,
        simulator: str | None,
    ) -> Run:
        where = f"run {name!r}"
        model = modelled(
            schemas.Run,
            where,
            name=name,
            description=description,
            simulator=simulator,
            started=datetime.now(UTC),
            annotations=values.to_schema_dict(annotations or {}, f"annotations of {where}"),
        )
        parameter_set = None
        if parameters is not None:
            parameter_set = modelled(
                schemas.ParameterSet,
                where,
                values=values.to_schema_dict(parameters, f"parameters of {where}"),
            )
        if self._provenance is None:
            self._provenance = provenance.gather()
        row = self._container.add_run(model, parameter_set, self._provenance)
        return Run(self._container, row, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything appended inside becomes permanent together, or not at all."""
        try:
            with self._container.transaction(held=False):
                yield
        except BaseException:
            there = len(self.runs)  # those that began inside are gone
            self._open_runs = [run for run in self._open_runs if run.index < there]
            raise

    def keep_until_closed(self, folder: TemporaryDirectory[str]) -> None:
        """The folder that the file lies in goes when the archive is closed."""
        self._folder = folder

    def remove_when_empty(self) -> None:
        """The file goes when it is closed with no segment in it."""
        self._remove_when_empty = True

    def close(self) -> None:
        """End the runs that are still going on, and close the file. Closing twice is no error."""
        if self.closed:
            return
        remove = False
        try:
            if self._container.session.writable:
                for run in self._open_runs:
                    run.finish()
            remove = self._remove_when_empty and not len(self.segments)
        finally:
            self._container.close()
            if remove:
                remove_file(self.path)
            if self._folder is not None:
                self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            for run in self._open_runs:
                run.__exit__(kind, error, trace)
        self.close()

    # -- out ---------------------------------------------------------------------------------

    def export(self, path: str | Path, format: str | None = None, **options: Any) -> list[Loss]:
        """Write the whole experiment in another format, found by name or by suffix.

        Returns what the format could not carry. Raises FormatError, MissingPackage and
        AlreadyExists (``overwrite=True`` replaces the file); `strict=True` makes a loss an error.
        """
        return export(self, path, format, **options)

    def check(self, *, deep: bool = False) -> Report:
        """Look at everything but the values of signals; changes nothing. See `Report`.

        With `deep`, read all values too and compare them with their digests, and all that NIX is
        told of them, as they were after the last transaction. A process of its own does that, as
        a damaged file may end it or keep it for ever; that is a finding then.
        """
        self._container.session.check_open()
        return check_deeply(self.path) if deep else check(self._container)

    def to_entry(self) -> Entry:
        """The experiment with its runs as parts, for adapters."""
        return self.entry()

    def entry(self) -> Entry:
        """The same: what makes an archive a Source."""
        model = self._container.model("experiment", 0)
        return Entry(model, parts=(run.to_entry() for run in self.runs))

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
