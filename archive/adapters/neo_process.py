"""Neo in a process of its own: whatever a file does to its readers there, this process goes on.

The readers trust what they read, and sizes that a file declares. So the process may take no more
memory, time and space on the disk than the size of the file is worth.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from archive.adapters.entry_files import read_entries, write_entries
from archive.adapters.neo_blocks import Request, block_files, entries_of
from archive.adapters.unreadable import unreadable
from archive.entry import Entry, Loss
from archive.errors import ArchiveError, ArchiveWarning, FormatError, MissingPackage

# What reading may take, over what Neo itself takes: bytes, for memory and for the disk each ...
MEMORY, MEMORY_FACTOR = 200 << 20, 50
# ... and seconds of the processor, and as many more for each megabyte.
SECONDS, SECONDS_PER_MEGABYTE = 2.0, 2.0
PATIENCE = 60.0  # seconds of the clock, on a machine that has others to serve

CODE = """
import sys
sys.path[:] = sys.argv[2:]
from archive.adapters.neo_process import main
main(sys.argv[1])
"""


def entries_through_neo(
    path: Path, request: Request, losses: list[Loss] | None, limit: int | None
) -> Iterator[Entry]:
    """What Neo reads in a file, as entries whose arrays lie in a folder that goes with them.

    `limit` is what these arrays may have in bytes, and what memory the reading may take. Raises
    FormatError for what Neo cannot read, or what takes more than its size is worth, and
    MissingPackage.
    """
    try:
        size = sum(file.stat().st_size for file in block_files(path))
    except OSError as error:
        raise unreadable(path, error) from error
    memory = MEMORY + MEMORY_FACTOR * size
    limit = memory if limit is None else limit
    seconds = SECONDS + SECONDS_PER_MEGABYTE * size / 2**20
    folder = _Folder()
    said = _run(folder.path, path, request, limit, max(limit, memory), seconds)
    for text in said["warnings"]:
        warnings.warn(f"{path}: {text}", ArchiveWarning, stacklevel=3)
    if losses is not None:
        losses += [Loss(**loss) for loss in said["losses"]]
    yield from read_entries(folder.path, owner=folder)


class _Folder:
    """A folder that goes with the last who holds this."""

    def __init__(self) -> None:
        self.path = Path(mkdtemp(prefix="neuroarchive-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def _run(
    folder: Path, path: Path, request: Request, limit: int, memory: int, seconds: float
) -> dict[str, Any]:
    asked = {
        "path": str(path.absolute()),
        "limit": limit,
        "memory": memory,
        "seconds": seconds,
        **request._asdict(),
    }
    (folder / "asked").write_text(json.dumps(asked), "utf-8")
    try:
        done = subprocess.run(
            # -P: a neo.py that lies beside the file is not imported
            [sys.executable, "-P", "-c", CODE, str(folder), *sys.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            # each thread of a library for algebra would reserve memory
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            timeout=PATIENCE + 4 * seconds,
        )
        said: dict[str, Any] = json.loads((folder / "said").read_text("utf-8"))
    except subprocess.TimeoutExpired as error:
        raise _refused(path, f"reading it took more than {error.timeout:.0f} s") from error
    except (OSError, ValueError) as error:
        if done.returncode == -getattr(signal, "SIGXCPU", 0):
            reason = f"reading it took more than {seconds:.0f} s"
        else:
            reason = f"its reader ended with exit code {done.returncode}"
        raise _refused(path, reason) from error
    if "missing" in said:
        raise MissingPackage(
            f"the reader of Neo needs a package that is not installed: {said['missing']}",
            path=path,
            hint=f"pip install {said['package']}" if said["package"] else "see Neo's documentation",
        )
    if "error" in said:
        raise FormatError(said["error"], path=path, entry=said["entry"], hint=said["hint"])
    return said


def _refused(path: Path, why: str) -> FormatError:
    return FormatError(
        f"Neo cannot read it ({why})",
        path=path,
        hint="if you trust the file, read it with Neo, and keep it with run.append(block)",
    )


def main(place: str) -> None:
    """The process of its own: leaves entries in the folder, and says how it went."""
    folder = Path(place)
    asked = json.loads((folder / "asked").read_text("utf-8"))
    path, limit = Path(asked.pop("path")), asked.pop("limit")
    memory, seconds = asked.pop("memory"), asked.pop("seconds")
    losses: list[Loss] = []
    said: dict[str, Any]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            import neo.io

            assert neo.io.iolist
            _limit(memory, seconds)
            write_entries(entries_of(path, Request(**asked), losses), folder, limit)
        except Exception as error:
            said = _failure(error)
        else:
            ours = [one for one in caught if issubclass(one.category, ArchiveWarning)]
            said = {
                "warnings": [str(one.message) for one in ours],
                "losses": [
                    {"entry": one.entry, "field": one.field, "reason": one.reason} for one in losses
                ],
            }
    (folder / "said").write_text(json.dumps(said), "utf-8")
    # what Neo left open or half-made has no say any more
    os._exit(0)


def _failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, ArchiveError):
        return {"error": error.message, "entry": error.entry, "hint": error.hint}
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ImportError):
            return {"missing": str(cause)[:300], "package": cause.name}
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        reason = "it takes more memory than its size is worth"
    else:
        reason = f"{type(error).__name__}: {error}"[:300]
    return {"error": f"Neo cannot read it ({reason})", "entry": None, "hint": None}


def _limit(size: int, seconds: float) -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has none of this
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        usage = resource.getrusage(resource.RUSAGE_SELF)
        spent = usage.ru_utime + usage.ru_stime
        whole = int(spent + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))  # the first one tells why
        # only Linux says what is mapped already
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        bound = pages * resource.getpagesize() + size
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
