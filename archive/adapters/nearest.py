"""Values of foreign files as keyed values: each as it is, or as what is nearest, and that told."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

import schemas
from archive.adapters.keyed import written_at
from archive.adapters.models import model_of
from archive.adapters.pickle_units import BareQuantity, UnitStandIn
from archive.adapters.pickle_values import StandIn
from archive.entry import Entry, Loss
from archive.errors import ContractError, FormatError
from archive.values import quantity, to_schema

_LONGEST = 1024  # characters of a key
_DEPTH = 70  # somewhat more than the contract allows, so that it is what refuses
_LEAVES = frozenset((type(None), bool, int, float, complex, str, bytes, datetime))


class Keeping:
    """Makes keyed values of what one file holds; `losses` are what they could not carry."""

    def __init__(self, path: Path, losses: list[Loss], author: str | None = None) -> None:
        self.losses = losses
        self._path = path
        self._author = author
        self._at = written_at(path)
        self._told: set[tuple[str, str]] = set()

    def entry(self, key: str, value: Any, session: str | None = None) -> Entry:
        """A keyed value. Raises FormatError, naming the key, for what has no near value."""
        where = f"{session}/{key}" if session else key
        if not key:
            key = "empty key"
            self.lose(where or key, "key", "it was an empty text")
        elif len(key) > _LONGEST:
            self.lose(where, "key", f"of its {len(key)} characters the first ones are kept")
            digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).hexdigest()
            key = f"{key[: _LONGEST - 17]}-{digest}"
        plain = self.plain(value, where)
        try:
            kept = to_schema(plain, where)
        except ContractError as error:
            raise FormatError(
                error.message, path=self._path, entry=error.entry, hint=error.hint
            ) from error.__cause__
        try:
            model = model_of(
                schemas.KeyedValue,
                where,
                key=key,
                value=kept,
                session=session,
                author=self._author,
                at=self._at,
            )
        except FormatError as error:
            raise FormatError(error.message, path=self._path, entry=where[:200]) from error
        return Entry(model)

    def plain(self, value: Any, where: str) -> Any:
        """A value that the contract has, of one that it has not; what changed is a loss."""
        return self._plain(value, where, where, 0)

    def lose(self, where: str, field: str, reason: str) -> None:
        """Note a loss, once for each value."""
        where = where[:200]
        if (where, reason) not in self._told:
            self._told.add((where, reason))
            self.losses.append(Loss(where, field, reason))

    def _plain(self, value: Any, at: str, top: str, depth: int) -> Any:
        kind = type(value)
        if kind in _LEAVES:
            return value
        if depth > _DEPTH:
            raise FormatError(f"nested deeper than {_DEPTH}", path=self._path, entry=top[:200])
        if kind in (list, tuple, set, frozenset):
            if kind is tuple:
                self.lose(top, "value", "tuples became lists")
            elif kind is not list:
                self.lose(top, "value", "sets became sorted lists")
                value = sorted(value, key=lambda item: (type(item).__name__, repr(item)))
                if {type(item) for item in value} <= {int, float, bool}:
                    value.sort()
            return [self._plain(item, f"{at}[{i}]", top, depth + 1) for i, item in enumerate(value)]
        if isinstance(value, dict):
            return self._dict(value, at, top, depth)
        if isinstance(value, np.ndarray):
            return self._array(value, at, top, depth)
        if isinstance(value, (date, time, timedelta, bytearray, np.void)):
            return self._other(value, at, top, depth)
        if isinstance(value, UnitStandIn):
            try:
                return value.measured()
            except FormatError as error:
                raise FormatError(
                    error.message, path=self._path, entry=at[:200], hint=error.hint
                ) from error.__cause__
        if isinstance(value, BareQuantity):
            self.lose(top, "value", f"of a {value.kind} only values and unit are in the file")
            if value.uncertainty is not None:
                parts = {"value": value.value, "uncertainty": value.uncertainty}
                return self._dict(parts, at, top, depth)
            return self._plain(value.value, at, top, depth + 1)
        if isinstance(value, StandIn):
            raise FormatError(
                f"{value!r} cannot be kept inside another value",
                path=self._path,
                entry=at[:200],
                hint="keep it on its own, or in a dict at the top of the file",
            )
        return value

    def _dict(self, value: dict[Any, Any], at: str, top: str, depth: int) -> Any:
        keys = list(value)
        if not all(type(key) is str for key in keys):
            texts = [key if type(key) is str else repr(key) for key in keys]
            plain = {str, int, float, bool, type(None)}
            if {type(key) for key in keys} <= plain and len(set(texts)) == len(texts):
                self.lose(top, "value", "keys of a dict that were numbers became text")
                value = dict(zip(texts, value.values(), strict=True))
            else:
                self.lose(top, "value", "a dict with keys that are no text became a list of pairs")
                return self._plain([list(pair) for pair in value.items()], at, top, depth + 1)
        return {
            key: self._plain(item, f"{at}.{key}", top, depth + 1) for key, item in value.items()
        }

    def _array(self, value: Any, at: str, top: str, depth: int) -> Any:
        if value.dtype.kind == "O":
            if value.ndim == 0:
                return self._plain(value.item(), at, top, depth + 1)
            self.lose(top, "value", "arrays of objects became lists")
            return self._plain(value.tolist(), at, top, depth + 1)
        if value.dtype.names:
            self.lose(top, "value", "structured arrays became dicts of arrays")
            fields = {str(name): value[name] for name in value.dtype.names}
            return self._dict(fields, at, top, depth)
        return value

    def _other(self, value: Any, at: str, top: str, depth: int) -> Any:
        if isinstance(value, bytearray):
            self.lose(top, "value", "a bytearray became bytes")
            return bytes(value)
        if isinstance(value, timedelta):
            self.lose(top, "value", "a stretch of time became a number of seconds")
            return quantity(np.array(value.total_seconds()), "s")
        if isinstance(value, np.void):
            if not value.dtype.names:
                return value  # which the contract refuses by its name
            self.lose(top, "value", "structured arrays became dicts of arrays")
            fields = {str(name): value[name] for name in value.dtype.names}
            return self._dict(fields, at, top, depth)
        self.lose(top, "value", f"a {type(value).__name__} became text")
        return value.isoformat()
