"""The generators of random numbers that a program shares, set to what they were."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import schemas
from archive import values
from archive.errors import FormatError


def restore_generators(states: Mapping[str, schemas.Model]) -> tuple[str, ...]:
    """Set each that is known here to its recorded state, by whose it is; returns those that were
    set. Raises FormatError for a state that is none."""
    done = []
    for whose, state in states.items():
        restore = _RESTORE.get(whose)
        if restore is None or not isinstance(state, schemas.Generator):
            continue
        try:
            restore(state)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise FormatError(f"the state of the generator of {whose} is none ({error})") from error
        done.append(whose)
    return tuple(done)


def _of_numpy(recorded: schemas.Generator) -> None:
    """As `numpy.random.get_state(legacy=False)` tells it."""
    facts: dict[str, Any] = values.from_schema_dict(recorded.state)
    numpy_random = sys.modules["numpy.random"]  # of an archive that is open it is loaded
    numpy_random.set_state({**facts, "bit_generator": recorded.algorithm})


def _of_python(recorded: schemas.Generator) -> None:
    facts = values.from_schema_dict(recorded.state)
    numbers = (*map(int, facts["key"]), int(facts["position"]))
    random.setstate((facts["version"], numbers, facts["gauss"]))


_RESTORE: Final[Mapping[str, Callable[[schemas.Generator], None]]] = {
    "numpy": _of_numpy,
    "random": _of_python,
}
