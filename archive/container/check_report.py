"""What a check of an archive gives back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong: of what, what it is, and what that means."""

    name: str
    what: str
    hint: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that runs were made by, and that is not there any more, or is another one now."""

    what: str
    """'script', 'module' or 'input'."""
    path: str
    why: str
    run: int
    """The first run that it was recorded of."""
    host: str | None = None
    """The computer on which it was recorded, if that is told."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature, and what is to be said of it. All text in it is the signer's own."""

    signer: str | None
    """Who signed, as they say themselves."""
    principal: str | None
    """Who, by the file of allowed signers, has the key."""
    key: str
    """Fingerprint of the public key."""
    at: str
    good: bool | None
    """Whether it is one of what it covers; None where that could not be verified."""
    why: str
    documents: int
    """It covers so many documents, runs and segments, from the first on."""
    runs: int
    segments: int
    later: int
    """So many documents came after it, its own included, and are not covered."""
    with_data: bool
    """Whether the arrays were compared too, and not the documents and rows alone."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a check has found, and how much it has seen. What is gone outside of the archive is no
    damage."""

    findings: tuple[Finding, ...]
    runs: int
    segments: int
    snapshots: int = 0
    signatures: tuple[Signed, ...] = ()
    gone: tuple[Gone, ...] = ()
    """What is not as recorded, where recorded files were looked for."""
    files: int = 0
    """So many different files were recorded."""

    @classmethod
    def from_said(cls, said: Mapping[str, Any]) -> Report:
        """The report of which `dataclasses.asdict` made that."""
        lists = {"findings": Finding, "signatures": Signed, "gone": Gone}
        found = {name: tuple(kind(**one) for one in said[name]) for name, kind in lists.items()}
        return cls(**{**said, **found})

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
