"""What W3C PROV is made of: qualified names, and literals with a type of XML Schema.

PROV-DM, https://www.w3.org/TR/prov-dm/; names as PROV-N has them, https://www.w3.org/TR/prov-n/,
production QUALIFIED_NAME.
"""

from __future__ import annotations

import json
import math
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from schemas.v1.value import Scalar, encode

# What XML 1.0, and so a string of XML Schema, cannot have.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BITS = 10_000  # of an integer that Python still writes in decimal digits
_ZONE = timedelta(hours=14)  # how far from UTC a time of XML Schema may be


class Name(NamedTuple):
    """A qualified name: a prefix that stands for a namespace, and what follows it there."""

    prefix: str
    local: str

    def __str__(self) -> str:
        return f"{self.prefix}:{self.local}"


class Literal(NamedTuple):
    """A value: its text, and its type as ``xsd:double``."""

    text: str
    type: str = "xsd:string"


Term = Name | Literal


def local(*steps: object) -> str:
    """The steps joined by ``/``, each with all but letters, digits, ``_``, ``-`` and ``~`` of
    ASCII as the percent-encoded bytes of its UTF-8: legal in PROV-N, in IRIs, and never another
    name's."""
    return "/".join(quote(str(step), safe="").replace(".", "%2E") for step in steps)


def moment(time: datetime) -> str:
    """A time as xsd:dateTime has it; in UTC where its zone has no place there."""
    offset = time.utcoffset()
    if offset is not None and (abs(offset) > _ZONE or offset % timedelta(minutes=1)):
        time = time.astimezone(UTC)
    return time.isoformat()


def moment_of(time: datetime | None) -> str | None:
    """The same, if there is one."""
    return None if time is None else moment(time)


def literal(value: Any) -> Literal:
    """The literal of a single value: of a type of XML Schema, or else as JSON in the form that
    the contract gives it."""
    match value:
        case bool():
            return Literal("true" if value else "false", "xsd:boolean")
        case int() if value.bit_length() < _BITS:
            return Literal(str(value), "xsd:integer")
        case float():
            return Literal(_double(value), "xsd:double")
        case str() if _NOT_XML.search(value) is None:
            return Literal(value)
        case datetime() if value.year > 1:  # any zone leaves it within the years that there are
            return Literal(moment(value), "xsd:dateTime")
        case bytes():
            return Literal(b64encode(value).decode(), "xsd:base64Binary")
        case Scalar() if value.dtype[1] in "iufb" and len(value.data) <= 8:
            return literal(np.frombuffer(value.data, value.dtype)[0].item())
        case _:
            return as_json(encode(value))


def as_json(value: Any) -> Literal:
    """What JSON has, as text."""
    return Literal(json.dumps(value), "na:json")


def _double(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "INF" if value > 0 else "-INF"
    return repr(value)
