"""The state of Brian 2: networks, the magic one too, or single groups and synapses.

A network built anew by the same script, in another process, and restored from a snapshot goes on
bit for bit as the one that was never stopped, on the runtime targets numpy and cython. What is
outside of it: data of monitors, which are appended as segments; what Python functions
(`network_operation`) keep for themselves; the generator of Python's module `random`.
"""

from __future__ import annotations

from archive.hooks.brian2_capture import capture
from archive.hooks.brian2_objects import kind_of
from archive.hooks.brian2_restore import restore

__all__ = ["capture", "is_state", "restore"]


def is_state(item: object) -> bool:
    """Whether it is a network, a group of neurons or spikes, a part of one, or synapses."""
    return kind_of(item) is not None
