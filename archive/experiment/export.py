"""From an archive, or from some of its segments, to another format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from archive.adapters import writer_for
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError


def export(
    source: Source,
    path: str | Path,
    format: str | None = None,
    *,
    strict: bool = False,
    **options: Any,
) -> list[Loss]:
    """Write a source through the adapter for `format`, or for the suffix of `path`.

    With `strict`, a loss is a FormatError; the file has been written by then.
    """
    target = Path(path)
    losses = writer_for(target, format).write(source, target, **options)
    if losses and strict:
        raise FormatError(
            f"{len(losses)} losses: " + "; ".join(map(str, losses[:5])),
            path=target,
            hint="the file was written without these; leave out strict to accept that",
        )
    return losses


class Exportable(ABC):
    """A Source that is written in another format by itself."""

    @abstractmethod
    def entry(self) -> Entry:
        """The experiment with what it has of it only: what makes it a Source."""

    def export(self, path: str | Path, format: str | None = None, **options: Any) -> list[Loss]:
        """Write it in another format; see `Experiment.export`."""
        return export(self, path, format, **options)
