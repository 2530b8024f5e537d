"""Under MPI: which process this is, and that no process waits for one that failed."""

from __future__ import annotations

import atexit
import os
import sys
from types import TracebackType

from archive.provenance.mpi import RANKS, rank_and_size, world


def mpi_rank() -> int:
    """The rank of this process; 0 where there is no MPI."""
    return rank_and_size()[0] or 0


def end_together() -> None:
    """From now on an error that ends this process ends all MPI processes; see also `exits`.

    Else the others wait for ever in the next step that all take together, such as gathering.
    """
    if any(name in os.environ for name in RANKS) and sys.excepthook is not _abort:
        global _before
        _before, sys.excepthook = sys.excepthook, _abort


def exits(error: BaseException) -> None:
    """A process that leaves its run or archive by SystemExit ends with that code, and all other
    MPI processes with it, unless the code says that all is well."""
    if isinstance(error, SystemExit) and error.code not in (None, 0) and sys.excepthook is _abort:
        atexit.register(_abort_all, error.code if isinstance(error.code, int) else 1)


_before = sys.excepthook


def _abort(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _before(kind, error, trace)
    _abort_all(1)


def _abort_all(code: int) -> None:
    everybody = world()
    if everybody is not None and everybody.Get_size() > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        everybody.Abort(code)
