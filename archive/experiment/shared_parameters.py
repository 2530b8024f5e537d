"""The parameter sets of an archive that many processes write to, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import schemas
from archive.errors import NotFound
from archive.experiment.parameter_set import Parameters, ParameterSet
from archive.experiment.parameter_sets import ParameterSets

Opened = Callable[[], AbstractContextManager[ParameterSets]]


class SharedParameters:
    """The parameter sets of a locking session: open for the moment of each operation.

    As `ParameterSets`, but for what it returns: these sets hold their values and belong to no
    archive, so they have no names and no runs. Of two processes that save different sets under
    one name, the second gets AlreadyExists.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened

    def __getitem__(self, key: str) -> ParameterSet:
        """By name or digest; see `ParameterSets`. Raises NotFound."""
        with self._opened() as sets:
            return _alone(sets[key])

    def get(self, key: str, default: Any = None) -> ParameterSet | Any:
        """By name or digest; `default` if there is none."""
        try:
            return self[key]
        except NotFound:
            return default

    def __contains__(self, key: object) -> bool:
        """Whether there is a set of that name or digest, or with these values."""
        with self._opened() as sets:
            return key in sets

    def __iter__(self) -> Iterator[ParameterSet]:
        with self._opened() as sets:
            found = [_alone(one) for one in sets]
        return iter(found)

    def __len__(self) -> int:
        with self._opened() as sets:
            return len(sets)

    def __bool__(self) -> bool:
        return True

    @property
    def names(self) -> list[str]:
        """All names of sets, in the order in which they were given."""
        with self._opened() as sets:
            return sets.names

    def history(self, name: str) -> list[schemas.ParameterName]:
        """See `ParameterSets.history`."""
        with self._opened() as sets:
            return sets.history(name)

    def save(
        self, name: str, parameters: Parameters, description: str | None = None
    ) -> ParameterSet:
        """See `ParameterSets.save`."""
        with self._opened() as sets:
            return _alone(sets.save(name, parameters, description))

    def load(
        self, path: str | os.PathLike[str], name: str | None = None, **how: Any
    ) -> ParameterSet:
        """See `ParameterSets.load`."""
        with self._opened() as sets:
            return _alone(sets.load(path, name, **how))

    def capture(self, network: Any, name: str, description: str | None = None) -> ParameterSet:
        """See `ParameterSets.capture`."""
        with self._opened() as sets:
            return _alone(sets.capture(network, name, description))

    def missing(
        self,
        grid: Mapping[str, Any] | Iterable[Mapping[str, Any]],
        base: Parameters | None = None,
    ) -> list[dict[str, Any]]:
        """See `ParameterSets.missing`: a point that another process is just running is missing."""
        with self._opened() as sets:
            return sets.missing(grid, base)

    def __repr__(self) -> str:
        with self._opened() as sets:
            return repr(sets)


def _alone(found: ParameterSet) -> ParameterSet:
    """The set without the archive, which is closed when it is used."""
    return ParameterSet(found.model, found.digest)
