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
from archive.states.brian2 import BUFFERS, generator_facts, generator_state, plain
from schemas.v1.value import Value


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
