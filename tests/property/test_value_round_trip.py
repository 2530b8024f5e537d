"""Any value comes back identical from JSON, and any array and unit from the contract."""

from __future__ import annotations

import json
import string
from datetime import UTC, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from archive.values import from_schema, to_schema, unit_text
from schemas import Array, Quantity, Scalar, Segment, dump, load, to_json
from schemas.v1.unit import UnitError, conversion, is_atomic, nix_unit, parse
from schemas.v1.value import decode, encode, identical

UNITS = st.sampled_from(
    ["mV", "nA", "uS/cm**2", "1/ms", "dimensionless", "(um**2)", "1/(s*mV)", "%", "fA", "degC"]
)
DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="<"),
    hnp.unsigned_integer_dtypes(endianness="<"),
    hnp.floating_dtypes(endianness="<", sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(endianness="<", sizes=(64, 128)),
    hnp.byte_string_dtypes(),
    hnp.unicode_string_dtypes(endianness="<"),
    hnp.datetime64_dtypes(endianness="<"),
    hnp.timedelta64_dtypes(endianness="<"),
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
OFFSETS = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def stored(array: Any) -> Array:
    return Array(array.dtype.str, array.shape, array.tobytes())


ARRAYS = hnp.arrays(DTYPES, SHAPES)
NUMBERS = ARRAYS.filter(lambda array: array.dtype.kind in "iufc").map(stored)
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    TEXTS,
    st.binary(),
    st.datetimes(
        timezones=st.none() | st.just(UTC) | OFFSETS | st.timezones(), allow_imaginary=True
    ),
    ARRAYS.map(stored),
    hnp.arrays(DTYPES, ()).map(lambda array: Scalar(array.dtype.str, array.tobytes())),
    st.builds(
        Quantity,
        st.floats() | st.integers(-(2**63), 2**63 - 1) | st.complex_numbers() | NUMBERS,
        UNITS,
    ),
)
KEYS = TEXTS | st.sampled_from(["$dict", "$float", "$", "kind"])
VALUES = st.recursive(
    ATOMS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=8
)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1)


@given(VALUES)
def test_json_round_trip(value: Any) -> None:
    document = json.loads(json.dumps(encode(value), allow_nan=False))
    assert identical(decode(document), value)


@given(VALUES)
def test_json_round_trip_with_payloads_elsewhere(value: Any) -> None:
    kept: list[bytes] = []

    def keep(data: bytes) -> int:
        kept.append(data)
        return len(kept) - 1

    long = [value, b"x" * 1025, value]
    fetch: Any = kept.__getitem__
    assert identical(decode(encode(long, keep=keep), fetch=fetch), long)
    assert kept


@given(st.dictionaries(NAMES, VALUES, max_size=4))
@settings(max_examples=50)
def test_model_round_trip(annotations: dict[str, Any]) -> None:
    segment = Segment(annotations=annotations)
    back = load(json.loads(to_json(dump(segment))))
    assert isinstance(back, Segment)
    assert identical(back.annotations, annotations)


@given(ARRAYS)
def test_array_round_trip(array: Any) -> None:
    back = from_schema(to_schema(array, "x"))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()


@given(NUMBERS, UNITS)
def test_quantity_round_trip(array: Array, unit: str) -> None:
    value = Quantity(array, unit)
    back = from_schema(value)
    assert unit_text(back) == unit
    if array.shape:
        assert to_schema(back, "x") == value
    else:  # quantities does not tell a number from an array without axes
        assert np.asarray(back.magnitude).tobytes() == array.data


SYMBOLS = st.sampled_from(["mV", "nA", "ms", "um", "ohm", "MOhm", "Hz", "l", "mM", "%", "min", "h"])
POWERS = st.integers(-4, 4).map(lambda power: f"**{power}") | st.just("")
FACTORS = st.builds("{}{}".format, SYMBOLS, POWERS)
PRODUCTS = st.recursive(
    FACTORS,
    lambda inner: st.one_of(
        st.builds("{}{}{}".format, inner, st.sampled_from("*/"), inner),
        st.builds("({})".format, inner),
        st.builds("1/({})".format, inner).map("({})".format),
    ),
    max_leaves=4,
).filter(lambda text: len(text) <= 64)


@given(PRODUCTS, PRODUCTS)
def test_units_multiply(one: str, other: str) -> None:
    assume(len(one) + len(other) <= 59)
    product, ratio = parse(f"({one})*({other})"), parse(f"({one})/({other})")
    first, second = parse(one), parse(other)
    assert product.scale == first.scale * second.scale
    assert ratio.scale == first.scale / second.scale
    pairs = list(zip(first.dimension, second.dimension, strict=True))
    assert product.dimension == tuple(a + b for a, b in pairs)
    assert ratio.dimension == tuple(a - b for a, b in pairs)


@given(PRODUCTS)
def test_nix_spelling_means_the_same(text: str) -> None:
    spelled = nix_unit(text)
    if spelled is not None:
        assert conversion(text, spelled) == 1
        assert nix_unit(spelled) == spelled
        assert is_atomic(spelled) == is_atomic(text)


@given(st.text(string.printable, max_size=70) | st.text("mVs1*/^()-0 9", max_size=70))
def test_any_text_is_a_unit_or_an_error(text: str) -> None:
    try:
        parse(text)
    except UnitError:
        with pytest.raises(UnitError):
            nix_unit(text)
    else:
        nix_unit(text)
