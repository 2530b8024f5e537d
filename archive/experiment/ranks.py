"""Under MPI: which process this is, and which file it writes to."""

from __future__ import annotations

import os
import sys
from pathlib import Path

# What the usual launchers tell a process before anything of MPI is imported.
LAUNCHERS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")


def mpi_rank() -> int:
    """The rank of this process; 0 where there is no MPI."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and mpi.Is_initialized():
        return int(mpi.COMM_WORLD.Get_rank())
    told = (os.environ.get(name, "") for name in LAUNCHERS)
    return next((int(rank) for rank in told if rank.isdigit()), 0)


def part_path(path: Path, rank: int) -> Path:
    """The file of a rank: the archive itself for the first, ``archive.nix.3`` for number 3. So
    two processes never write to one file, and none waits for another."""
    return path.with_name(f"{path.name}.{rank}") if rank else path
