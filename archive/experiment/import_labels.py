"""What files are called as runs, and what is said of each of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from archive.entry import Loss
from archive.errors import ArchiveError

LossFacts = tuple[tuple[str, str, str], ...]

# A record names so many losses; of more, it says how many.
LOSSES_KEPT = 1000
PACKED = (".gz", ".bz2", ".xz")
_FORBIDDEN = re.compile(r"[/\x00-\x1f\x7f\ud800-\udfff]")


def legal(text: str) -> str:
    """The text as the name of a run can be; empty if nothing is left of it."""
    return _FORBIDDEN.sub("_", text)[:200].strip()


def label_of(path: Path) -> str:
    """What a file is called: its name without the suffix, and without that of a packed file."""
    stem = Path(path.stem).stem if path.suffix.lower() in PACKED else path.stem
    return legal(stem) or "file"


def losses_by_run(losses: Sequence[Loss], names: Sequence[str]) -> list[LossFacts]:
    """What is kept of losses with each run of a file: its own; with the first also those that are
    of no run."""
    own: dict[str, list[Loss]] = {name: [] for name in names}
    first = names[0]
    for loss in losses:
        run = loss.entry.partition("/")[0]
        own[run if run in own else first].append(loss)
    return [_facts(own.pop(name, [])) for name in names]


def _facts(losses: Sequence[Loss]) -> LossFacts:
    kept = [
        (_said(loss.entry), _said(loss.field), _said(loss.reason)) for loss in losses[:LOSSES_KEPT]
    ]
    if len(losses) > LOSSES_KEPT:
        kept.append(("", "losses", f"{len(losses) - LOSSES_KEPT} more were found"))
    return tuple(kept)


def _said(text: str) -> str:
    """The text as a document can hold it: it may name a file, whose name need not be Unicode."""
    return text.encode(errors="backslashreplace").decode()


def reason_of(error: ArchiveError, path: Path) -> str:
    """Why a file failed, in one line, the path left out."""
    entry = f"{error.entry}: " if error.entry else ""
    hint = f" ({error.hint})" if error.hint else ""
    return " ".join(f"{entry}{error.message}{hint}".replace(f"{path}: ", "").split())
