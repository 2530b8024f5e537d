"""The state of a live network as the entry of a snapshot, and back: by the simulator it is of.

Each simulator has a module of three functions; no simulator is imported to find the right one.
These modules are a tenth of the package: they are loaded when the first state is taken or put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Protocol, cast

from archive.entry import Entry
from archive.errors import FormatError
from archive.hooks.restoring import Choice, Restoration

__all__ = ["Choice", "Restoration", "capture", "restore"]


class StateHook(Protocol):
    """What the module of a simulator offers."""

    def is_state(self, item: object, /) -> bool:
        """Whether it is a network, population or projection of this simulator."""
        ...

    def capture(
        self, items: Sequence[Any], /, *, populations: Choice, projections: Choice
    ) -> Entry:
        """The snapshot of a network, or of single populations and projections: a Snapshot whose
        parts are Population and Projection entries with their arrays, copied."""
        ...

    def restore(
        self,
        snapshot: Entry,
        items: Sequence[Any],
        /,
        *,
        populations: Choice,
        projections: Choice,
        strict: bool,
    ) -> Restoration:
        """Put a snapshot into a network. With `strict`, refuse before anything is touched."""
        ...


MODULES = tuple(
    f"archive.hooks.{simulator}_state" for simulator in ("pynn", "nest", "brian2", "annarchy")
)


def _hooks() -> Iterator[StateHook]:
    return (cast("StateHook", import_module(name)) for name in MODULES)


def _hook_for(items: Sequence[object]) -> StateHook:
    for hook in _hooks():
        if items and all(hook.is_state(item) for item in items):
            return hook
    kinds = ", ".join(dict.fromkeys(f"{type(i).__module__}.{type(i).__qualname__}" for i in items))
    raise FormatError(
        f"the state of {kinds or 'nothing'} cannot be taken, nor put back",
        hint="give a Brian 2, ANNarchy, PyNN or NEST network, or populations and projections of"
        " one of these",
    )


def capture(
    items: Sequence[object], *, populations: Choice = True, projections: Choice = True
) -> Entry:
    """The snapshot of a network, or of single populations and projections of one simulator.

    Its model has no name and no annotations yet. Raises FormatError for objects of which no
    simulator is known, ContractError for a state that cannot be kept.
    """
    hook = _hook_for(items)
    return hook.capture(items, populations=populations, projections=projections)


def restore(
    snapshot: Entry,
    items: Sequence[object],
    *,
    populations: Choice = True,
    projections: Choice = True,
    strict: bool = True,
) -> Restoration:
    """Put a snapshot into a network, also of another simulator than it is from.

    Raises ContractError before anything is touched if `strict` and structure, size or type of
    what was chosen disagree; FormatError for objects of which no simulator is known.
    """
    hook = _hook_for(items)
    return hook.restore(
        snapshot, items, populations=populations, projections=projections, strict=strict
    )
