"""What is known of a run beside what was recorded in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import schemas
from archive import provenance, values
from archive.container.layout import OUTCOMES
from archive.container.provenance_records import NO_RECORDS, Records
from archive.container.rows import moment
from archive.errors import Refused
from archive.experiment import redirection
from archive.experiment.annotated import Annotated
from archive.experiment.parents import Origin, key_of
from archive.experiment.run_provenance import RunProvenance, provenance_of

Outcome = Literal["finished", "failed", "interrupted", "abandoned"]


class RunFacts(Annotated):
    """The part of a run that says how it came about and how it ended."""

    _scope = "run"
    _capture: provenance.Capturing | None = None  # where it began, or goes on

    @property
    def provenance(self) -> RunProvenance:
        """How it came about: process, environment, code, generators of random numbers, inputs,
        parents, exports."""
        return provenance_of(self._container, self._row)

    @property
    def inputs(self) -> list[schemas.Input]:
        """The files that it came from, or made use of, the oldest first."""
        models = self._container.changes("run", self._row)
        return [model for model in models if isinstance(model, schemas.Input)]

    @property
    def goes_on(self) -> bool:
        """Whether it can be added to here and now."""
        session = self._container.session
        if session.closed or not session.writable:
            return False
        there = self._container.run_named(self.name) == self._row  # else it was undone
        return there and self._container.is_running(self._row)

    def begin_with(self, parents: Sequence[Origin]) -> None:
        """Note what it began with, or went on from: each parent once."""
        if not parents:
            return
        models = self._container.changes("run", self._row)
        known = {key_of(model) for model in models if isinstance(model, schemas.Parent)}
        with self._container.transaction():
            for one in parents:
                if one.key not in known:
                    said = one.seen_from(self._container)
                    self._container.add_change("run", self._row, said)
                    known.add(one.key)

    @property
    def started(self) -> datetime | None:
        """When it began, UTC."""
        return moment(int(self._container.runs[self._row]["started"]))

    @property
    def ended(self) -> datetime | None:
        """When it ended, UTC; None while it runs."""
        return moment(int(self._container.runs[self._row]["ended"]))

    @property
    def outcome(self) -> str:
        """``running``, ``finished``, ``failed``, ``interrupted`` or ``abandoned``."""
        return OUTCOMES[int(self._container.runs[self._row]["outcome"])]

    @property
    def reason(self) -> str | None:
        """The traceback of a failed run."""
        models = self._container.changes("run", self._row)
        ends = [model for model in models if isinstance(model, schemas.RunEnd)]
        return ends[-1].reason if ends else None

    def use(self, path: str | Path, *, options: Mapping[str, Any] | None = None) -> Path:
        """Note that the run makes use of a file, or of a folder: with its size, time and digest it
        is known again. Returns the path, so that it can be opened at once.

        `options` is what the program does with it, by name. Raises FormatError for what cannot be
        read.
        """
        from archive.experiment.source_file import SourceFile

        with SourceFile(Path(path)) as file:
            used = schemas.Input(
                role="used",
                path=provenance.shown(file.path, self._container.privacy),
                size=file.size,
                digest=file.digest,
                modified=file.modified,
                options=values.to_schema_dict(options or {}, "options"),
                author=provenance.user(self._container.privacy),
                at=datetime.now(UTC),
            )
            file.check_unchanged()
        self._container.add_change("run", self._row, used)
        return Path(path)

    def note_generator(self, name: str, generator: Any) -> None:
        """Note the state that a generator of random numbers has now, and its seed, if it tells it:
        ``run.note_generator("weights", rng)``. The global ones of NumPy and `random`, and those of
        simulators, are noted without being asked for.

        Takes generators of NumPy and PyNN, and `random.Random`. They are stored as the run ends.
        Raises ContractError for others, Refused for a run that has ended or began elsewhere.
        """
        if self._capture is None or self.outcome != "running":
            raise Refused(
                f"the run {self.name!r} has ended, or began elsewhere",
                path=self._container.path,
                hint="note generators with the run that exp.run(...) returns, while it goes on",
            )
        redirection.restore_named(name, generator)
        self._capture.note_generator(name, generator)

    def _end(self, outcome: Outcome, reason: str | None) -> tuple[schemas.RunEnd, Records]:
        """How it ends now, and the records of its provenance if more is known than at its begin."""
        if reason is not None:  # tracebacks have paths
            reason = provenance.shown(reason, self._container.privacy)
        records = NO_RECORDS if self._capture is None else self._capture.completed()
        end = schemas.RunEnd(
            ended=datetime.now(UTC),
            outcome=outcome,
            reason=reason,
            provenance=next(iter(records), None),
        )
        return end, records
