"""That a file was made of runs: noted with each of them, where the archive can be written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import schemas
from archive import provenance, values
from archive.adapters.listing import owner
from archive.container import Container
from archive.entry import Loss
from archive.errors import ContractError
from archive.experiment.annotated import Annotated
from archive.experiment.import_labels import losses_by_run
from archive.experiment.source_file import file_digest


def note_export(
    runs: Iterable[Annotated],
    path: Path,
    format: str,
    options: Mapping[str, Any],
    losses: Sequence[Loss],
) -> None:
    """Note it with those of the runs whose archive is open for writing, all or none of one
    archive. With each run stand the losses of it, and with the first those of no run."""
    by_container: dict[int, list[Annotated]] = {}
    for run in runs:
        if run._container.session.writable:
            by_container.setdefault(id(run._container), []).append(run)
    if not by_container:
        return  # nothing is read for nothing
    for own in by_container.values():
        said = _record(path, format, options, own[0]._container.privacy)
        _note(own[0]._container, own, said, losses)


def _note(
    container: Container, runs: Sequence[Annotated], said: schemas.Exported, losses: Sequence[Loss]
) -> None:
    own = losses_by_run(losses, [run.name for run in runs])
    with container.transaction():
        for run, lost in zip(runs, own, strict=True):
            container.add_change("run", run._row, said.model_copy(update={"losses": lost}))


def _record(
    path: Path, format: str, options: Mapping[str, Any], privacy: provenance.Privacy
) -> schemas.Exported:
    package, version = owner(format)
    target = path.absolute()
    return schemas.Exported(
        path=provenance.shown(target, privacy),
        format=format,
        package=package,
        version=version or None,
        size=_size(target),
        digest=file_digest(target) if target.is_file() else None,
        options={str(name): _option(value) for name, value in options.items()},
        author=provenance.user(privacy),
        at=datetime.now(UTC),
    )


def _size(path: Path) -> int | None:
    """Bytes of the file, or of all files in the folder; None where the adapter put it elsewhere."""
    if path.is_dir():
        return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())
    return path.stat().st_size if path.is_file() else None


def _option(value: Any) -> schemas.Value:
    """An option as it can be kept; else its text: what was written is written by now."""
    try:
        return values.to_schema_dict({"option": value}, "options")["option"]
    except ContractError:
        return repr(value)[:1000]
