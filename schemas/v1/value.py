"""Annotation values: what they may be, and their form in JSON.

In JSON, None, bool, int, str, finite floats, lists and dicts stand for themselves. Everything
else is an object with a tag that starts with ``$``; a dict that has such a key itself becomes
``{"$dict": [[key, value], ...]}``.
"""

from __future__ import annotations

import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, ValidationInfo
from pydantic_core import core_schema
from typing_extensions import TypeAliasType

from schemas.v1.model import check_name
from schemas.v1.unit import parse

DEPTH_LIMIT = 64
VALUE_REFERENCE = "#/$defs/Value"  # where the JSON Schema says what a value is
MICROSECOND = timedelta(microseconds=1)
INLINE_LIMIT = 1024  # bytes; longer payloads go to `keep`, where there is one

Keep = Callable[[bytes], JsonValue]
Fetch = Callable[[JsonValue], bytes]

_INT64 = 2**63
_DTYPE = re.compile(
    r"\|b1|[|][iu]1|<[iu][248]|<f(?:2|4|8|12|16)|<c(?:8|16|24|32)|\|S(\d{1,9})|<U(\d{1,9})"
    r"|<[Mm]8(?:\[\d{0,9}(?:Y|M|W|D|h|m|s|ms|us|μs|ns|ps|fs|as)\])?"
)


@lru_cache(maxsize=1024)
def itemsize(dtype: str) -> int:
    """Bytes per item of a NumPy dtype text such as ``<f8``, ``|b1``, ``<U5`` or ``<M8[us]``.

    Raises ValueError for what the contract has not: big-endian, objects, structures.
    """
    match = _DTYPE.fullmatch(dtype)
    if match is None:
        raise ValueError(
            f"{dtype[:40]!r} is no dtype of the contract: kinds b i u f c S U M m, little-endian"
        )
    if match[2] is not None:
        return 4 * int(match[2])
    return int(match[1]) if match[1] is not None else int(re.findall(r"\d+", dtype)[0])


@dataclass(frozen=True, slots=True)
class Array:
    """An array: `data` are its items in C order, as NumPy has them in memory (text as UCS-4).

    Raises ValueError if `dtype`, `shape` and the length of `data` do not fit each other.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    def __post_init__(self) -> None:
        if any(type(length) is not int or length < 0 for length in self.shape):
            raise ValueError(f"a shape has integers from 0 on, not {self.shape}")
        size = itemsize(self.dtype) * math.prod(self.shape)
        if type(self.data) is not bytes or len(self.data) != size:
            raise ValueError(
                f"an array of {self.dtype} with shape {self.shape} has {size} bytes,"
                f" not {len(self.data)}"
            )


@dataclass(frozen=True, slots=True)
class Scalar:
    """One number of a type that Python has not, such as float32: the bytes NumPy has for it."""

    dtype: str
    data: bytes

    def __post_init__(self) -> None:
        if type(self.data) is not bytes or len(self.data) != itemsize(self.dtype):
            raise ValueError(f"a {self.dtype} does not have {len(self.data)} bytes")


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """A number, or an array of numbers, with its unit. Equal only in type, unit and value."""

    value: float | int | complex | Array | Scalar
    unit: str

    def __post_init__(self) -> None:
        if type(self.value) not in (float, int, complex, Array, Scalar):
            raise ValueError(f"{type(self.value).__name__} cannot be the value of a quantity")
        if isinstance(self.value, (Array, Scalar)) and self.value.dtype[1] not in "iufcb":
            raise ValueError(f"a quantity has numbers, not {self.value.dtype}")
        if type(self.value) is int and not -_INT64 <= self.value < _INT64:
            raise ValueError("the integer of a quantity has at most 64 bits")
        parse(self.unit)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self.unit == other.unit and identical(self.value, other.value)

    def __hash__(self) -> int:
        return hash((self.unit, repr(self.value)))


Value = TypeAliasType(
    "Value",
    "bool | int | float | complex | str | bytes | datetime | Quantity | Array | Scalar"
    " | list[Value] | dict[str, Value] | None",
)

_ATOMS = frozenset((type(None), bool, int, float, complex, bytes, Array, Scalar, Quantity))
_AS_ITSELF = frozenset((type(None), bool))


def _text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"text must be valid Unicode; the character at {error.start} is half a surrogate"
                " pair"
            ) from None
    return text


def check(value: object, where: str = "value", depth: int = 0) -> Any:
    """The value itself, lists and dicts copied, if it is one of the contract.

    Raises ValueError that names the type and, by `where`, the place of what is not.
    """
    kind = type(value)
    if kind in _ATOMS:
        return value
    try:
        if kind is str:
            return _text(cast("str", value))
        if kind is datetime:
            cast("datetime", value).utcoffset()
            return value
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if depth >= DEPTH_LIMIT:
        raise ValueError(f"{where[:80]}: nested deeper than {DEPTH_LIMIT}")
    if kind is list:
        items = cast("list[object]", value)
        return [check(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(items)]
    if kind is dict:
        pairs = cast("dict[object, object]", value)
        return {
            _key(key, where): check(item, f"{where}.{key}", depth + 1)
            for key, item in pairs.items()
        }
    raise ValueError(f"{where}: {kind.__module__}.{kind.__qualname__} is no annotation value")


def _key(key: object, where: str) -> str:
    if type(key) is not str:
        raise ValueError(f"{where}: the keys of a dict must be text, not {type(key).__name__}")
    return _text(key)


def identical(one: object, other: object) -> bool:
    """Whether two values are equal in type too: 1 is not 1.0 or True, but nan is nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (float, complex)):
        return repr(one) == repr(other)  # tells -0.0 from 0.0
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(identical, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(identical(one[key], other[key]) for key in one)
    if isinstance(one, datetime) and isinstance(other, datetime):
        return _encode_datetime(one) == _encode_datetime(other)
    return one == other


def encode(value: Value, *, keep: Keep | None = None, depth: int = 0) -> JsonValue:
    """The JSON form of a value, which `decode` turns back into an identical one.

    The bytes of arrays and byte strings are written in base64. Those of more than 1024 bytes are
    given to `keep`, if there is one, and ``{"blob": what it returned}`` is written instead.
    Raises ValueError for what is no value of the contract.
    """
    kind = type(value)
    if kind in _AS_ITSELF:
        return cast("JsonValue", value)
    if kind is str:
        return _text(cast("str", value))
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else {"$int": hex(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if depth >= DEPTH_LIMIT and isinstance(value, (list, dict)):
        raise ValueError(f"nested deeper than {DEPTH_LIMIT}")
    if isinstance(value, list):
        return [encode(item, keep=keep, depth=depth + 1) for item in value]
    if isinstance(value, dict):
        encoded = {
            _key(key, "dict"): encode(item, keep=keep, depth=depth + 1)
            for key, item in value.items()
        }
        if any(key.startswith("$") for key in encoded):
            return {"$dict": [[key, item] for key, item in encoded.items()]}
        return encoded
    if isinstance(value, complex):
        return {"$complex": [encode(value.real), encode(value.imag)]}
    if isinstance(value, datetime):
        return _encode_datetime(value)
    if isinstance(value, bytes):
        return {"$bytes": _encode_bytes(value, keep)}
    if isinstance(value, Quantity):
        return {"$quantity": {"value": encode(value.value, keep=keep), "unit": value.unit}}
    if isinstance(value, Array):
        data = _encode_bytes(value.data, keep)
        return {"$array": {"dtype": value.dtype, "shape": list(value.shape), "data": data}}
    if isinstance(value, Scalar):
        return {"$scalar": {"dtype": value.dtype, "data": _encode_bytes(value.data, None)}}
    raise ValueError(f"{kind.__module__}.{kind.__qualname__} is no annotation value")


def _encode_bytes(data: bytes, keep: Keep | None) -> JsonValue:
    if keep is not None and len(data) > INLINE_LIMIT:
        return {"blob": keep(data)}
    return b64encode(data).decode("ascii")


def _encode_datetime(value: datetime) -> dict[str, JsonValue]:
    encoded: dict[str, JsonValue] = {"$datetime": value.isoformat()}
    if isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key:
        encoded["zone"] = value.tzinfo.key
    if value.fold:
        encoded["fold"] = 1
    offset = value.utcoffset()
    if offset is not None and offset.microseconds:
        encoded["offset"] = offset // MICROSECOND  # Python 3.11 misreads it in ISO text
    return encoded


def decode(document: JsonValue, *, fetch: Fetch | None = None, depth: int = 0) -> Any:
    """The value that a JSON form stands for; `fetch` gives the bytes of a ``blob`` reference.

    Raises ValueError for what `encode` does not write.
    """
    kind = type(document)
    if kind is str:
        return _text(cast("str", document))
    if depth > DEPTH_LIMIT + 1:  # the array in the deepest quantity
        raise ValueError(f"nested deeper than {DEPTH_LIMIT}")
    if isinstance(document, list):
        return [decode(item, fetch=fetch, depth=depth + 1) for item in document]
    if not isinstance(document, dict):
        return document
    tag = next((key for key in document if key.startswith("$")), None)
    if tag is None:
        return {
            _text(key): decode(item, fetch=fetch, depth=depth + 1) for key, item in document.items()
        }
    if tag not in _DECODERS:
        raise ValueError(f"unknown tag {tag[:40]!r}; known are {', '.join(_DECODERS)}")
    try:
        return _DECODERS[tag](document, fetch, depth + 1)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the {tag} is malformed: {error!r}") from error


def _decode_bytes(data: Any, fetch: Fetch | None) -> bytes:
    if isinstance(data, str):
        return b64decode(data, validate=True)
    if fetch is None:
        raise ValueError("the bytes lie elsewhere, and nothing was given to fetch them with")
    return fetch(data["blob"])


def _decode_complex(document: dict[str, Any], fetch: Fetch | None, depth: int) -> complex:
    real, imaginary = (decode(part, depth=depth) for part in document["$complex"])
    return complex(real, imaginary)


def _decode_datetime(document: dict[str, Any], fetch: Fetch | None, depth: int) -> datetime:
    written = datetime.fromisoformat(document["$datetime"])
    written = written.replace(fold=document.get("fold", 0))
    if "offset" in document:
        written = written.replace(tzinfo=timezone(document["offset"] * MICROSECOND))
    if "zone" not in document:
        return written
    try:
        zoned = written.replace(tzinfo=ZoneInfo(document["zone"]))
    except (OSError, KeyError, ValueError):
        return written  # the reader has no such zone: the moment and the offset are still right
    # The rules of a zone may have changed since: the moment counts.
    return zoned if zoned.utcoffset() == written.utcoffset() else written


def _decode_array(document: dict[str, Any], fetch: Fetch | None, depth: int) -> Array:
    fields = document["$array"]
    return Array(fields["dtype"], tuple(fields["shape"]), _decode_bytes(fields["data"], fetch))


def _decode_scalar(document: dict[str, Any], fetch: Fetch | None, depth: int) -> Scalar:
    fields = document["$scalar"]
    return Scalar(fields["dtype"], _decode_bytes(fields["data"], fetch))


def _decode_quantity(document: dict[str, Any], fetch: Fetch | None, depth: int) -> Quantity:
    fields = document["$quantity"]
    return Quantity(decode(fields["value"], fetch=fetch, depth=depth), fields["unit"])


def _decode_dict(document: dict[str, Any], fetch: Fetch | None, depth: int) -> dict[str, Any]:
    return {_text(key): decode(item, fetch=fetch, depth=depth) for key, item in document["$dict"]}


_DECODERS: dict[str, Callable[[dict[str, Any], Fetch | None, int], Any]] = {
    "$int": lambda document, fetch, depth: int(document["$int"], 16),
    "$float": lambda document, fetch, depth: float(document["$float"]),
    "$complex": _decode_complex,
    "$bytes": lambda document, fetch, depth: _decode_bytes(document["$bytes"], fetch),
    "$datetime": _decode_datetime,
    "$quantity": _decode_quantity,
    "$array": _decode_array,
    "$scalar": _decode_scalar,
    "$dict": _decode_dict,
}

# The same few names come with every segment.
_known_name = lru_cache(maxsize=4096)(check_name)


def _validate(values: object, info: ValidationInfo) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ValueError(f"values by name must be a dict, not {type(values).__name__}")
    for name in values:
        if type(name) is not str:
            raise ValueError(f"a name must be text, not {type(name).__name__}")
        _known_name(name)
    if info.mode == "json":
        fetch = (info.context or {}).get("fetch")
        return {name: decode(item, fetch=fetch, depth=1) for name, item in values.items()}
    return {name: check(value, name, 1) for name, value in values.items()}


def _dump(values: dict[str, Any], info: core_schema.SerializationInfo) -> JsonValue:
    # Names are never tags: no escape is needed at this level.
    keep = (info.context or {}).get("keep")
    return {name: encode(value, keep=keep, depth=1) for name, value in values.items()}


class _ByName:
    """Tells pydantic how to check and write values by name (one call, whatever is inside)."""

    @staticmethod
    def __get_pydantic_core_schema__(
        source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _dump, info_arg=True, when_used="json"
            ),
        )

    @staticmethod
    def __get_pydantic_json_schema__(
        schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"$comment": VALUE_REFERENCE}}


Values = Annotated[dict[str, Value], _ByName]
