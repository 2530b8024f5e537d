"""The process that a run is in, and the records of what it depends on."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import schemas
from archive.provenance import code, generators, machine
from archive.provenance.capturing import Records
from archive.provenance.concealing import safe_arguments
from archive.provenance.mpi import rank_and_size
from archive.provenance.privacy import Privacy, host, shown, user
from archive.provenance.repository import AT_BEGIN, AT_END
from archive.provenance.simulators import seeds
from archive.provenance.surroundings import environment


class Capture:
    """What is found out of the process that a run is in, as the run begins and as it ends."""

    def __init__(self, privacy: Privacy, *, kept: bool = True) -> None:
        """`kept`: the records of the begin are kept with the run; else those of the end are,
        whatever they are."""
        self._privacy = privacy
        self._kept = kept
        self._named: dict[str, schemas.Generator] = {}
        self._named_seeds: dict[str, schemas.Value] = {}
        self._failed = False
        try:
            self._look()
        except Exception as error:  # whatever is strange there, the simulation goes on
            self._failed = True
            nothing = schemas.Provenance(
                captured=datetime.now(UTC),
                privacy=privacy,
                missing={"provenance": ascii(f"{type(error).__name__}: {error}")},
            )
            self.records: Records = {schemas.digest(nothing): nothing}

    def _look(self) -> None:
        self._asked = code.ask()  # first: git works while the rest is looked at
        until = time.monotonic() + AT_BEGIN
        self._random = generators.python_state()
        numpy = generators.numpy_state()
        self._generators = {} if numpy is None else {"numpy": generators.of_numpy(numpy)}
        self._process = self._begun()
        self.records = self._records(self._process, max(0.0, until - time.monotonic()))

    def note_generator(self, name: str, generator: Any) -> None:
        """Keep the state that a generator has now. Raises ContractError for what has none."""
        state, seed = generators.named(name, generator)
        self._named[name] = state
        if seed is not None:
            self._named_seeds[name] = seed

    def completed(self) -> Records:
        """The records at the end of the run, if more is known by then; else none."""
        with contextlib.suppress(Exception):  # what was found at the begin remains
            if not self._failed:
                return self._completed()
        return {} if self._kept else self.records

    def _completed(self) -> Records:
        if generators.python_state() != self._random:
            self._generators["random"] = generators.of_python(self._random)
        self._generators |= self._named
        told = {**self._process.seeds, **seeds(), **self._named_seeds}
        process = self._process.model_copy(update={"seeds": told})
        records = self._records(process, AT_END)
        same = next(iter(records)) == next(iter(self.records))
        return {} if same and self._kept else records

    def _begun(self) -> schemas.Provenance:
        rank, ranks = rank_and_size()
        missing = {}
        try:
            folder = shown(Path.cwd(), self._privacy)
        except OSError as error:
            folder = None
            missing["working_directory"] = str(error.strerror)
        arguments = sys.argv if sys.argv[:1] != ["-c"] else ["-c", *sys.argv[1:]]
        return schemas.Provenance(
            captured=datetime.now(UTC),
            process=os.getpid(),
            argv=tuple(shown(one, self._privacy) for one in safe_arguments(arguments)),
            working_directory=folder,
            host=host(self._privacy),
            user=user(self._privacy),
            rank=rank,
            ranks=ranks,
            job=machine.job(self._privacy),
            privacy=self._privacy,
            seeds=seeds(),
            missing=missing,
        )

    def _records(self, process: schemas.Provenance, seconds: float) -> Records:
        around, missing = _environment(self._privacy)
        drawn = {whose: (schemas.digest(one), one) for whose, one in self._generators.items()}
        program = code.record(self._asked, seconds, self._privacy)
        process = process.model_copy(
            update={
                "environment": around[0],
                "code": program.digest,
                "generators": {whose: digest for whose, (digest, _) in drawn.items()},
                "missing": {**process.missing, **missing},
            }
        )
        records: dict[str, schemas.Model] = {schemas.digest(process): process}
        return {
            **records,
            around[0]: around[1],
            program.digest: program.model,
            **dict(drawn.values()),
        }


_last: tuple[str, schemas.Environment] | None = None


def _environment(privacy: Privacy) -> tuple[tuple[str, schemas.Environment], dict[str, str]]:
    """The environment with its digest, which is computed once while it does not change."""
    global _last
    around, missing = environment(privacy)
    last = _last
    if last is None or last[1] != around:
        _last = last = schemas.digest(around), around
    return last, missing
