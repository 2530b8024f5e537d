"""How much two things differ, from nothing to all that counts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

Verdict = Literal[
    "identical", "equal in value, not in bits", "equal within the tolerance", "different"
]

IDENTICAL: Final[Verdict] = "identical"
EQUAL: Final[Verdict] = "equal in value, not in bits"
CLOSE: Final[Verdict] = "equal within the tolerance"
DIFFERENT: Final[Verdict] = "different"
ORDER: Final[tuple[Verdict, ...]] = (IDENTICAL, EQUAL, CLOSE, DIFFERENT)

# What is in two units, or was computed in two ways, differs in the last bits; so much of the
# largest value is the same number, as it is of parameters (see `value_keys`).
ROUNDING: Final = 2.0**-40


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on all of them together; none at all are identical."""
    return max(verdicts, key=ORDER.index, default=IDENTICAL)
