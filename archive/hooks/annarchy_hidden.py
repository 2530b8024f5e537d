"""What ANNarchy computes with and does not show: queues, countdowns, clocks, generators.

A network compiled by `archive.hooks.annarchy_compile` shows these, and its snapshots have them in
``native["hidden"]``, each by the name that it has in ANNarchy's C++ code. Of other networks there
is no way to read them; the report of a restore then says what is not as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from archive.hooks.annarchy_network import kind_of, population_of

GET, SET, MEMBERS = "neuroarchive_get_", "neuroarchive_set_", "neuroarchive_members"
# what ANNarchy plays from a clock of its own
CLOCKED = (
    "SpikeSourceArray",
    "TimedArray",
    "TimedPoissonPopulation",
    "HomogeneousCorrelatedSpikeTrains",
)
UNREAD = "ANNarchy does not let it be read: compile with archive.hooks.annarchy_compile"


def shows(network: Any) -> bool:
    """Whether the network was compiled so that it shows all."""
    return hasattr(network.instance, MEMBERS)


def hidden_state(item: Any, network: Any) -> dict[str, Any]:
    """``hidden`` of a population or projection, if the network shows it."""
    if not shows(network):
        return {}
    names = getattr(network.instance, MEMBERS)(item.cyInstance)
    return {"hidden": {name: packed(_read(item, network, name)) for name in names}}


def hidden_generators(network: Any) -> dict[str, Any]:
    """``hidden`` of the network: the states of its random generators, as C++ writes them."""
    if not shows(network):
        return {}
    return {"hidden": {"rng": list(getattr(network.instance, f"{GET}rng")())}}


def put_generators(network: Any, states: Sequence[str]) -> None:
    """Give the network's generators their states."""
    getattr(network.instance, f"{SET}rng")(list(states))


def put_hidden(item: Any, network: Any, hidden: Mapping[str, Any]) -> None:
    """Give a population or projection what it had hidden; it must have the same members."""
    for name, value in hidden.items():
        getattr(network.instance, f"{SET}{name}")(item.cyInstance, unpacked(value))


def members(item: Any, network: Any) -> set[str]:
    """Names of what is hidden in it, if the network shows it."""
    return set(getattr(network.instance, MEMBERS)(item.cyInstance)) if shows(network) else set()


def _read(item: Any, network: Any, name: str) -> Any:
    return getattr(network.instance, f"{GET}{name}")(item.cyInstance)


def packed(value: Any) -> Any:
    """Nested lists as ``values`` and, from the outermost level to the innermost, their
    ``lengths``; a number stands for itself."""
    if not isinstance(value, list):
        return value
    lengths = []
    depth = _depth(value)
    for _ in range(depth):
        lengths.append(np.fromiter(map(len, value), np.int64, len(value)))
        value = list(chain.from_iterable(value))
    numbers = np.array(value) if value else np.zeros(0, np.int64)
    return {"values": numbers, "lengths": lengths}


def _depth(value: Any) -> int:
    """How many levels of lists lie inside a list; empty ones tell nothing."""
    inner = [_depth(each) + 1 for each in value if isinstance(each, list)]
    return max(inner, default=0)


def unpacked(value: Any) -> Any:
    """What `packed` was given; lists that were empty throughout have the levels that it saw."""
    if not isinstance(value, Mapping):
        return value
    held = list(np.asarray(value["values"]).tolist())
    for lengths in reversed(value["lengths"]):
        stops = np.cumsum(lengths).tolist()
        held = [held[stop - n : stop] for n, stop in zip(lengths.tolist(), stops, strict=True)]
    return held


class Unread(NamedTuple):
    """Something hidden: the beginning of its name in C++, and what becomes of it."""

    member: str
    becomes: str


def unreadable(item: Any, projections: Sequence[Any]) -> dict[str, Unread]:
    """What a population or projection has that ANNarchy does not let be read.

    `projections` are all of its network: whose spikes are on their way depends on them.
    """
    if kind_of(item) == "Population":
        return _of_population(item, projections)
    found = {}
    variables = item.synapse_type.description["variables"]
    driven = [each["name"] for each in variables if each.get("method") == "event-driven"]
    if driven:
        found["last events"] = Unread(
            "_last_event",
            f"{', '.join(driven)} count from the last event of each synapse, which is not known:"
            " they fade as if it were long ago",
        )
    if item.synapse_type.type == "spike" and item.max_delay > 1 and item.uniform_delay < 0:
        found["delayed spikes"] = Unread("_delayed_spikes", "those on their way are lost")
    return found


def _of_population(item: Any, projections: Sequence[Any]) -> dict[str, Unread]:
    description = item.neuron_type.description
    found = {}
    leaving = [each for each in projections if population_of(each.pre) is item]
    if item.neuron_type.type == "spike":
        arriving = [each for each in projections if population_of(each.post) is item]
        if leaving:
            lost = "those of the last step, and those on their way, are lost"
            found["spikes"] = Unread("spiked", lost)
        elif any(each.synapse_type.description.get("post_spike") for each in arriving):
            found["last spikes"] = Unread("last_spike", "their times are lost")
        if description["refractory"]:
            found["refractoriness"] = Unread("refractory_remaining", "no neuron is refractory")
        if item._compute_mean_fr > 0:
            found["mean rate"] = Unread("_spike_history", "it counts from no spikes")
    elif item.max_delay > 1 and leaving:
        found["delayed rates"] = Unread("_delayed_", "all are the present ones")
    if type(item).__name__ in CLOCKED:
        found["clock of the input"] = Unread("_t", "it stands where it stood")
    return found


def draws(item: Any) -> bool:
    """Whether it draws random numbers while it runs."""
    model = item.neuron_type if kind_of(item) == "Population" else item.synapse_type
    return bool(model.description.get("random_distributions"))
