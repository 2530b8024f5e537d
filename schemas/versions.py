"""The version of the contract, and what another version means for reading."""

from __future__ import annotations

import re

CONTRACT = (1, 0)


class TooNew(ValueError):
    """The document follows a newer major version of the contract, `contract`."""

    def __init__(self, contract: tuple[int, int]) -> None:
        self.contract = contract
        wanted = f"{contract[0]}.{contract[1]}"
        ours = f"{CONTRACT[0]}.{CONTRACT[1]}"
        super().__init__(
            f"written with contract {wanted}, and this neuroarchive reads up to {ours}:"
            f" install neuroarchive >= {wanted} (pip install 'neuroarchive>={wanted}')"
        )


def is_newer_minor(contract: tuple[int, int]) -> bool:
    """Whether documents of `contract` may have fields and kinds that are not known here.

    Raises TooNew for a newer major version, ValueError for one that was never released.
    """
    if contract[0] > CONTRACT[0]:
        raise TooNew(contract)
    if contract[0] < 1 or contract[1] < 0:
        raise ValueError(f"there is no contract {contract[0]}.{contract[1]}")
    return contract > CONTRACT


def parse_contract(text: str) -> tuple[int, int]:
    """The version that a text such as ``1.0`` names.

    Raises TooNew for a newer major version, ValueError for what is no released version.
    """
    match = re.fullmatch(r"([0-9]{1,6})\.([0-9]{1,6})", text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is no version of the contract")
    contract = (int(match[1]), int(match[2]))
    is_newer_minor(contract)
    return contract
