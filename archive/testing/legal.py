"""Strategies of what models are made of: names, texts, units, moments, numbers and values.

All of it keeps the contract, and much of it is what formats trip over: names that look like
numbers, paths or formulas, NaN, negative zero, integers of more than 64 bits, empty arrays.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import hypothesis.extra.numpy as npst
import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from schemas.v1.value import Array, Quantity, Scalar, Value

TEXTS = st.one_of(
    st.sampled_from(
        ["", " ", "a\0b", "größer µ", "two\nlines", '"quoted", with a comma', "=1+1", "\u202eright"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
NAMES = st.one_of(
    st.sampled_from(
        [
            "v", "spikes", "exc", "a.b", "..", " padded ", "0", "-1", "1e5", "nan", "None", "true",
            "kind", "values", "segment 2", "$dict", "=1+1", '"', "'", "a,b;c", "#", "\\", "%s",
            "{}", "größer µ", "x" * 255, "\U0001f9e0", "e\u0301", "end", "CON",
        ]
    ),
    st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"),
        min_size=1,
        max_size=12,
    ),
)  # fmt: skip
UNITS = st.sampled_from(
    ["mV", "nA", "uS/cm**2", "1/ms", "dimensionless", "(um**2)", "1/(s*mV)", "%", "degC", "kiloohm"]
)
TIME_UNITS = st.sampled_from(["ms", "ms", "s", "us", "min"])
MOMENTS = st.datetimes(
    datetime(1970, 1, 2),
    datetime(2200, 1, 1),
    timezones=st.just(UTC) | st.integers(-23 * 60, 23 * 60).map(
        lambda minutes: timezone(timedelta(minutes=minutes))
    ),
)  # fmt: skip
FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=1e-6, max_value=1e9)
DTYPES = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(endianness="<"),
    npst.unsigned_integer_dtypes(endianness="<"),
    npst.floating_dtypes(endianness="<", sizes=(16, 32, 64)),
    npst.complex_number_dtypes(endianness="<", sizes=(64, 128)),
)
ANY_DTYPES = st.one_of(
    DTYPES,
    npst.byte_string_dtypes(max_len=5),
    npst.unicode_string_dtypes(endianness="<", max_len=5),
    npst.datetime64_dtypes(endianness="<"),
    npst.timedelta64_dtypes(endianness="<"),
)


def stored(array: npt.NDArray[Any]) -> Array:
    """The contract's form of an array."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return Array(little.dtype.str, array.shape, little.tobytes())


ARRAYS = npst.arrays(
    ANY_DTYPES, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
).map(stored)
NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([0, -1, 2**53 + 1, -(2**63), 2**64, 10**40]),
    st.floats(),
    st.sampled_from([-0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2]),
    st.complex_numbers(),
)
MEASURED = st.builds(
    Quantity,
    st.floats() | st.integers(-(2**63), 2**63 - 1) | st.complex_numbers()
    | ARRAYS.filter(lambda array: array.dtype[1] in "iufc"),
    UNITS,
)  # fmt: skip
ATOMS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    NUMBERS,
    TEXTS,
    st.binary(max_size=9),
    MOMENTS,
    st.datetimes(),
    MEASURED,
    ARRAYS,
    npst.arrays(ANY_DTYPES, ()).map(lambda array: Scalar(array.dtype.str, array.tobytes())),
)
VALUES: st.SearchStrategy[Value] = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.sampled_from(["$dict", "$float", "unit"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def facts(values: st.SearchStrategy[Any] = VALUES) -> st.SearchStrategy[dict[str, Any]]:
    """Annotations or parameters by name."""
    return st.dictionaries(NAMES, values, max_size=3)


def per_item(count: int) -> st.SearchStrategy[dict[str, Any]]:
    """Annotations with one value for each of `count` channels, trains or entries."""
    one = npst.arrays(ANY_DTYPES, (count,)).map(stored)
    return st.dictionaries(NAMES, one | st.lists(TEXTS, min_size=count, max_size=count), max_size=2)


def numbers(*shape: int) -> st.SearchStrategy[npt.NDArray[Any]]:
    """An array of this shape, of any dtype that samples can have."""
    return npst.arrays(DTYPES, shape)


def indices(count: int) -> st.SearchStrategy[npt.NDArray[Any]]:
    """Indices of channels: in any order, with gaps, and as large as they may be."""
    dtype = st.sampled_from(["<i8", "<i8", "<i4"])
    return npst.arrays(dtype, (count,), elements=st.integers(0, 2**31 - 1))


def times(count: int, dtype: Any = "<f8") -> st.SearchStrategy[npt.NDArray[Any]]:
    """Finite times in no order."""
    width = np.dtype(dtype).itemsize * 8
    within = st.floats(-1e6, 1e6, width=32) if width == 32 else st.floats(-1e6, 1e6)
    return npst.arrays(dtype, (count,), elements=within)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Or None."""
    return st.none() | strategy
