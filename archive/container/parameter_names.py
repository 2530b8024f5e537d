"""The names of parameter sets: a table of its own, of which the newest row of a name counts."""

from __future__ import annotations

import numpy as np

import schemas
from archive.container import layout
from archive.container.container import Container
from archive.container.heaps import places
from archive.container.tables import table_of
from archive.errors import CorruptArchive


class ParameterNames:
    """What the sets of one archive are called. A name is that of one set for ever."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._undone = container.undone
        self._reset()

    def _reset(self) -> None:
        self._table = table_of(self._container.session, "parameter names")
        self._said: dict[str, list[schemas.ParameterName]] = {}
        self._read = 0

    def _all(self) -> dict[str, list[schemas.ParameterName]]:
        """All that was said of each name, the oldest first; read once, then what is added."""
        if self._undone != self._container.undone:
            self._undone = self._container.undone
            self._reset()
        if self._read < len(self._table):
            rows = self._table.read(self._read)
            documents = self._container.documents
            for document in documents.read_many(places(rows)):
                model = documents.load(document)
                if not isinstance(model, schemas.ParameterName):
                    raise CorruptArchive(
                        f"a document of a parameter name is that of a {model.kind}",
                        path=self._container.path,
                        hint="'neuroarchive check' lists what is damaged",
                    )
                self._said.setdefault(model.name, []).append(model)
            self._read += len(rows)
        return self._said

    def __len__(self) -> int:
        return len(self._all())

    def newest(self) -> dict[str, schemas.ParameterName]:
        """What was said last of each name, in the order in which they were first given."""
        return {name: said[-1] for name, said in self._all().items()}

    def get(self, name: str) -> schemas.ParameterName | None:
        """What was said last of a name; None if no set has it."""
        said = self._all().get(name)
        return said[-1] if said else None

    def history(self, name: str) -> list[schemas.ParameterName]:
        """All that was said of a name, the oldest first."""
        return list(self._all().get(name, ()))

    def add(self, model: schemas.ParameterName, parameters: schemas.ParameterSet | None) -> None:
        """Give a set a name; the set too is added, in the same transaction, unless it is there."""
        with self._container.transaction() as transaction:
            if parameters is not None:
                self._container.add_parameters(transaction, parameters)
            place = self._container.documents.write(transaction, model, b"")
            row = np.array([place], layout.TABLES["parameter names"])
            transaction.append(self._table, row)
