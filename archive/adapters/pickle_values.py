"""What a pickle may make: NumPy's arrays and the plain values of Python, each by a constructor
of ours.

NumPy's own ``__setstate__`` believes what it is told: a dtype can be given flags that make of
bytes pointers. Here dtypes are made from their text, and arrays from bytes of exactly their size.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError

Constructor = Callable[..., object]

_DTYPE = re.compile(r"[<>|=]?(b1|[iu][1248]|f[248]|c8|c16|f16|c32|[SUV]\d{1,9}|O[48]?|[Mm]8)")
_ORDERS: tuple[Literal["<", ">", "=", "|"], ...] = ("<", ">", "=", "|")
_AXES = 32
_EMPTY_ITEMS = 1 << 20  # elements of no bytes that an array may claim


class Global:
    """A name that a pickle mentions, and the constructor that stands for it."""

    __slots__ = ("constructor", "module", "name")

    def __init__(self, module: str, name: str, constructor: Constructor) -> None:
        self.module, self.name, self.constructor = module, name, constructor

    def __repr__(self) -> str:
        return f"{self.module}.{self.name}"


class StandIn:
    """An object of a class that is not loaded: `args` and `kwargs` of its making, the `state`
    that it was given, the `items` that were appended and the `pairs` that were set.

    A subclass may take them otherwise; what it does is done with values from a file. One that is
    a key of dicts has `is_key`; its hash must be that of objects.
    """

    is_key: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args, self.kwargs = args, kwargs
        self.state: Any = None
        self.items: list[Any] = []
        self.pairs: list[tuple[Any, Any]] = []

    def build(self, state: Any) -> object:
        """Take the state; what is returned takes the place of this object."""
        self.state = state
        return self


class PendingDtype(StandIn):
    """A dtype before its state, which has the byte order and the fields."""

    def __init__(self, text: Any, align: Any = False, copy: Any = True) -> None:
        super().__init__(text)
        self.dtype = _plain_dtype(text)

    def build(self, state: Any) -> object:
        if not (isinstance(state, tuple) and len(state) >= 7):
            raise FormatError("a dtype has no sound state")
        order, within, names, fields, itemsize = state[1:6]
        dtype = self.dtype
        if within is not None:
            raise FormatError("a dtype of arrays is not read")
        if dtype.kind in "Mm":
            return _time_dtype(dtype, state).newbyteorder(_byte_order(order))
        if names is not None:
            return _structure(names, fields, itemsize)
        return dtype.newbyteorder(_byte_order(order))


class PendingArray(StandIn):
    """An array before its state, which has shape, dtype and bytes."""

    def build(self, state: Any) -> object:
        if not (isinstance(state, tuple) and len(state) == 5):
            raise FormatError("an array has no sound state")
        _, shape, dtype, fortran, data = state
        return array(data, dtype, shape, "F" if fortran else "C")


def _byte_order(order: Any) -> Literal["<", ">", "=", "|"]:
    for known in _ORDERS:
        if order == known:
            return known
    raise FormatError("a dtype has no sound byte order")


def _plain_dtype(text: Any) -> np.dtype[Any]:
    if isinstance(text, bytes):
        text = text.decode("latin1")
    if not (isinstance(text, str) and _DTYPE.fullmatch(text)):
        raise FormatError(f"the dtype {text!r:.60} is not read")
    return np.dtype(text)


def _time_dtype(dtype: np.dtype[Any], state: tuple[Any, ...]) -> np.dtype[Any]:
    about = state[8] if len(state) > 8 else None
    unit = about[1] if isinstance(about, tuple) and len(about) == 2 else None
    if not (isinstance(unit, tuple) and len(unit) >= 2 and isinstance(unit[1], int)):
        raise FormatError("a dtype of times has no unit")
    name = unit[0].decode("ascii") if isinstance(unit[0], bytes) else unit[0]
    if name not in ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"):
        raise FormatError("a dtype of times has no known unit")
    if not 0 < unit[1] < 2**31:
        raise FormatError("a dtype of times has no known unit")
    return np.dtype(f"{dtype.kind}8[{unit[1]}{name}]")


def _structure(names: Any, fields: Any, itemsize: Any) -> np.dtype[Any]:
    if not (isinstance(names, tuple) and isinstance(fields, dict) and isinstance(itemsize, int)):
        raise FormatError("a structured dtype has no sound state")
    formats, offsets = [], []
    for name in names:
        field = fields.get(name)
        if not (isinstance(field, tuple) and len(field) >= 2):
            raise FormatError("a structured dtype has no sound fields")
        inner = _dtype(field[0])
        if inner.hasobject:
            raise FormatError("a structured dtype with objects is not read")
        formats.append(inner)
        offsets.append(int(field[1]))
    return np.dtype(
        {"names": list(names), "formats": formats, "offsets": offsets, "itemsize": itemsize}
    )


def _dtype(given: Any) -> np.dtype[Any]:
    if isinstance(given, np.dtype):
        return given
    if isinstance(given, PendingDtype):
        return given.dtype
    raise FormatError("an array has no sound dtype")


def bytes_of(data: Any) -> bytes | bytearray | memoryview:
    """The bytes that a pickle has for an array; those of Python 2 come as text of latin1."""
    if isinstance(data, str):
        return data.encode("latin1")
    if isinstance(data, (bytes, bytearray, memoryview)):
        return data
    raise FormatError("an array has no sound data")


def sound_shape(shape: Any) -> tuple[int, ...]:
    """The shape of an array, if it can be one. Raises FormatError."""
    if isinstance(shape, int) and not isinstance(shape, bool):
        shape = (shape,)
    if not (
        isinstance(shape, (tuple, list))
        and len(shape) <= _AXES
        and all(isinstance(n, int) and 0 <= n < 2**62 for n in shape)
    ):
        raise FormatError("an array has no sound shape")
    return tuple(shape)


def array(data: Any, dtype: Any, shape: Any, order: Any = "C") -> npt.NDArray[Any]:
    """A writable array of `data`: bytes of exactly its size, or a list of its objects."""
    shape, kind = sound_shape(shape), _dtype(dtype)
    if order not in ("C", "F"):
        raise FormatError("an array has no sound order")
    return arranged(data, kind, shape, order)


def arranged(
    data: Any, dtype: np.dtype[Any], shape: tuple[int, ...], order: str
) -> npt.NDArray[Any]:
    """As `array`, of a real dtype and a sound shape."""
    count = math.prod(shape)
    if dtype.hasobject:
        if not (isinstance(data, list) and len(data) == count):
            raise FormatError(f"an array claims {count} objects and has not as many")
        flat = np.empty(count, object)
        for i, item in enumerate(data):
            flat[i] = item
    else:
        given = bytes_of(data)
        if len(given) != count * dtype.itemsize:
            raise FormatError(
                f"an array claims {count * dtype.itemsize} bytes and has {len(given)}"
            )
        if dtype.itemsize == 0:
            if count > _EMPTY_ITEMS:
                raise FormatError(f"an array claims {count} elements of no bytes")
            flat = np.zeros(count, dtype)
        else:
            flat = np.frombuffer(given, dtype).copy() if count else np.empty(0, dtype)
    if order == "F" and len(shape) > 1:
        return flat.reshape(shape[::-1]).transpose()
    return flat.reshape(shape)


def _reconstruct(kind: Any, shape: Any, code: Any) -> PendingArray:
    if not (isinstance(kind, Global) and kind.name == "ndarray"):
        raise FormatError("an array of a subclass is not read")
    return PendingArray()


def _scalar(dtype: Any, data: Any = None) -> object:
    kind = _dtype(dtype)
    if kind.hasobject or data is None:
        raise FormatError("a NumPy scalar has no sound data")
    return array(data, dtype, ())[()]


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    # bytes, as protocols 0 to 2 spell them
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "utf8"):
        raise FormatError("_codecs.encode of that is not read")
    return text.encode(encoding)


def _bytes(*args: Any) -> bytes:
    if args and not isinstance(args[0], (bytes, bytearray, str)):
        raise FormatError("bytes of that are not read")  # bytes(10**12), for one
    return b"" if not args else args[0] if isinstance(args[0], bytes) else _encoded(*args)


def _encoded(data: Any, encoding: Any = "latin1") -> bytes:
    return _encode(data, encoding) if isinstance(data, str) else bytes(data)


def _bytearray(*args: Any) -> bytearray:
    return bytearray(_bytes(*args))


def _set(items: Any = ()) -> set[Any]:
    return set(map(checked_key, _sequence(items)))


def _frozenset(items: Any = ()) -> frozenset[Any]:
    return frozenset(map(checked_key, _sequence(items)))


def _list(items: Any = ()) -> list[Any]:
    return list(_sequence(items))


def _tuple(items: Any = ()) -> tuple[Any, ...]:
    return tuple(_sequence(items))


def _sequence(items: Any) -> Any:
    if not isinstance(items, (list, tuple, set, frozenset)):
        raise FormatError("a container of that is not read")
    return items


def _complex(real: Any, imaginary: Any = 0.0) -> complex:
    if not all(isinstance(part, (int, float)) for part in (real, imaginary)):
        raise FormatError("a complex number of that is not read")
    return complex(real, imaginary)


def _ordered(items: Any = ()) -> dict[Any, Any]:
    found = {}
    for pair in _sequence(items):
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2):
            raise FormatError("an OrderedDict of that is not read")
        found[checked_key(pair[0])] = pair[1]
    return found


def _default(factory: Any = None) -> dict[Any, Any]:
    # Its factory would only serve keys that are missing.
    if factory is not None and not isinstance(factory, Global):
        raise FormatError("a defaultdict of that is not read")
    return {}


def _date(*args: Any) -> date:
    return date(*map(_number, args))


def _datetime(*args: Any) -> datetime:
    return datetime(*_moment(args, 10))


def _time(*args: Any) -> time:
    return time(*_moment(args, 6))


def _moment(args: tuple[Any, ...], packed: int) -> tuple[Any, ...]:
    if args and isinstance(args[0], (bytes, str)) and len(args[0]) == packed:
        first: Any = bytes_of(args[0])
    elif args:
        first = _number(args[0])
    else:
        raise FormatError("a time of nothing")
    rest = [a if isinstance(a, timezone) else _number(a) for a in args[1:]]
    return (first, *rest)


def _timedelta(*args: Any) -> timedelta:
    return timedelta(*map(_number, args))


def _timezone(offset: Any, name: Any = None) -> timezone:
    if not isinstance(offset, timedelta) or not isinstance(name, (str, type(None))):
        raise FormatError("a time zone of that is not read")
    return timezone(offset) if name is None else timezone(offset, name)


def _number(value: Any) -> Any:
    if isinstance(value, (bytes, str)) and len(value) == 4:
        return bytes_of(value)  # a date is packed into four bytes
    if not isinstance(value, int):
        raise FormatError("a time of that is not read")
    return value


def never_called(*args: Any) -> object:
    """The constructor of a name that a file may mention, and not call."""
    raise FormatError("a name in the pickle is called that only stands for a class")


def _reconstructor(kind: Any, base: Any, state: Any) -> object:
    # How protocols 0 and 1 make any object; only of a class that stands in the table.
    if not (isinstance(kind, Global) and isinstance(base, Global)):
        raise FormatError("copyreg._reconstructor of that is not read")
    plain = {"object": type(None), "dict": dict, "list": list}.get(base.name)
    if plain is None or type(state) is not plain or kind.constructor is never_called:
        raise FormatError("copyreg._reconstructor of that is not read")
    made = kind.constructor()
    if state:
        if not isinstance(made, StandIn):
            raise FormatError("copyreg._reconstructor of that is not read")
        (made.pairs if plain is dict else made.items).extend(
            state.items() if plain is dict else state
        )
    return made


def checked_key(key: Any) -> Any:
    """A key, or member of a set, whose hash is found at once: numbers chosen so that their
    hashes collide, or nested tuples, would keep the machine busy for hours."""
    kind = type(key)
    if kind is int:
        if not -(2**60) < key < 2**60:
            raise FormatError("a number of more than 60 bits as a key is not read")
    elif kind is tuple:
        if len(key) > 16 or any(type(item) is tuple for item in key):
            raise FormatError("a nested or long tuple as a key is not read")
        for item in key:
            checked_key(item)
    elif kind not in (str, bytes, float, bool, type(None), complex, datetime, date) and not (
        isinstance(key, StandIn) and key.is_key
    ):
        raise FormatError(f"a {kind.__name__} as a key is not read")
    return key


def _table() -> Mapping[tuple[str, str], Constructor]:
    found: dict[tuple[str, str], Constructor] = {
        ("numpy", "dtype"): PendingDtype,
        ("numpy", "ndarray"): never_called,
        ("_codecs", "encode"): _encode,
        ("collections", "OrderedDict"): _ordered,
        ("collections", "defaultdict"): _default,
        ("datetime", "date"): _date,
        ("datetime", "datetime"): _datetime,
        ("datetime", "time"): _time,
        ("datetime", "timedelta"): _timedelta,
        ("datetime", "timezone"): _timezone,
    }
    for place in ("numpy.core", "numpy._core"):
        found[f"{place}.multiarray", "_reconstruct"] = _reconstruct
        found[f"{place}.multiarray", "scalar"] = _scalar
        found[f"{place}.numeric", "_frombuffer"] = array
    plain: dict[str, Constructor] = {
        "set": _set, "frozenset": _frozenset, "complex": _complex, "bytearray": _bytearray,
        "bytes": _bytes, "list": _list, "tuple": _tuple,
        "dict": _default, **dict.fromkeys(("int", "float", "str", "object"), never_called),
    }  # fmt: skip
    for module in ("builtins", "__builtin__"):
        found |= {(module, name): constructor for name, constructor in plain.items()}
    for module in ("copyreg", "copy_reg"):
        found[module, "_reconstructor"] = _reconstructor
    return found


CONSTRUCTORS = _table()
