"""The random state of Brian 2's runtime device.

It draws from NumPy's legacy generator. Code compiled by Cython draws 20,000 numbers at once and
keeps only a memory address of them, which Brian 2's own `store` writes into its file: here the
numbers themselves are kept, those that are not used yet.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.errors import ContractError
from archive.hooks.brian2_layout import plain
from archive.values import from_schema
from schemas.v1.value import Value

BUFFERS = ("rand", "randn")
GENERATOR = "MT19937"
KEY_LENGTH = 624


def generator_facts(state: Any) -> dict[str, Any]:
    """NumPy's legacy state, from the tuple of five that `numpy.random.get_state` gives."""
    algorithm, key, position, has_gauss, gauss = state
    return {
        "algorithm": str(algorithm),
        "key": np.array(key),
        "position": int(position),
        "has_gauss": int(has_gauss),
        "gauss": float(gauss),
    }


def captured() -> dict[str, Any]:
    """The state of the generator, and the numbers drawn and not yet used."""
    device = _device()
    facts = {"generator": generator_facts(np.random.get_state(legacy=True))}
    for name in BUFFERS:
        index = int(getattr(device, f"{name}_buffer_index")[0])
        address = int(getattr(device, f"{name}_buffer")[0])
        numbers = np.empty(0)
        # At index 0 the buffer is used up (or was never there): the next draw makes a new one.
        if index and address:
            numbers = _at(address, _length())[index:].copy()
        facts[name] = {"numbers": numbers}
    return facts


def generator_state(random: Mapping[str, Value]) -> tuple[Any, ...]:
    """What `numpy.random.set_state` takes. Raises ContractError for another generator."""
    facts = from_schema(random.get("generator"))
    if not isinstance(facts, dict) or facts.get("algorithm") != GENERATOR:
        raise ContractError("the random state is not of NumPy's legacy generator")
    key, position = np.asarray(facts["key"]), facts["position"]
    if key.shape != (KEY_LENGTH,) or not 0 <= position <= KEY_LENGTH:
        raise ContractError("the random state is damaged")
    return GENERATOR, key.astype(np.uint32), position, facts["has_gauss"], facts["gauss"]


def left_over(random: Mapping[str, Value], name: str) -> npt.NDArray[np.float64] | None:
    """The numbers drawn and not yet used, None where the snapshot does not know them."""
    facts = random.get(name)
    if not isinstance(facts, dict) or "numbers" not in facts:
        return None
    numbers, _ = plain(facts["numbers"])
    if numbers is None or numbers.dtype != np.float64 or not len(numbers) < _length():
        raise ContractError(f"the drawn numbers of {name} are damaged")
    return numbers


def restore(random: Mapping[str, Value]) -> None:
    """Go on drawing where the snapshot was."""
    generator, drawn = generator_state(random), {name: left_over(random, name) for name in BUFFERS}
    np.random.set_state(generator)
    device = _device()
    for name, numbers in drawn.items():
        if numbers is not None:
            _put(device, name, numbers)


def _put(device: Any, name: str, numbers: npt.NDArray[np.float64]) -> None:
    address, index = getattr(device, f"{name}_buffer"), getattr(device, f"{name}_buffer_index")
    if not len(numbers):
        index[:] = 0
        return
    length = _length()
    if not int(address[0]):
        buffer = np.empty(length)
        # The compiled code will free this memory, as it does with the arrays that it makes.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(buffer))
        address[:] = buffer.ctypes.data
    index[:] = length - len(numbers)
    _at(int(address[0]), length)[length - len(numbers) :] = numbers


def _at(address: int, length: int) -> npt.NDArray[np.float64]:
    pointer = ctypes.cast(address, ctypes.POINTER(ctypes.c_double))
    return np.ctypeslib.as_array(pointer, (length,))


def _device() -> Any:
    from brian2.devices.device import all_devices

    return all_devices["runtime"]


def _length() -> int:
    from brian2.codegen.generators import cython_generator

    return int(cython_generator._BUFFER_SIZE)
