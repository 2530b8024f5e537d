"""Which process of how many this is under MPI: nothing of MPI is imported or begun to learn it."""

from __future__ import annotations

import os
import sys
from typing import Any

# What the usual launchers tell a process before anything of MPI is imported.
RANKS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")
SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE")


def world() -> Any:
    """All processes, where MPI is in use; else None."""
    mpi = sys.modules.get("mpi4py.MPI")
    running = mpi is not None and mpi.Is_initialized() and not mpi.Is_finalized()
    return mpi.COMM_WORLD if running else None  # type: ignore[union-attr]  # `running` says so


def rank_and_size() -> tuple[int | None, int | None]:
    """The number of this process and how many there are; None where there is no MPI, or it does
    not tell."""
    everybody = world()
    if everybody is not None:
        return int(everybody.Get_rank()), int(everybody.Get_size())
    return _told(RANKS), _told(SIZES)


def _told(names: tuple[str, ...]) -> int | None:
    told = (os.environ.get(name, "") for name in names)
    return next((int(one) for one in told if one.isdecimal() and one.isascii()), None)
