"""Values of Python, NumPy, quantities and Brian 2, to the contract and back."""

from __future__ import annotations

import decimal
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, date, datetime
from types import MappingProxyType, ModuleType
from typing import Any

import numpy as np
import pytest
import quantities as pq

from archive.errors import ContractError
from archive.values import from_schema, quantity, to_schema, unit_text
from schemas.v1.value import Array, Quantity, Scalar, check, identical


def same(one: Any, other: Any) -> bool:
    """Equal in type, dtype, shape, unit and every byte."""
    if type(one) is not type(other):
        return False
    if isinstance(one, pq.Quantity) and unit_text(one) != unit_text(other):
        return False
    if isinstance(one, (np.ndarray, np.generic)):
        alike = one.dtype == other.dtype and one.shape == other.shape
        return alike and bool(np.asarray(one).tobytes() == np.asarray(other).tobytes())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    return identical(one, other)


ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.arange(6, dtype="i2").reshape(2, 3).T,
    np.arange(10)[::-3],
    np.array(3.5),
    np.zeros((0, 3), "f4"),
    np.array([True, False]),
    np.array([1 + 2j], "c8"),
    np.array([np.nan, -0.0, np.inf]),
    np.array(["a", "µm", ""]),
    np.array(["", ""]),
    np.array([b"ab\0c", b""]),
    np.array(["2024-01-01T00:00:00.000001", "NaT"], "M8[us]"),
    np.array([1, -1], "m8[25ns]"),
    np.array([1.5], np.longdouble),
    np.arange(3, dtype="u8") + 2**63,
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_array_comes_back(array: Any) -> None:
    stored = to_schema(array, "x")
    assert isinstance(stored, Array)
    assert identical(check(stored), stored)
    back = from_schema(stored)
    assert same(back, array)
    assert back.flags.writeable


def test_big_endian_arrays_are_turned() -> None:
    back = from_schema(to_schema(np.array([1, 258], ">i4"), "x"))
    assert back.dtype.str == "<i4"
    assert back.tolist() == [1, 258]
    assert to_schema(np.array([1], ">i4")[0], "x") == Scalar("<i4", b"\1\0\0\0")
    assert to_schema(pq.Quantity(np.array([1.0], ">f8"), "mV"), "x") == Quantity(
        Array("<f8", (1,), np.array([1.0]).tobytes()), "mV"
    )


@pytest.mark.parametrize(
    ("number", "stored"),
    [
        (np.float64(1.5), 1.5),
        (np.int64(-3), -3),
        (np.longlong(4), 4),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.bytes_(b"a"), b"a"),
        (np.complex128(1j), 1j),
        (np.float32(1.5), Scalar("<f4", np.float32(1.5).tobytes())),
        (np.int8(-3), Scalar("|i1", b"\xfd")),
        (np.uint64(2**64 - 1), Scalar("<u8", b"\xff" * 8)),
        (np.datetime64(5, "us"), Scalar("<M8[us]", b"\5" + bytes(7))),
    ],
)
def test_numpy_numbers(number: Any, stored: Any) -> None:
    found = to_schema(number, "x")
    assert identical(found, stored)
    back = from_schema(found)
    assert back == number
    assert same(back, number) or not isinstance(stored, Scalar)


ma: Any = np.ma  # has no types
MASKED = ma.masked_array([1, 2], [0, 1])

PLAIN = [
    None, True, 2**70, 1.5, float("nan"), 1j, "text", b"bytes", datetime(2024, 1, 1),
    datetime(2024, 1, 1, tzinfo=UTC), [1, [2.0, None]], {"a": {"$b": [True]}}, [], {},
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_python_values_stay_as_they_are(value: Any) -> None:
    stored = to_schema(value, "x")
    assert identical(stored, value)
    assert same(from_schema(stored), value)


def test_relatives_of_list_and_dict() -> None:
    assert to_schema((1, (2, 3)), "x") == [1, [2, 3]]
    assert to_schema(OrderedDict(b=1, a=(2,)), "x") == {"b": 1, "a": [2]}
    assert to_schema(MappingProxyType({np.str_("a"): np.float64(1)}), "x") == {"a": 1.0}


QUANTITIES = [
    pq.Quantity(3.5, "mV"),
    pq.Quantity(3, "mV"),
    pq.Quantity([1, 2, 3], "ms"),
    pq.Quantity(np.float32(2.5), "nA"),
    pq.Quantity(np.arange(4, dtype="i2").reshape(2, 2), "uS/cm**2"),
    pq.Quantity([1 + 2j], "mV"),
    pq.Quantity(np.nan, "Hz"),
    pq.Quantity([], "s"),
    pq.Quantity(5.0, ""),
    1 / pq.ms * 3.0,
    2 * pq.CompoundUnit("um**2"),
    2 / pq.CompoundUnit("um**2"),
    3 * pq.mV * pq.CompoundUnit("1/um**2") ** 2,
    4.0 / (pq.s * pq.mV),
    1.5 * pq.MOhm,
    6.3 * pq.degC,
    50 * pq.percent,
    2 * pq.attosecond,
    1 * pq.becquerel,
]


@pytest.mark.parametrize("value", QUANTITIES, ids=str)
def test_quantity_comes_back(value: Any) -> None:
    stored = to_schema(value, "x")
    assert isinstance(stored, Quantity)
    assert stored.unit == value.dimensionality.string
    back = from_schema(stored)
    assert same(back, value)
    # tells a compound unit from the product of its parts, which prints alike
    assert back.dimensionality == value.dimensionality
    assert np.array_equal(back.simplified.magnitude, value.simplified.magnitude, equal_nan=True)


def test_unit_alone_is_one_of_it() -> None:
    assert to_schema(pq.nA, "x") == Quantity(1.0, "nA")
    assert from_schema(Quantity(1.0, "nA")) == pq.nA


def test_units_that_quantities_has_to_be_taught() -> None:
    assert quantity([1.0], "fA").rescale("pA").magnitude == pytest.approx([0.001])
    assert quantity(2.0, "fA/as").simplified.magnitude == pytest.approx(2000.0)
    assert unit_text(quantity(1, "(fA*ms)")) == "(fA*ms)"
    assert same(from_schema(to_schema(quantity(3.0, "fA"), "x")), quantity(3.0, "fA"))


def test_quantity_shares_arrays_and_keeps_dtype() -> None:
    values = np.zeros((2, 3), "f4")
    made = quantity(values, "mV")
    assert np.shares_memory(made, values)
    assert (made.dtype, made.shape, unit_text(made)) == (np.dtype("f4"), (2, 3), "mV")
    made._dimensionality.clear()
    assert unit_text(quantity(values, "mV")) == "mV"
    with pytest.raises(ContractError, match="furlong"):
        quantity(1.0, "furlong")


def test_unit_is_plain_text_where_quantities_prints_unicode() -> None:
    unicode = pq.markup.config.use_unicode
    try:
        pq.markup.config.use_unicode = True
        assert unit_text(3 * pq.uA) == "uA"
    finally:
        pq.markup.config.use_unicode = unicode


@pytest.mark.parametrize(
    "unit",
    ["mV", "uS/cm**2", "1/s", "mm**2", "1/(s*mV)", "dimensionless", "kiloohm", "degC", "(um**2)"],
)
def test_unit_text_is_that_of_quantities(unit: str) -> None:
    one = quantity(1.0, unit)
    assert unit_text(one) == one.dimensionality.string == unit


def test_unit_that_the_contract_lacks() -> None:
    with pytest.raises(ContractError, match="smoot") as caught:
        to_schema({"a": 3 * pq.UnitQuantity("smoot", 1.7018 * pq.m)}, "length")
    assert caught.value.entry == "length.a"
    assert "rescale" in str(caught.value.hint)
    with pytest.raises(ContractError, match="unexpected"):
        unit_text(pq.Quantity(1, "mV") / pq.ms**0.5)


def test_brian_quantities(require: Callable[[str], ModuleType]) -> None:
    brian = require("brian2")
    volt, second, meter = brian.volt, brian.second, brian.meter
    assert to_schema(3 * brian.mV, "x") == Quantity(0.003, "V")
    assert to_schema(brian.mV, "x") == Quantity(0.001, "V")
    assert to_schema(5 * brian.Hz, "x") == Quantity(5.0, "1/s")
    assert to_schema(2 * brian.siemens / meter**2, "x") == Quantity(2.0, "S/m**2")
    assert to_schema(2 * volt / second, "x") == Quantity(2.0, "V/s")
    assert to_schema(2 * brian.Mohm, "x") == Quantity(2e6, "ohm")
    assert to_schema(3 * brian.mmolar, "x") == Quantity(3.0, "mol/m**3")
    assert to_schema([1, 2] * brian.kilogram, "x") == Quantity(
        Array("<f8", (2,), np.array([1.0, 2.0]).tobytes()), "kg"
    )
    with pytest.raises(ContractError, match="not whole"):
        to_schema(volt / second**0.5, "sigma")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({1, 2}, "builtins.set is no annotation value"),
        (object, "builtins.type"),
        (decimal.Decimal(1), "decimal.Decimal"),
        (date(2024, 1, 1), "datetime.date"),
        (MASKED, "MaskedArray is more than an array"),
        (np.array([{}]), "array of Python objects"),
        (np.array([1, "a"], object), "array of Python objects"),
        (np.zeros(2, "i4,f8"), "no dtype of the contract"),
        (np.zeros(1, "i4,f8")[0], "no dtype of the contract"),
        (np.array([None])[0:1], "array of Python objects"),
        (pq.UncertainQuantity(1.0, "mV", 0.1), "UncertainQuantity is more than a quantity"),
        (pq.Quantity(np.array([1, None]), "mV"), "array of Python objects"),
        ("\ud800", "half a surrogate"),
        ({1: 2}, "keys of a dict must be text, not int"),
        ({"\ud800": 2}, "half a surrogate"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(value: Any, message: str) -> None:
    with pytest.raises(ContractError, match=message) as caught:
        to_schema({"deep": [0, value]}, "facts")
    assert caught.value.entry == "facts.deep[1]"


def test_neo_signal_is_no_annotation(require: Callable[[str], ModuleType]) -> None:
    neo = require("neo")
    signal = neo.AnalogSignal([1.0, 2.0], units="mV", sampling_rate=1 * pq.kHz)
    with pytest.raises(ContractError, match="AnalogSignal is more than a quantity"):
        to_schema(signal, "x")
    assert to_schema(signal.t_start, "x") == Quantity(0.0, "s")


def test_value_that_contains_itself() -> None:
    itself: list[Any] = []
    itself.append(itself)
    with pytest.raises(ContractError, match="deeper than 64"):
        to_schema(itself, "x")


def test_quantities_is_not_imported_for_nothing() -> None:
    code = (
        "import sys, numpy, archive.values as v\n"
        "v.to_schema({'a': [1, numpy.arange(3)]}, 'x')\n"
        "assert 'quantities' not in sys.modules\n"
        "assert 'brian2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
