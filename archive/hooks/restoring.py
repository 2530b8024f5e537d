"""What became of a snapshot when it was put into a network."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from archive.entry import Loss
from archive.errors import ContractError

# Which populations, or projections, of a snapshot or network: all, none, or these names.
Choice = bool | Collection[str]


@dataclass(frozen=True, slots=True)
class Restoration:
    """The report of a restore; each thing is named like ``exc: v``.

    `restored` is now as it was; `skipped` was in the snapshot and could not be put into the
    network, with the reason; `missing` is in the network and not in the snapshot, and stayed as
    it was; `changed` was put in although the network was made otherwise, with what differed.
    """

    restored: tuple[str, ...] = ()
    skipped: tuple[Loss, ...] = ()
    missing: tuple[str, ...] = ()
    changed: tuple[Loss, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether the network is now in all that was asked for what the snapshot says."""
        return not self.skipped and not self.missing


def is_chosen(name: str, choice: Choice) -> bool:
    """Whether a population or projection of that name is meant."""
    return choice if isinstance(choice, bool) else name in choice


def refuse(faults: Sequence[Loss]) -> None:
    """With `strict`, before anything is touched: a ContractError that lists all that disagrees."""
    if faults:
        raise ContractError(
            "the network is not as the snapshot: " + "; ".join(map(str, faults)),
            hint="build it as it was, or give strict=False to restore what fits",
        )
