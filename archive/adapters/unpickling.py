"""Pickles from strangers: plain values and arrays come out, and no code of the file is run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from archive.adapters.bounded import whole
from archive.adapters.pickle_machine import Limits, Machine
from archive.adapters.pickle_values import (
    CONSTRUCTORS,
    Constructor,
    Global,
    PendingArray,
    PendingDtype,
    StandIn,
)
from archive.errors import FormatError

__all__ = ["DAMAGE", "Constructor", "Global", "Limits", "StandIn", "unpickled", "unpickled_all"]

# What a damaged file may raise below; of each a FormatError is made.
DAMAGE = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, MemoryError)


def unpickled(
    source: bytes | Path,
    where: str | Path,
    *,
    allowed: Mapping[tuple[str, str], Constructor] | None = None,
    encoding: str = "ASCII",
    limits: Limits | None = None,
) -> Any:
    """The object in a pickle of protocol 0 to 5, `where` naming the file in errors.

    Made are None, bool, numbers, text, bytes, bytearray, list, tuple, set, frozenset, dict,
    OrderedDict and defaultdict (as dict), times of `datetime`, and NumPy's arrays, scalars and
    dtypes. `allowed` adds constructors by module and name: each is called with the arguments in
    the file, and gives a value or a `StandIn`, which then takes the state. `encoding` is that of
    the texts of Python 2: "latin1" for files with arrays, "bytes" to leave them undecoded.

    Raises FormatError, before anything is made of it, for every other name that the file asks
    for, for references to outside, for objects that contain themselves, and where the file is
    damaged or passes the limits.
    """
    return _made(source, where, allowed, encoding, limits or Limits(), False)[0]


def unpickled_all(
    source: bytes | Path,
    where: str | Path,
    *,
    allowed: Mapping[tuple[str, str], Constructor] | None = None,
    encoding: str = "ASCII",
    limits: Limits | None = None,
) -> list[Any]:
    """The objects of all pickles that follow one another, as ``pickle.dump`` appends them to one
    file; otherwise as `unpickled`, which reads the first alone."""
    return _made(source, where, allowed, encoding, limits or Limits(), True)


def _made(
    source: bytes | Path,
    where: str | Path,
    allowed: Mapping[tuple[str, str], Constructor] | None,
    encoding: str,
    limits: Limits,
    several: bool,
) -> list[Any]:
    values: list[Any] = []
    try:
        data = source if isinstance(source, bytes) else whole(source, limits.size)
        if len(data) > limits.size:
            raise FormatError(f"a pickle of more than {limits.size} bytes")
        machine = Machine(data, {**CONSTRUCTORS, **(allowed or {})}, limits, encoding)
        survey = _Survey(limits)
        while not values or (several and machine.position < len(data)):
            value = machine.run()
            leaves = 20 * machine.objects + 4 * len(data) + 100_000
            values.append(survey.checked(value, leaves))
        return values
    except FormatError as error:
        raise FormatError(error.message, path=where, hint=error.hint) from error.__cause__
    except DAMAGE as error:
        reason = f"{type(error).__name__}: {error}"
        raise FormatError(f"the pickle is damaged ({reason:.200})", path=where) from error


class _Survey:
    """Walks over what was made: how deep it is, and how large without the sharing of parts.

    A few instructions make a tree of 2**100 leaves, of which each list holds the next one twice;
    it is small until somebody walks over it.
    """

    def __init__(self, limits: Limits) -> None:
        self._depth = limits.depth
        self._leaves = 0
        self._before = 0  # leaves of the values that were checked
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()

    def checked(self, value: Any, leaves: int) -> Any:
        """The value, if all that is in it may leave this module, and all values so far have no
        more than so many leaves. Raises FormatError. It must stay alive: it is known by its id."""
        self._leaves = leaves - self._before
        self._before += self._size(value, 0)
        return value

    def _size(self, value: Any, depth: int) -> int:
        if isinstance(value, np.ndarray):
            return self._array(value, depth)
        if isinstance(value, (PendingArray, PendingDtype)):
            raise FormatError("the pickle has an array without its state")
        if isinstance(value, StandIn):
            parts = [value.args, value.kwargs, value.state, value.items, value.pairs]
            return self._container(value, parts, depth)
        if isinstance(value, dict):
            return self._container(value, [*value.values(), *value], depth)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._container(value, value, depth)
        if isinstance(value, Global):
            raise FormatError(f"the pickle has the class or function {value!r} as a value")
        if isinstance(value, (str, bytes, bytearray)):
            return 1 + len(value) // 8
        return 1

    def _array(self, value: np.ndarray[Any, Any], depth: int) -> int:
        if not value.dtype.hasobject:
            return 1 + value.nbytes // 8
        return self._container(value, value.ravel(order="K"), depth)

    def _container(self, value: Any, items: Any, depth: int) -> int:
        known = self._sizes.get(id(value))
        if known is not None:
            return known
        if id(value) in self._open:
            raise FormatError("the pickle has an object that contains itself")
        if depth >= self._depth:
            raise FormatError(f"the pickle is nested deeper than {self._depth}")
        size = 1 + len(items)
        # Lists of numbers, of which there are millions, need no walk.
        if not set(map(type, items)) <= {float, int, bool}:
            self._open.add(id(value))
            size = 1
            for item in items:
                size += self._size(item, depth + 1)
            self._open.remove(id(value))
        if size > self._leaves:
            raise FormatError("the pickle is far larger unfolded than the file is")
        self._sizes[id(value)] = size
        return size
