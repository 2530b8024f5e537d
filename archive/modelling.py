"""Models made of foreign values: an error says of which entry."""

from __future__ import annotations

from typing import Any, TypeVar

import schemas
from archive.errors import ContractError

AnyModel = TypeVar("AnyModel", bound=schemas.Model)


def modelled(kind: type[AnyModel], where: str, /, **fields: Any) -> AnyModel:
    """A model of this kind; a ContractError naming the entry where the contract is broken."""
    try:
        return kind(**fields)
    except ValueError as broken:
        # The models' own error lists every problem; a plain ValueError is one.
        listed: list[Any] = getattr(broken, "errors", list)()
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc'])) or kind.__name__}: {problem['msg']}"
            for problem in listed
        )
        raise ContractError(
            problems or str(broken), entry=where, hint="change it in the object that is appended"
        ) from broken
