"""Values under keys as a dict, wherever they lie."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, MutableMapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import schemas
from archive import provenance, values
from archive.container import KeyedValues
from archive.container.keyed import ITSELF
from archive.experiment.naming import not_found
from archive.hooks.plain import modelled


class KeyedMapping(MutableMapping[str, Any]):
    """A dict whose keys are text, and whose values are all that an annotation can have: None,
    numbers, text, bytes, datetimes, quantities, arrays, lists and dicts of these.

    A value comes back equal in type, dtype and unit (tuples as lists). Setting one is permanent
    when it returns. Raises NotFound for a key that is not there, ContractError for what cannot be
    kept.
    """

    @abstractmethod
    def _keyed(self) -> AbstractContextManager[KeyedValues]:
        """The values, for one operation."""

    def __getitem__(self, key: str) -> Any:
        with self._keyed() as keyed:
            model = keyed.model((key, ITSELF))
            if model is None:
                raise not_found("value", key, own_keys(keyed))
            return values.from_schema(model.value)

    def __setitem__(self, key: str, value: Any) -> None:
        where = f"key {key!r:.60}"
        kept = values.to_schema(value, f"value of {key!r:.60}")
        model = modelled(schemas.KeyedValue, where, key=key, value=kept, at=datetime.now(UTC))
        with self._keyed() as keyed:
            keyed.set(model.model_copy(update={"author": provenance.user(keyed.privacy)}))

    def __delitem__(self, key: str) -> None:
        with self._keyed() as keyed:
            if (key, ITSELF) not in keyed:
                raise not_found("value", key, own_keys(keyed))
            keyed.remove(key)

    def __contains__(self, key: object) -> bool:
        with self._keyed() as keyed:
            return isinstance(key, str) and (key, ITSELF) in keyed

    def __iter__(self) -> Iterator[str]:
        with self._keyed() as keyed:
            keys = own_keys(keyed)
        return iter(keys)

    def __len__(self) -> int:
        with self._keyed() as keyed:
            return len(own_keys(keyed))


def own_keys(keyed: KeyedValues) -> list[str]:
    """The keys that the archive itself has values of."""
    return [key for key, session in keyed.slots() if session == ITSELF]
