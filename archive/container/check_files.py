"""Whether the files that runs were made by are still what they were. None of it is damage."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

import schemas
from archive.container.check_report import Gone

# Files of more bytes are read only where everything is.
_SHORT: Final = 1 << 24
_STEP: Final = 1 << 22
At = Callable[[str], object]


class _File(NamedTuple):
    what: str
    path: str
    size: int | None  # None: it is not known
    digest: str


class RecordedFiles:
    """Gathered while records and runs are looked at; each different file is kept once, however
    many runs it was recorded of."""

    def __init__(self) -> None:
        self._codes: dict[str, schemas.Code] = {}
        self._processes: dict[str, schemas.Provenance] = {}
        self._runs: dict[str, int] = {}  # the first run in each process
        self._inputs: dict[_File, tuple[int, str | None]] = {}  # its first run and that's process

    def see_record(self, digest: str, model: schemas.Model) -> None:
        """A record of provenance."""
        if isinstance(model, schemas.Code):
            self._codes[digest] = model
        elif isinstance(model, schemas.Provenance):
            self._processes[digest] = model

    def see_run(self, row: int, run: schemas.Run, changes: Iterable[schemas.Model]) -> None:
        """A run, and what was said of it later."""
        if run.provenance is not None:
            self._runs.setdefault(run.provenance, row)
        for change in changes:
            if isinstance(change, schemas.RunEnd) and change.provenance is not None:
                self._runs.setdefault(change.provenance, row)
            elif isinstance(change, schemas.Input):
                own = _File("input", change.path, change.size, change.digest)
                others = [_File("input", path, None, one) for path, one in change.others.items()]
                for file in (own, *others):
                    self._inputs.setdefault(file, (row, run.provenance))

    def __len__(self) -> int:
        """How many different files were recorded."""
        return len(self._files())

    def gone(self, *, deep: bool, at: At) -> list[Gone]:
        """The files that are not there, or are others now. Inputs and long ones are read with
        `deep` only, and else told by their size."""
        found: list[Gone] = []
        known: dict[str, _Now] = {}
        for file, (run, process) in sorted(self._files().items(), key=lambda one: one[1][0]):
            if not _may_be_looked_for(file.path):
                continue
            if (now := known.get(file.path)) is None:
                at(f"the {file.what} {len(known)}")
                now = known[file.path] = _Now(file.path)
            why = now.differs(file, deep=deep)
            if why is not None:
                record = self._processes.get(process or "")
                found.append(Gone(file.what, file.path, why, run, record.host if record else None))
        return found

    def _files(self) -> dict[_File, tuple[int, str | None]]:
        files: dict[_File, tuple[int, str | None]] = {}
        for digest, row in self._runs.items():
            process = self._processes.get(digest)
            code = self._codes.get((process and process.code) or "")
            if code is None:
                continue
            root = (code.repository and code.repository.root) or ""
            sources = [("script", code.script)] if code.script else []
            for what, one in (*sources, *(("module", one) for one in code.modules.values())):
                path = os.path.join(root, one.path)  # noqa: PTH118  which leaves texts as they are
                files.setdefault(_File(what, path, one.size, one.digest), (row, digest))
        return files | {file: run for file, run in self._inputs.items() if file not in files}


def _may_be_looked_for(path: str) -> bool:
    """Not a path that is relative to who knows what; nor one of another machine, which Windows
    would tell the account of who asks."""
    if "\0" in path or not os.path.isabs(path):  # noqa: PTH117
        return False
    return not path.replace("/", "\\").startswith("\\\\")


class _Now:
    """A file as it is now; what is asked of it is found out once."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._digest: str | None = None
        self.fault: str | None = None
        self.size = 0
        try:
            found = self._path.stat()
        except (OSError, ValueError):
            self.fault = "it is not there"
            return
        self.size = found.st_size
        if not stat.S_ISREG(found.st_mode):
            self.fault = "it is no file any more"

    def differs(self, file: _File, *, deep: bool) -> str | None:
        """In what it is not what was recorded, as far as that is looked at."""
        if self.fault is not None:
            return self.fault
        if file.size is not None and file.size != self.size:
            return f"it has {self.size} bytes, and had {file.size}"
        if not deep and (self.size > _SHORT or file.what == "input"):
            return None
        try:
            if self._digest is None:
                with self._path.open("rb") as content:
                    state = hashlib.sha256()
                    while piece := content.read(_STEP):
                        state.update(piece)
                self._digest = state.hexdigest()
        except OSError:
            return "it cannot be read"
        return None if self._digest == file.digest else "what is in it has changed"
