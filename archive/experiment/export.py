"""From an archive, or from some of its segments, to another format."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import schemas
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError
from archive.experiment import redirection
from archive.experiment.annotated import Annotated
from archive.hooks.neo_ import to_neo_block
from archive.values import from_schema_dict


def export(
    source: Source,
    path: str | Path,
    format: str | None = None,
    *,
    runs: Iterable[Annotated] = (),
    strict: bool = False,
    **options: Any,
) -> list[Loss]:
    """Write a source through the adapter for `format`, or for the suffix of `path`; or, if the
    path ends with a ``/`` or is a folder, through the one that writes folders. Note it with the
    `runs` that it has something of, if their archive is open for writing.

    With `strict`, a loss is a FormatError; the file has been written by then.
    """
    from archive.adapters import writer_for
    from archive.experiment.exports import note_export

    target = redirection.export_path(Path(path))
    writer = writer_for(target, format, folder=is_folder(path))
    losses = writer.write(source, target, **options)
    note_export(runs, target, format or writer.name, options, losses)
    if losses and strict:
        raise FormatError(
            f"{len(losses)} losses: " + "; ".join(map(str, losses[:5])),
            path=target,
            hint="the file was written without these; leave out strict to accept that",
        )
    return losses


def is_folder(path: str | Path) -> bool:
    """Whether a path is that of a folder, there already or by its end."""
    return str(path).endswith(("/", os.sep)) or Path(path).is_dir()


class Exportable(ABC):
    """A Source that is written in another format by itself."""

    @abstractmethod
    def entry(self) -> Entry:
        """The experiment with what it has of it only: what makes it a Source."""

    def export(self, path: str | Path, format: str | None = None, **options: Any) -> list[Loss]:
        """Write it in another format; see `Experiment.export`."""
        return export(self, path, format, runs=self.exported_runs(), **options)

    @abstractmethod
    def exported_runs(self) -> Iterable[Annotated]:
        """The runs that it has something of."""

    def report(self, path: str | Path, **options: Any) -> list[Loss]:
        """Write a page for people to look at; see `Experiment.report`."""
        return self.export(path, "html", **options)

    def to_neo(self) -> Any:
        """A neo.Block with all of its segments, called as the run if it is one; reads everything
        into memory."""
        runs = [one for one in self.entry().parts if isinstance(one.model, schemas.Run)]
        if len(runs) == 1:
            return run_to_neo(runs[0])
        return to_neo_block(segment for run in runs for segment in _segments(run))


def run_to_neo(run: Entry) -> Any:
    """A neo.Block of a run, with its name, description and annotations."""
    model = run.model
    assert isinstance(model, schemas.Run)
    facts = from_schema_dict(model.annotations)
    return to_neo_block(
        _segments(run), name=model.name, description=model.description, annotations=facts
    )


def _segments(run: Entry) -> Iterator[Entry]:
    """What was recorded, without what was noted of it later."""
    for one in run.parts:
        if isinstance(one.model, schemas.Segment):
            kept = [part for part in one.parts if isinstance(part.model, schemas.Part)]
            yield Entry(one.model, parts=kept)
