"""The queues of events on their way, of Brian 2's C++ and of its Python implementation.

In a snapshot a queue is relative to now: ``counts`` (step,) events that arrive in this time step,
the next one, ...; ``synapses`` (event,) the synapses where they do, in order of arrival. ``width``
is there for the Python implementation alone, with its ``step`` in s once it has run.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.errors import ContractError


def relative(state: tuple[Any, ...]) -> dict[str, Any]:
    """A queue from what `_full_state` of either implementation gives."""
    if len(state) == 2:
        offset, slots = state
        turned = [*slots[offset:], *slots[:offset]]
        counts = np.fromiter(map(len, turned), np.int64, len(turned))
        synapses = np.fromiter(chain.from_iterable(turned), np.int32, int(counts.sum()))
        return {"counts": counts, "synapses": synapses}
    step, events, (steps, width) = state
    times, synapses = np.asarray(events)[:, 0], np.asarray(events)[:, 1]
    order = np.argsort(times, kind="stable")
    found = {
        "counts": np.bincount(times, minlength=steps).astype(np.int64),
        "synapses": synapses[order].astype(np.int32),
        "width": int(width),
    }
    return found if step is None else {**found, "step": float(step)}


def cpp_state(queue: Mapping[str, Any]) -> tuple[int, list[list[int]]]:
    """What `_restore_from_full_state` of the C++ implementation takes."""
    counts, synapses = queue["counts"], queue["synapses"]
    pieces = np.split(synapses, np.cumsum(counts)[:-1]) if len(counts) else []
    return 0, [piece.tolist() for piece in pieces]


def python_state(queue: Mapping[str, Any], step: float | None) -> tuple[Any, ...]:
    """What `_restore_from_full_state` of the Python implementation takes; `step` in s is used
    where the queue does not say its own."""
    counts, synapses = queue["counts"], queue["synapses"]
    width = max(int(queue.get("width", 1)), int(counts.max(initial=0)), 1)
    events = np.empty((len(synapses), 2), int)
    events[:, 0], events[:, 1] = np.repeat(np.arange(len(counts)), counts), synapses
    return queue.get("step", step), events, (max(len(counts), 1), width)


def checked(queue: Mapping[str, Any], synapses: int, where: str) -> dict[str, Any]:
    """A queue from a snapshot, its arrays as such. Raises ContractError if it is none, or names
    synapses that are not there: the simulator itself would not look before it uses them."""
    counts: npt.NDArray[Any] = np.asarray(queue.get("counts"))
    targets: npt.NDArray[Any] = np.asarray(queue.get("synapses"))
    if (
        counts.ndim != 1
        or targets.ndim != 1
        or counts.dtype.kind not in "iu"
        or targets.dtype.kind not in "iu"
        or counts.min(initial=0) < 0
        or counts.sum() != len(targets)
    ):
        raise ContractError("the queue of events does not fit itself", entry=where)
    if len(targets) and not (targets.min() >= 0 and targets.max() < synapses):
        raise ContractError(
            f"an event is on its way to synapse {targets.max()} of {synapses}", entry=where
        )
    return {**queue, "counts": counts, "synapses": targets.astype(np.int32)}
