"""Generators of random numbers, set to what they were."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any

import schemas
from archive import values
from archive.errors import FormatError

_FAULTS = (ValueError, TypeError, KeyError, OverflowError, AttributeError)


def restore_generators(states: Mapping[str, schemas.Model]) -> None:
    """Set those that all of a program share, by whose they are: of NumPy and of `random`. Raises
    FormatError for a state that is none."""
    for whose, state in states.items():
        if isinstance(state, schemas.Generator):
            try:
                if whose == "numpy":
                    # NumPy is loaded, as an archive is open, and loads this when it is asked for
                    sys.modules["numpy"].random.set_state(_numpy_state(state))
                elif whose == "random":
                    random.setstate(_python_state(state))
            except _FAULTS as error:
                raise _damaged(whose, error) from error


def restore_generator(name: str, generator: Any, state: schemas.Model) -> None:
    """Set one that the program made, of NumPy, PyNN or `random`; one that has no state that could
    be set goes on as it is. Raises FormatError for a state that is none, or of another sort."""
    if not isinstance(state, schemas.Generator) or not state.state:
        return
    try:
        if isinstance(generator, random.Random):
            generator.setstate(_python_state(state))
            return
        inner = getattr(generator, "rng", generator)  # of PyNN
        if hasattr(inner, "set_state"):
            inner.set_state(_numpy_state(state))
            return
        bits = getattr(inner, "bit_generator", inner)
        bits.state = _numpy_state(state)
    except _FAULTS as error:
        raise _damaged(name, error) from error


def _numpy_state(recorded: schemas.Generator) -> dict[str, Any]:
    facts: dict[str, Any] = values.from_schema_dict(recorded.state)
    return {**facts, "bit_generator": recorded.algorithm}


def _python_state(recorded: schemas.Generator) -> tuple[Any, ...]:
    facts = values.from_schema_dict(recorded.state)
    numbers = (*map(int, facts["key"]), int(facts["position"]))
    return facts["version"], numbers, facts["gauss"]


def _damaged(whose: str, error: Exception) -> FormatError:
    return FormatError(f"the state of the generator {whose!r} cannot be set ({error})")
