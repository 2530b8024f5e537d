"""What a check of an archive gives back."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: of what, what it is, and what that means."""

    name: str
    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a check has found, and how much it has seen."""

    findings: tuple[Finding, ...]
    runs: int
    segments: int
    snapshots: int = 0

    def is_valid(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def damaged_runs(self) -> list[int]:
        """The runs of which something was found; of their segments this says nothing."""
        return self._named("run")

    @property
    def damaged_segments(self) -> list[int]:
        """The segments of which, or of whose parts, something was found."""
        return self._named("segment")

    @property
    def damaged_snapshots(self) -> list[int]:
        """The snapshots of which, or of whose arrays, something was found."""
        return self._named("snapshot")

    def _named(self, what: str) -> list[int]:
        names = (re.match(rf"{what} (\d+)", found.name) for found in self.findings)
        return sorted({int(name[1]) for name in names if name})
