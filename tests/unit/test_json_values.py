"""Values of every sort in the JSON of the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import quantities as pq

from archive.cli.json_values import to_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (1 << 100, 1 << 100),
        (0.5, 0.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("text", "text"),
        (1 + 2j, {"real": 1.0, "imag": 2.0}),
        (b"\x00\xff", {"base64": "AP8="}),
        (datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-01-02T03:04:05.000006+00:00"),
        (0.1 * pq.nA, {"value": 0.1, "unit": "nA"}),
        ([1, 2] * pq.mV, {"value": [1.0, 2.0], "unit": "mV"}),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([np.nan, 1.0]), ["nan", 1.0]),
        (np.float32(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.array([b"a"]), [{"base64": "YQ=="}]),
        (np.datetime64("2026-01-02", "ns"), "2026-01-02T00:00:00.000000000"),
        (np.array(["2026-01-02"], "M8[D]"), ["2026-01-02"]),
        (
            {"a": [1 * pq.s, {"b": np.bool_(True)}]},
            {"a": [{"value": 1.0, "unit": "s"}, {"b": True}]},
        ),
    ],
)
def test_values_in_json(value: Any, expected: Any) -> None:
    found = to_json(value)
    assert found == expected
    assert json.loads(json.dumps(found, allow_nan=False)) == expected


def test_what_has_no_form_in_json() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        to_json(object())
