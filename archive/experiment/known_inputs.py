"""Which files an archive has imported already: by digest, format and options."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import schemas
from archive.container import Container
from archive.container.lineage_records import inputs_of

# What makes two imports the same: digest of the file, those of what belongs to it, format, options.
Key = tuple[str, str, str]
_ANY_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


def key_of(model: schemas.Input) -> Key:
    """What an import is known by."""
    others = ",".join(sorted(model.others.values()))
    return f"{model.digest},{others}", model.format or "", _text(model.options)


def _text(options: Mapping[str, schemas.Value]) -> str:
    if not options:
        return ""
    ordered = schemas.KeyedValue(key="options", value=dict(sorted(options.items())), at=_ANY_MOMENT)
    return hashlib.sha256(schemas.to_json(schemas.dump(ordered))).hexdigest()


class KnownInputs:
    """The files that one archive has; read once, and then told of each that is added."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._undone = -1
        self._runs: dict[Key, list[str]] = {}
        self._sizes: set[int] = set()

    def _read(self) -> None:
        if self._undone == self._container.undone:
            return
        self._runs, self._sizes = {}, set()
        for row, model in inputs_of(self._container):
            if model.role == "imported":
                name = self._container.runs.document(row)["name"]
                self.add(model, [name])
        self._undone = self._container.undone

    def has_size(self, size: int) -> bool:
        """Whether a file of so many bytes was imported: one of any other size is new."""
        self._read()
        return size in self._sizes

    def runs(self, model: schemas.Input) -> list[str]:
        """The runs that an import of the same file has made; empty if there was none."""
        self._read()
        return self._runs.get(key_of(model), [])

    def add(self, model: schemas.Input, runs: Iterable[str]) -> None:
        """One that is in the archive now."""
        self._sizes.add(model.size)
        self._runs.setdefault(key_of(model), []).extend(runs)

    def failed_alone(self) -> None:
        """A transaction has failed that added nothing to what is known here."""
        self._undone = self._container.undone
