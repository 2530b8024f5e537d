"""Facts of runs in columns, and values as texts of bounded length."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings, strategies as st

import schemas
from archive import values
from archive.experiment.parameter_diff import difference
from archive.report.blocks import packed
from archive.report.cards import record_card
from archive.report.facts import COLUMNS_LIMIT, Facts
from archive.report.texts import number_of, shown, value_shown

SETS: list[dict[str, Any]] = [
    {"a": 10 * pq.ms, "b": {"c": 1, "d": "x"}, "w": np.arange(3.0)},
    {"a": 0.01 * pq.s, "b": {"c": 1.0, "d": "y"}, "w": np.arange(3.0) + 1},
    {"a": 10 * pq.ms, "b": {}, "e": None, "w": np.arange(3.0)},
    {},
]


def unpacked(text: str) -> tuple[dict[str, Any], list[Any]]:
    data = zlib.decompress(base64.b64decode(text))
    length = int.from_bytes(data[:4], "little")
    head = json.loads(data[4 : 4 + length])
    arrays = [
        np.frombuffer(data, np.dtype(kind).newbyteorder("<"), size, 4 + length + at)
        for kind, at, size in head["arrays"]
    ]
    return head, arrays


@pytest.mark.parametrize("old", range(4))
@pytest.mark.parametrize("new", range(4))
def test_codes_say_what_the_difference_of_parameters_says(old: int, new: int) -> None:
    facts = Facts("parameter")
    sets = [values.to_schema_dict(one, "") for one in SETS]
    for row, one in enumerate(sets):
        facts.note(row, one, schemas.digest(schemas.ParameterSet(values=one)))
    found: dict[str, set[str]] = {
        "added": set(),
        "removed": set(),
        "changed": set(),
        "rewritten": set(),
    }
    for column in facts.columns.values():
        head, (codes,) = unpacked(column.packed(len(sets), "parameter"))
        before, after = int(codes[old]), int(codes[new])
        if before == after:
            continue
        groups = head["groups"]
        what = "changed"
        if not before or not after:
            what = "removed" if before else "added"
        elif groups[before - 1] == groups[after - 1]:
            what = "rewritten"
        found[what].add(head["name"])
    wanted = difference(sets[old], sets[new])
    for what, names in found.items():
        # an empty dict that has something in it on the other side counts as no difference there
        assert names - {"b"} == set(getattr(wanted, what)) - {"b"}, what


def test_arrays_that_look_alike_are_told_apart() -> None:
    facts = Facts("parameter")
    for row in range(3):
        facts.note(row, values.to_schema_dict({"w": np.full(4, row // 2)}, ""))
    (column,) = facts.columns.values()
    assert column.texts == ["array 4, i8", "array 4, i8 (no. 2)"]
    assert list(column.codes) == [1, 1, 2]


def test_scalars_of_text_are_told_apart() -> None:
    facts = Facts("parameter")
    for row, text in enumerate((b"a", b"b", b"a")):
        facts.note(row, {"s": schemas.Scalar("|S1", text)})
    assert list(facts.columns[("s",)].codes) == [1, 2, 1]


def test_arrays_without_an_axis_are_told_apart() -> None:
    facts = Facts("parameter")
    for row, number in enumerate((1, 2, 1)):
        facts.note(row, values.to_schema_dict({"s": np.array(number)}, ""))
    assert list(facts.columns[("s",)].codes) == [1, 2, 1]


def test_columns_beyond_the_limit_are_counted() -> None:
    facts = Facts("parameter")
    for row in range(2):
        facts.note(row, {f"k{at}": at for at in range(COLUMNS_LIMIT + 5)})
    assert len(facts.columns) == COLUMNS_LIMIT
    assert facts.left_out == 5


@settings(max_examples=50)
@given(st.text(max_size=40), st.integers(1, 20))
def test_texts_are_printable_and_bounded(text: str, limit: int) -> None:
    found = shown(text, limit)
    assert all(one.isprintable() or one in "\n\t" for one in found)
    if len(text) > limit:
        assert found.endswith(f"… ({len(text) - limit:,} more characters)")
    elif text.isprintable():
        assert found == text


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (10 * pq.ms, "10.0 ms"), (np.float32(0.5), "0.5"), (True, "True"), (b"abc", "3 bytes"),
        (np.zeros((2, 3)) * pq.mV, "array 2 × 3, f8 mV"), ([1, [2]], "[1, [2]]"),
        (list(range(99)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 87 more]"),
        ({"a": 1}, "{a: 1}"),
        (datetime(2024, 5, 1, tzinfo=UTC), "2024-05-01 00:00:00+00:00"), ("a\u202eb", "a\\u202eb"),
    ],
)  # fmt: skip
def test_values_are_shown(value: Any, wanted: str) -> None:
    assert value_shown(values.to_schema(value, "")) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (10 * pq.ms, 0.01), (3, 3.0), (np.float32(0.5), 0.5), (float("nan"), None), ("3", None),
        (1 + 2j, None), (np.zeros(2), None), (None, None), (True, 1.0),
    ],
)  # fmt: skip
def test_numbers_are_sorted_in_si_units(value: Any, wanted: float | None) -> None:
    assert number_of(values.to_schema(value, "")) == wanted


def test_integers_beyond_all_text_are_shown_and_sorted_as_such() -> None:
    assert value_shown(1 << 20000) == "an integer of 20,001 bits"
    assert number_of(1 << 20000) is None


def test_blocks_are_letters_that_end_no_script() -> None:
    hostile = "</script><!--\u2028\ud800"
    text = packed({"a": hostile}, [np.arange(3, dtype=np.uint16), np.arange(2, dtype=np.uint8)])
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=")
    head, arrays = unpacked(text)
    assert head["a"] == hostile
    assert [one.tolist() for one in arrays] == [[0, 1, 2], [0, 1]]


@pytest.mark.parametrize(
    ("packed", "wanted"),
    [
        (b"no zlib", "it cannot be unpacked"),
        (zlib.compress(b"print(1)\n"), "print(1)\n"),
        (zlib.compress(b"\xff\x1b[2J"), "\ufffd\\x1b[2J"),
        (
            zlib.compress(b"x" * 50_000),
            "x" * 20_000 + "\n… only the beginning of 12 bytes is shown",
        ),
    ],
)
def test_scripts_are_shown(packed: bytes, wanted: str) -> None:
    source = schemas.Source(path="a.py", digest="0" * 64, size=12, content=packed)
    found = record_card(schemas.Code(script=source))
    assert found is not None
    assert found["texts"] == [["The script", wanted]]
