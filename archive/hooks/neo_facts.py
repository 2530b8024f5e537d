"""What all Neo objects have in common: names, annotations, quantities; and what only Neo knows.

Facts that the contract has no field for (a file of origin, a sampling rate given in Hz, …) are
kept in the annotations under the key ``_neo``, so that Neo gets back what it gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError
from archive.values import from_schema, quantity, to_schema

KEPT = "_neo"
MARKS_OF_NIXIO = ("nix_name", "neo_name")  # what Neo's NixIO leaves in the caller's objects


def loaded(item: Any) -> Any:
    """The object itself, read from its file if it is one of Neo's proxies, with waveforms."""
    if not hasattr(item, "proxy_for"):
        return item
    if item.proxy_for.__name__ == "SpikeTrain" and item.sampling_rate is not None:
        # a reader that knows their sampling rate need not have the waveforms: it gives None then
        with suppress(TypeError, AttributeError, NotImplementedError):
            return item.load(load_waveforms=True)
    return item.load()


def frozen(annotations: Mapping[str, Any], kept: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Annotations as values of the contract, and what only Neo knows under its key."""
    if KEPT in annotations:
        raise FormatError(
            f"the annotation {KEPT!r} has a meaning of its own in archives",
            entry=where,
            hint="give it another name",
        )
    given = {name: value for name, value in annotations.items() if name not in MARKS_OF_NIXIO}
    if kept:
        given[KEPT] = dict(kept)
    return {
        name: to_schema(value, f"{where}: annotation {name!r}") for name, value in given.items()
    }


def thawed(annotations: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Annotations as Python values, and apart from them what only Neo knows."""
    values = {name: from_schema(value) for name, value in annotations.items()}
    return values, values.pop(KEPT, {})


def named(item: Any, fallback: str, kept: dict[str, Any]) -> str:
    """The name of an object; without one the fallback, and that it had none is kept."""
    if item.name:
        return str(item.name)
    kept["name"] = item.name
    return fallback


def origin(item: Any) -> dict[str, Any]:
    """The file an object came from, if Neo knows one."""
    return {} if item.file_origin is None else {"file_origin": item.file_origin}


def unit_of(text: str) -> Any:
    """The unit that a text stands for, as quantities have it."""
    return quantity(1.0, text).units


def in_unit(value: Any, text: str) -> float:
    """A scalar quantity, or a number that has this unit already, as a number in a unit."""
    if hasattr(value, "rescale"):
        return float(value.rescale(unit_of(text)).magnitude)
    return float(value)


def same_quantity(one: Any, other: Any) -> bool:
    """Whether two quantities have the same number, unit and spelling of the unit."""
    return bool(
        str(one.dimensionality) == str(other.dimensionality)
        and np.array_equal(one.magnitude, other.magnitude)
    )


def population_of(annotations: dict[str, Any], fallback: str | None) -> str | None:
    """The population that PyNN names in an object's annotations, taken out of them."""
    label = annotations.get("source_population")
    if isinstance(label, str) and label:
        del annotations["source_population"]
        return label
    return fallback


def channels_of(
    index: Any, count: int, population: str | None
) -> tuple[npt.NDArray[np.int64], bool]:
    """Indices in the population, and whether `index` is in them and need not be kept besides.

    Objects of a population get their index back on the way to Neo; others only where the
    indices say more than 0, 1, 2, ….
    """
    plain = np.arange(count, dtype=np.int64)
    try:
        array = np.asarray(index)
    except ValueError:
        return plain, False
    if array.dtype.kind not in "iu" or array.shape != (count,):
        return plain, False
    says_more = population is not None or not np.array_equal(array, plain)
    return array.astype(np.int64), says_more


def says_channels(population: str | None, channels: npt.NDArray[np.int64]) -> bool:
    """Whether Neo should be told the channels."""
    return population is not None or not np.array_equal(channels, np.arange(len(channels)))
