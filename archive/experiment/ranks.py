"""Under MPI: which process this is, and that no process waits for one that failed."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Any

# What the usual launchers tell a process before anything of MPI is imported.
LAUNCHERS = ("OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK")


def mpi_rank() -> int:
    """The rank of this process; 0 where there is no MPI."""
    world = _world()
    if world is not None:
        return int(world.Get_rank())
    told = (os.environ.get(name, "") for name in LAUNCHERS)
    return next((int(rank) for rank in told if rank.isdigit()), 0)


def end_together() -> None:
    """From now on an error that ends this process ends all MPI processes.

    Else the others wait for ever in the next step that all take together, such as gathering.
    """
    if any(name in os.environ for name in LAUNCHERS) and sys.excepthook is not _abort:
        global _before
        _before, sys.excepthook = sys.excepthook, _abort


_before = sys.excepthook


def _abort(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _before(kind, error, trace)
    world = _world()
    if world is not None and world.Get_size() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        world.Abort(1)


def _world() -> Any:
    """All processes, where MPI is in use; else None."""
    mpi = sys.modules.get("mpi4py.MPI")
    running = mpi is not None and mpi.Is_initialized() and not mpi.Is_finalized()
    return mpi.COMM_WORLD if running else None  # type: ignore[union-attr]  # `running` says so
