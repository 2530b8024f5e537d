"""Annotation values: what is accepted, what is refused, and the form in JSON."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.v1.value import (
    DEPTH_LIMIT,
    Array,
    Quantity,
    Scalar,
    check,
    decode,
    encode,
    identical,
    itemsize,
)

BERLIN = ZoneInfo("Europe/Berlin")
F4 = Array("<f4", (2,), bytes(8))


def there_and_back(value: Any) -> Any:
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (1, 1),
        (-(2**63), -(2**63)),
        (2**63, {"$int": "0x8000000000000000"}),
        (-(10**40), {"$int": hex(-(10**40))}),
        (1.0, 1.0),
        (-0.0, -0.0),
        (math.nan, {"$float": "nan"}),
        (-math.inf, {"$float": "-inf"}),
        (1 + 2j, {"$complex": [1.0, 2.0]}),
        (complex(math.nan, -0.0), {"$complex": [{"$float": "nan"}, -0.0]}),
        ("text \0 \N{GREEK SMALL LETTER TAU}", "text \0 \N{GREEK SMALL LETTER TAU}"),
        (b"\xff\0", {"$bytes": "/wA="}),
        ([1, [True, {}]], [1, [True, {}]]),
        ({"a": {"b": []}}, {"a": {"b": []}}),
        ({"$x": 1, "b": [2]}, {"$dict": [["$x", 1], ["b", [2]]]}),
        ({"$dict": []}, {"$dict": [["$dict", []]]}),
        (Quantity(1, "nA"), {"$quantity": {"value": 1, "unit": "nA"}}),
        (F4, {"$array": {"dtype": "<f4", "shape": [2], "data": "AAAAAAAAAAA="}}),
        (Scalar("<f4", bytes(4)), {"$scalar": {"dtype": "<f4", "data": "AAAAAA=="}}),
        (datetime(2024, 5, 1, 12, 0, 0, 7), {"$datetime": "2024-05-01T12:00:00.000007"}),
        (datetime(2024, 5, 1, tzinfo=UTC), {"$datetime": "2024-05-01T00:00:00+00:00"}),
        (
            datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN, fold=1),
            {"$datetime": "2024-10-27T02:30:00+01:00", "zone": "Europe/Berlin", "fold": 1},
        ),
    ],
)
def test_form_in_json(value: Any, written: Any) -> None:
    encoded = encode(value)
    assert identical(encoded, written)
    assert identical(there_and_back(value), value)
    assert identical(check(value), value)


def test_integer_longer_than_python_writes_in_decimal() -> None:
    assert there_and_back(-(10**5000)) == -(10**5000)


def test_zones_come_back() -> None:
    summer = datetime(2024, 7, 1, 12, tzinfo=BERLIN)
    back = there_and_back(summer)
    assert back.tzinfo.key == "Europe/Berlin"
    assert back.utcoffset() == timedelta(hours=2)
    odd = datetime(1890, 1, 1, tzinfo=timezone(timedelta(minutes=53, seconds=28)))
    assert there_and_back(odd).utcoffset() == odd.utcoffset()


def test_hour_that_a_zone_leaves_out() -> None:
    missing = datetime(2024, 3, 31, 2, 30, tzinfo=BERLIN)
    assert identical(there_and_back(missing), missing)


@pytest.mark.parametrize(
    "document",
    [
        {"$datetime": "2024-07-01T12:00:00+02:00", "zone": "Mars/Olympus"},
        {"$datetime": "2024-07-01T12:00:00+02:00", "zone": "Asia/Tokyo"},
        {"$datetime": "2024-07-01T12:00:00+02:00", "zone": "../../etc/passwd"},
    ],
)
def test_moment_counts_where_the_zone_is_unknown_or_has_changed(document: Any) -> None:
    back = decode(document)
    assert back == datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert back.utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (True, 1),
        (1, 1.0),
        (1.0, 1 + 0j),
        (0.0, -0.0),
        ("a", b"a"),
        ([1], [True]),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"b": 1}),
        ([1], [1, 2]),
        (None, False),
        (Quantity(1, "nA"), Quantity(1.0, "nA")),
        (Quantity(1, "nA"), Quantity(1, "pA")),
        (F4, Array("<i4", (2,), bytes(8))),
        (F4, Array("<f4", (2, 1), bytes(8))),
        (datetime(2024, 7, 1, 12, tzinfo=BERLIN), datetime(2024, 7, 1, 10, tzinfo=UTC)),
    ],
)
def test_type_and_unit_tell_values_apart(one: Any, other: Any) -> None:
    assert not identical(one, other)
    assert not identical(other, one)
    assert identical(one, one)


def test_equal_values_are_identical() -> None:
    assert identical({"a": 1, "b": [math.nan]}, {"b": [float("nan")], "a": 1})
    assert Quantity(math.nan, "nA") == Quantity(float("nan"), "nA")
    assert hash(Quantity(F4, "nA")) == hash(Quantity(Array("<f4", (2,), bytes(8)), "nA"))
    assert Quantity(1.0, "nA") != 1.0


class Text(str):
    """A subclass: it could carry anything else."""


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ((1, 2), "builtins.tuple"),
        ({1, 2}, "builtins.set"),
        (object(), "builtins.object"),
        (Text("a"), "Text"),
        ({1: 2}, "keys of a dict must be text, not int"),
        ("\ud800", "half a surrogate"),
        ({"a": ["\udfff"]}, "half a surrogate"),
        ({"\ud800": 1}, "half a surrogate"),
    ],
)
def test_what_is_no_value_is_refused(value: Any, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        check(value)
    with pytest.raises(ValueError, match=hint):
        encode(value)


def test_refusal_names_the_place() -> None:
    with pytest.raises(ValueError, match=r"run\.a\[1\]: builtins\.set"):
        check({"a": [1, {2}]}, "run")


def test_depth_is_limited() -> None:
    deep: Any = 0
    for _ in range(DEPTH_LIMIT):
        deep = [deep]
    assert identical(there_and_back(check(deep)), deep)
    for nested in ([deep], {"a": deep}):
        with pytest.raises(ValueError, match="deeper than 64"):
            check(nested)
        with pytest.raises(ValueError, match="deeper than 64"):
            encode(nested)
    itself: list[Any] = []
    itself.append(itself)
    with pytest.raises(ValueError, match="deeper than 64"):
        check(itself)


@pytest.mark.parametrize("tag", ["$dict", "$quantity", "$complex", "a"])
def test_hostile_depth_is_refused_in_every_tag(tag: str) -> None:
    hostile: Any = 0
    for _ in range(900):
        inside = {
            "$dict": [["a", hostile]],
            "$quantity": {"value": hostile, "unit": "mV"},
            "$complex": [hostile, 0],
            "a": hostile,
        }
        hostile = {tag: inside[tag]}
    with pytest.raises(ValueError, match="deeper than 64"):
        decode(hostile)


def test_deepest_quantity_comes_back() -> None:
    deep: Any = Quantity(F4, "nA")
    for level in range(DEPTH_LIMIT):
        deep = {"$x": deep} if level % 2 else [deep]
    assert identical(there_and_back(check(deep)), deep)


def test_check_copies_what_can_change() -> None:
    inner: list[Any] = [1]
    value = {"a": inner}
    copied = check(value)
    inner.append(2)
    assert copied == {"a": [1]}


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("|b1", 1), ("|u1", 1), ("<i8", 8), ("<f2", 2), ("<c16", 16), ("|S3", 3), ("<U0", 0),
     ("<U5", 20), ("<M8[us]", 8), ("<m8[25ns]", 8), ("<f16", 16)],
)  # fmt: skip
def test_itemsize(dtype: str, size: int) -> None:
    assert itemsize(dtype) == size


@pytest.mark.parametrize("dtype", [">f8", "|O", "O", "f8", "<f3", "|V8", "<i1", "|f8", "", "<f8 "])
def test_dtypes_that_the_contract_lacks(dtype: str) -> None:
    with pytest.raises(ValueError, match="no dtype of the contract"):
        itemsize(dtype)


def test_array_must_fit_its_shape() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\) has 24 bytes, not 16"):
        Array("<f8", (3,), bytes(16))
    with pytest.raises(ValueError, match="integers from 0 on"):
        Array("<f8", (-1, -1), bytes(8))
    with pytest.raises(ValueError, match="integers from 0 on"):
        Array("<f8", (True,), bytes(8))
    with pytest.raises(ValueError, match="does not have 4 bytes"):
        Scalar("<f8", bytes(4))


@pytest.mark.parametrize(
    ("value", "unit", "hint"),
    [
        (1.0, "furlong", "furlong"),
        ("1", "nA", "str cannot be"),
        (True, "nA", "bool cannot be"),
        (Array("<U1", (1,), bytes(4)), "nA", "numbers, not <U1"),
        (2**63, "nA", "64 bits"),
    ],
)
def test_quantity_has_a_number_and_a_unit(value: Any, unit: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        Quantity(value, unit)


def test_long_payloads_are_given_away() -> None:
    kept: list[bytes] = []
    fetch: Any = kept.__getitem__

    def keep(data: bytes) -> int:
        kept.append(data)
        return len(kept) - 1

    value: dict[str, Any] = {
        "short": b"s" * 1024,
        "long": b"l" * 1025,
        "q": [Quantity(Array("|u1", (2000,), b"a" * 2000), "mV")],
    }
    written: Any = encode(value, keep=keep)
    assert [len(data) for data in kept] == [1025, 2000]
    assert written["long"] == {"$bytes": {"blob": 0}}
    assert written["q"][0]["$quantity"]["value"]["$array"]["data"] == {"blob": 1}

    assert identical(decode(written, fetch=fetch), value)
    with pytest.raises(ValueError, match="nothing was given to fetch them"):
        decode(written)


@pytest.mark.parametrize(
    "document",
    [
        {"$unheard": 1},
        {"$bytes": "not base64!"},
        {"$bytes": "eA?=="},
        {"$bytes": 1},
        {"$array": {"dtype": "<f8", "shape": [1]}},
        {"$array": {"dtype": "<f8", "shape": [2], "data": ""}},
        {"$array": {"dtype": "|O", "shape": [0], "data": ""}},
        {"$quantity": {"value": "1", "unit": "nA"}},
        {"$quantity": {"value": 1, "unit": "?"}},
        {"$datetime": "yesterday"},
        {"$datetime": None},
        {"$complex": [1, 2, 3]},
        {"$complex": ["a", 2]},
        {"$dict": 1},
        {"$dict": [["a"]]},
        {"$dict": [[1, 2]]},
        {"$int": "twelve"},
        {"$float": []},
        {"a": {"$scalar": None}},
        "\ud800",
    ],
)
def test_malformed_documents_are_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(document)
