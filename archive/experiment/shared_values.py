"""Values under keys, read across an archive and all of its parts."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

import schemas
from archive import values
from archive.container import Container, KeyedValues
from archive.errors import ContractError
from archive.experiment.parts import part_paths

Match = str | Callable[[str], bool]


class SharedValues:
    """What sessions keep under keys, by key and session.

    A session is called by the name of its part; the archive itself by the name of its file. What
    was merged keeps the name of its session. `match` is the beginning of keys, or says of a key
    whether it is wanted.
    """

    @property
    @abstractmethod
    def path(self) -> Path: ...

    @abstractmethod
    def _archives(self) -> AbstractContextManager[Mapping[str, Container]]:
        """The archive and its parts by name, open for reading; that of the archive is empty."""

    def get(self, key: str) -> dict[str, Any]:
        """The values of a key, by session; empty if no session has one."""
        return {session: value for session, _, value in self._found(lambda one: one == key)}

    def get_merged(self, key: str) -> Any:
        """The values of a key, each a list or an array, one behind the other.

        Arrays are joined along their first axis, quantities in the unit of the first. Raises
        ContractError if they are neither all lists nor all arrays.
        """
        return merged(key, list(self.get(key).values()))

    def get_matching(self, match: Match) -> dict[str, dict[str, Any]]:
        """What `get` gives, for all keys that match."""
        found: dict[str, dict[str, Any]] = {}
        for session, key, value in self._found(match):
            found.setdefault(key, {})[session] = value
        return found

    def get_merged_matching(self, match: Match) -> Any:
        """Like `get_merged`, for all keys that match together."""
        return merged(f"{match}", self.get_flat_matching(match))

    def get_flat_matching(self, match: Match) -> list[Any]:
        """All values of all sessions and all keys that match."""
        return [value for _, _, value in self._found(match)]

    def items(self) -> Iterator[tuple[str, Any]]:
        """All keys and values of all sessions, each value read when it is its turn."""
        for _, key, value in self._found(lambda key: True):
            yield key, value

    def values(self) -> Iterator[Any]:
        """All values of all sessions, each read when it is its turn."""
        for _, _, value in self._found(lambda key: True):
            yield value

    def keys(self) -> list[str]:
        """All keys, each once; no value is read."""
        with self._archives() as archives:
            slots = [key for one in archives.values() for key, _ in KeyedValues(one).slots()]
        return list(dict.fromkeys(slots))

    def itemcount(self) -> int:
        """How many values all sessions have together; none is read."""
        with self._archives() as archives:
            return sum(len(KeyedValues(one)) for one in archives.values())

    def make_unique_key(self) -> str:
        """A key that nobody else has."""
        return uuid.uuid4().hex

    def session_filenames(self) -> list[str]:
        """The files: of the archive, and of all parts beside it."""
        return [str(self.path), *map(str, part_paths(self.path).values())]

    def _found(self, match: Match) -> Iterator[tuple[str, str, Any]]:
        """Session, key and value, where the key matches."""
        for model in self._models(match):
            yield model.session or self.path.name, model.key, values.from_schema(model.value)

    def _models(self, match: Match) -> Iterator[schemas.KeyedValue]:
        """The model of each value whose key matches, with the name of its session."""
        wanted = match if callable(match) else lambda key: key.startswith(match)
        with self._archives() as archives:
            for part, one in archives.items():
                keyed = KeyedValues(one)
                for slot in keyed.slots():
                    model = keyed.model(slot) if wanted(slot[0]) else None
                    if model is not None:
                        own = model.session or part or None
                        yield model.model_copy(update={"session": own})


def merged(what: str, found: Sequence[Any]) -> Any:
    """Lists or arrays one behind the other; an empty list of none."""
    if all(isinstance(value, list) for value in found):
        return [item for value in found for item in value]
    try:
        if all(isinstance(value, np.ndarray) and value.ndim for value in found):
            unit = getattr(found[0], "units", None)
            if unit is None:
                return np.concatenate(found)
            return np.concatenate([value.rescale(unit).magnitude for value in found]) * unit
    except (ValueError, AttributeError) as error:
        raise ContractError(f"the values do not fit together ({error})", entry=what) from error
    kinds = ", ".join(sorted({type(value).__name__ for value in found}))
    raise ContractError(
        f"only lists or arrays can be put one behind the other, not {kinds}",
        entry=what,
        hint="get and get_matching give the values one by one",
    )
