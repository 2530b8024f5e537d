"""Models made of what a foreign file says."""

from __future__ import annotations

from typing import Any, TypeVar

import schemas
from archive.errors import ContractError, FormatError
from archive.modelling import modelled

# A pointer to each neuron's connections takes 8 bytes: hundreds of megabytes of them are damage;
# where only the largest rank tells the size, tens of megabytes.
MOST_NEURONS, MOST_RANKS = 1 << 24, 1 << 22
AnyModel = TypeVar("AnyModel", bound=schemas.Model)


def model_of(kind: type[AnyModel], where: str, /, **fields: Any) -> AnyModel:
    """A model of this kind; a FormatError naming the entry where the contract is broken."""
    try:
        return modelled(kind, where, **fields)
    except ContractError as broken:
        raise FormatError(broken.message, entry=where) from broken.__cause__


def checked_size(size: int, where: str, *, is_known: bool = True) -> int:
    """The size of a population, if one can have it; not `is_known`, it comes from ranks. Raises
    FormatError, naming `where`."""
    if not 0 <= size <= (MOST_NEURONS if is_known else MOST_RANKS):
        raise FormatError(f"a population of {size} neurons", entry=where)
    return size
