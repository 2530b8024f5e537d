"""The generators of random numbers that a program shares, and those that it names."""

from __future__ import annotations

import random
import struct
import sys
from typing import Any, Final

import schemas
from archive import values
from archive.errors import ContractError

_ROW: Final = struct.Struct("<624I")


def numpy_state() -> Any:
    """The state of NumPy's legacy generator, which `numpy.random.seed` sets; None without NumPy.

    NumPy loads its generators, and seeds them, when they are first used: now.
    """
    loaded = sys.modules.get("numpy")
    return None if loaded is None else loaded.random.get_state(legacy=False)


def python_state() -> Any:
    """The state of the functions of `random`."""
    return random.getstate()


def of_numpy(state: dict[str, Any]) -> schemas.Generator:
    """The record of a state as NumPy's generators tell it."""
    facts = {**state}
    algorithm = facts.pop("bit_generator", None)
    return schemas.Generator(
        algorithm=None if algorithm is None else str(algorithm),
        state=values.to_schema_dict(_plain(facts), "state of a generator"),
    )


def _plain(value: Any) -> Any:
    """Dicts and lists as they are, single numbers of NumPy as those of Python."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    return value.item() if getattr(value, "shape", None) == () else value


def of_python(state: Any) -> schemas.Generator:
    """The record of a state as `random.getstate` tells it."""
    version, numbers, gauss = state
    key: schemas.Value
    if version == 3 and len(numbers) == 625:
        key = schemas.Array("<u4", (624,), _ROW.pack(*numbers[:-1]))
    else:
        key = [int(one) for one in numbers[:-1]]
    facts: dict[str, schemas.Value] = {"version": version, "key": key, "position": numbers[-1]}
    return schemas.Generator(algorithm="MT19937", state={**facts, "gauss": gauss})


def named(name: str, generator: Any) -> tuple[schemas.Generator, schemas.Value]:
    """The state of a generator that the program made, and the seed of it, if it knows one.

    Takes numpy.random.Generator, RandomState and bit generators, random.Random, and the
    generators of PyNN. Raises ContractError for others.
    """
    if isinstance(generator, random.Random):
        if type(generator) is random.Random:
            return of_python(generator.getstate()), None
        raise _strange(name, generator)  # SystemRandom has no state
    inner = getattr(generator, "rng", None)
    if hasattr(generator, "seed") and not callable(generator.seed):  # of PyNN
        seed = generator.seed if isinstance(generator.seed, int) else None
        if inner is None or not hasattr(inner, "get_state"):
            return schemas.Generator(algorithm=type(generator).__name__), seed
        return of_numpy(inner.get_state(legacy=False)), seed
    if hasattr(generator, "get_state"):
        return of_numpy(generator.get_state(legacy=False)), None
    bits = getattr(generator, "bit_generator", generator)
    state = getattr(bits, "state", None)
    if not isinstance(state, dict):
        raise _strange(name, generator)
    return of_numpy(state), _entropy(getattr(bits, "seed_seq", None))


def _entropy(sequence: Any) -> schemas.Value:
    """What a generator was seeded with."""
    entropy, key = getattr(sequence, "entropy", None), getattr(sequence, "spawn_key", ())
    if entropy is None:
        return None
    told: schemas.Value
    told = [int(one) for one in entropy] if hasattr(entropy, "__len__") else int(entropy)
    if not key:
        return told
    spawned: list[schemas.Value] = [int(one) for one in key]
    return {"entropy": told, "spawn_key": spawned}


def _strange(name: str, generator: Any) -> ContractError:
    return ContractError(
        f"{name!r}: the state of a {type(generator).__name__} cannot be kept",
        hint="give a generator of NumPy, PyNN or a random.Random",
    )
