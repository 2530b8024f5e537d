"""What a restore into a Brian 2 network will do: found out whole, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.entry import Loss
from archive.hooks.brian2_objects import dimension_of
from archive.hooks.restoring import Restoration, refuse
from archive.states.brian2 import Variable
from schemas.v1.unit import parse

Numbers = npt.NDArray[Any]


@dataclass(slots=True)
class Plan:
    """Steps to take, and the report on them. `own`: the snapshot is one of Brian 2 itself."""

    strict: bool
    own: bool
    faults: list[Loss] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    skipped: list[Loss] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    changed: list[Loss] = field(default_factory=list)
    steps: list[Callable[[], object]] = field(default_factory=list)

    def put(self, what: str, step: Callable[[], object]) -> None:
        """Restore one thing."""
        self.restored.append(what)
        self.steps.append(step)

    def skip(self, entry: str, what: str, reason: str) -> None:
        """What the network cannot have, whatever it is."""
        self.skipped.append(Loss(entry, what, reason))

    def fault(self, entry: str, what: str, reason: str) -> None:
        """What disagrees and cannot be put in: refused if strict, else skipped. Nothing of
        another simulator agrees in all, so that is skipped always."""
        (self.faults if self.strict and self.own else self.skipped).append(
            Loss(entry, what, reason)
        )

    def unlike(self, entry: str, what: str, reason: str) -> None:
        """What disagrees and can be put in all the same: refused if strict, else changed."""
        (self.faults if self.strict else self.changed).append(Loss(entry, what, reason))

    def lacking(self, entry: str, what: str, *, agreed: bool = False) -> None:
        """What the network has and the snapshot has not; `agreed`: as it may be."""
        if self.strict and self.own and not agreed:
            self.faults.append(Loss(entry, what, "the snapshot does not have it"))
        else:
            self.missing.append(f"{entry}: {what}")

    def carry_out(self) -> Restoration:
        """Refuse if strict and something disagrees; else do it all."""
        refuse(self.faults)
        for step in self.steps:
            step()
        return Restoration(
            tuple(self.restored), tuple(self.skipped), tuple(self.missing), tuple(self.changed)
        )


def fitting(plan: Plan, entry: str, name: str, held: Variable, live: Any) -> Numbers | None:
    """The values in the unit and type of the live variable, None if they do not fit it."""
    factor = _factor(held, live, own=plan.own)
    if isinstance(factor, str):
        plan.fault(entry, name, factor)
        return None
    values = held.values if factor == 1 else held.values * factor
    wanted = np.dtype(live.dtype)
    if values.dtype == wanted:
        return values
    if not np.can_cast(values.dtype, wanted, "same_kind"):
        plan.fault(entry, name, f"{values.dtype} in the snapshot, {wanted} in the network")
        return None
    if plan.own:
        plan.unlike(entry, name, f"{values.dtype} in the snapshot, {wanted} in the network")
    return values.astype(wanted)


def _factor(held: Variable, live: Any, *, own: bool) -> float | str:
    """What to multiply with, or why the dimensions do not fit."""
    unit, exponents = dimension_of(live)
    if held.exponents is not None or exponents is not None:
        if held.exponents == exponents or (own and held.unit is None and held.exponents is None):
            return 1.0
        return "it has another dimension in the network"
    assert unit is not None
    if held.unit is None:
        if own or unit == "dimensionless":
            return 1.0
        return f"its unit is not known, and the network has it in {unit}"
    given, wanted = parse(held.unit), parse(unit)
    if given.dimension != wanted.dimension:
        return f"{held.unit} in the snapshot, {unit} in the network"
    if given.zero != wanted.zero:
        return f"{held.unit} has another zero than {unit}"
    return float(given.scale / wanted.scale)


def assign(variable: Any, values: Numbers, rows: slice = slice(None)) -> Callable[[], None]:
    """The step that sets a variable; one whose length may change gets that of the values."""

    def step() -> None:
        if hasattr(variable, "resize") and rows == slice(None):
            variable.resize(values.shape[0] if values.ndim == 1 else values.shape)
        variable.get_value()[rows] = values

    return step
