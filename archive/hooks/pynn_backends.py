"""What a back end of PyNN offers for snapshots, and which one a population or projection is of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from archive.errors import FormatError
from archive.hooks import pynn_on_brian2, pynn_on_nest, pynn_on_neuron

# Values by name, each with its unit; None: the unit that PyNN has for a variable of that name.
State = dict[str, tuple[npt.NDArray[Any], str | None]]


class Links(Protocol):
    """The connections of one projection. `pre` and `post` are PyNN's ids of cells."""

    pre: npt.NDArray[np.int64]
    post: npt.NDArray[np.int64]

    def read(self, name: str, /) -> Any:
        """A parameter of the synapse type, (connection,), by its native name; None: not told."""
        ...

    def write(self, name: str, values: Any, /) -> None:
        """Set a parameter of the synapse type, by its native name."""
        ...

    def state(self, taken: Iterable[str] = ..., /) -> State:
        """Variables that the synapses change, but for those `taken` for parameters."""
        ...

    def set_state(self, values: Mapping[str, npt.NDArray[Any]], /) -> dict[str, str]:
        """Set them. Returns what cannot be set, with the reason."""
        ...


class Backend(Protocol):
    """What each of the modules ``pynn_on_*`` has."""

    LOST: str  # what of the state cannot be restored
    MOMENTS: dict[str, float]  # variables that are moments, and a ms in their unit

    def time(self, simulator: Any, /) -> float: ...
    def seeds(self, simulator: Any, /) -> dict[str, Any]: ...
    def cell_state(self, population: Any, /) -> State: ...
    def set_cell_state(
        self, population: Any, values: Mapping[str, npt.NDArray[Any]], /
    ) -> dict[str, str]: ...
    def Links(self, projection: Any, /) -> Links: ...


_KNOWN = {"neuron": pynn_on_neuron, "nest": pynn_on_nest, "brian2": pynn_on_brian2}


def simulator_name(simulator: Any) -> str:
    """'neuron', 'nest', 'brian2', or what another back end calls itself, in lower case."""
    return str(simulator.name).lower()


def backend(simulator: Any) -> Backend:
    """What reads and writes the back end whose module ``simulator`` is given. Raises FormatError
    for one that is not known."""
    name = simulator_name(simulator)
    if name not in _KNOWN:
        raise FormatError(
            f"PyNN's back end {name!r} is not known here", hint=f"known are {', '.join(_KNOWN)}"
        )
    return cast("Backend", _KNOWN[name])
