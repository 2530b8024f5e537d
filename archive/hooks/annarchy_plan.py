"""What a restore into an ANNarchy network will do, worked out before anything is touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.entry import Loss
from archive.hooks.annarchy_network import Attribute
from archive.hooks.restoring import Restoration, refuse


@dataclass
class Plan:
    """Steps to take, in order, and the report of them; `faults` is what strict refuses.

    `typed`: the snapshot knows the types of its values. ANNarchy's files have whole numbers and
    truths of neurons as floating-point ones, which is then no fault.
    """

    typed: bool = True
    steps: list[Callable[[], None]] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    skipped: list[Loss] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    changed: list[Loss] = field(default_factory=list)
    faults: list[Loss] = field(default_factory=list)

    def put(self, what: str, step: Callable[[], None]) -> None:
        """Something that will be as it was."""
        self.restored.append(what)
        self.steps.append(step)

    def skip(self, entry: str, what: str, reason: str) -> None:
        """Something of the snapshot that has no place, through no fault of the network's."""
        self.skipped.append(Loss(entry, what, reason))

    def skip_unlisted(self, entry: str, native: Mapping[str, Any]) -> None:
        """What a file of ANNarchy has of a part beside its attributes; ANNarchy ignores it too."""
        for what in native.get("unlisted", {}):
            self.skip(entry, what, "the file does not list it among the attributes")

    def fault(self, entry: str, what: str, reason: str) -> None:
        """Something of the snapshot that this network cannot take."""
        self.skip(entry, what, reason)
        self.faults.append(self.skipped[-1])

    def change(self, entry: str, what: str, reason: str, *, fault: bool = False) -> None:
        """Something that is put in, though the network was made otherwise."""
        self.changed.append(Loss(entry, what, reason))
        if fault:
            self.faults.append(self.changed[-1])

    def miss(self, entry: str, what: str, *, fault: bool = True) -> None:
        """Something of the network that is not in the snapshot."""
        self.missing.append(f"{entry}: {what}")
        if fault:
            self.faults.append(Loss(entry, what, "not in the snapshot"))

    def carry_out(self, strict: bool) -> Restoration:
        """Refuse, or take all steps."""
        if strict:
            refuse(self.faults)
        for step in self.steps:
            step()
        return Restoration(
            tuple(self.restored), tuple(self.skipped), tuple(self.missing), tuple(self.changed)
        )

    def fitted(
        self, entry: str, attribute: Attribute, held: Any, size: int
    ) -> npt.NDArray[Any] | None:
        """Values as an attribute of `size` values takes them; None, and a fault, if it cannot.

        ANNarchy itself takes an array of any size, and computes beyond its end.
        """
        values = np.atleast_1d(np.asarray(held))
        size = 1 if attribute.locality == "global" else size
        if values.ndim != 1 or len(values) not in (1, size):
            shape = values.shape[0] if values.ndim == 1 else values.shape
            self.fault(entry, attribute.name, f"it has {shape} values, not {size}")
            return None
        fitting = values.astype(attribute.dtype) if values.dtype.kind in "biuf" else None
        if fitting is None or not np.array_equal(
            fitting.astype(values.dtype), values, equal_nan=values.dtype.kind == "f"
        ):
            self.fault(
                entry, attribute.name, f"values of {values.dtype} do not fit {attribute.dtype}"
            )
            return None
        if values.dtype.kind != attribute.dtype.kind:
            kinds = f"they were {values.dtype}, and are {attribute.dtype}"
            self.change(entry, attribute.name, kinds, fault=self.typed)
        if len(values) != size:
            self.change(entry, attribute.name, "one value for all became one for each", fault=True)
            fitting = np.full(size, fitting[0])
        return fitting
