"""What became of files that were to be imported."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from archive.entry import Loss
from archive.experiment.display import html_table

Outcome = Literal["imported", "skipped", "belongs", "unrecognised", "failed"]


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What became of one file.

    ``imported``: its runs are those named; ``skipped``: it was imported before, as these;
    ``belongs``: it is part of another file, which `reason` names; ``unrecognised``: no format is
    known to be its own; ``failed``: nothing of it is in the archive, for this reason.
    """

    path: Path
    outcome: Outcome
    format: str | None = None
    runs: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of all files, in their order."""

    files: tuple[ImportedFile, ...] = ()

    def _of(self, outcome: Outcome) -> tuple[ImportedFile, ...]:
        return tuple(one for one in self.files if one.outcome == outcome)

    @property
    def imported(self) -> tuple[ImportedFile, ...]:
        """The files that are in the archive now."""
        return self._of("imported")

    @property
    def skipped(self) -> tuple[ImportedFile, ...]:
        """The files that were there before."""
        return self._of("skipped")

    @property
    def unrecognised(self) -> tuple[ImportedFile, ...]:
        """The files of no known format."""
        return self._of("unrecognised")

    @property
    def failed(self) -> tuple[ImportedFile, ...]:
        """The files that could not be imported, with the reason of each."""
        return self._of("failed")

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What could not be carried of the files that were imported."""
        return tuple(loss for one in self.imported for loss in one.losses)

    def is_complete(self) -> bool:
        """Whether all files are in the archive."""
        return not (self.failed or self.unrecognised)

    def __repr__(self) -> str:
        counts = Counter(one.outcome for one in self.files)
        said = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        lines = [f"<ImportReport: {said or 'no files'}>"]
        lines += [f"{one.path}: {one.reason}" for one in (*self.failed, *self.unrecognised)]
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        rows = [(one.path, one.outcome, one.format or "", one.reason or "") for one in self.files]
        return html_table(f"{len(rows)} files", ["file", "", "format", "reason"], rows)
