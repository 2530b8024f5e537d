"""NIX files of other programs, read by Neo in a process of its own.

Neo and nixio trust what they read. So the file is walked over first, and all of it happens in a
process whose memory and time are limited: whatever a file does there, this process goes on.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

from archive.adapters.neo_mending import check_unit
from archive.container import Container
from archive.errors import ArchiveError, ArchiveWarning, FormatError
from archive.experiment.creating import create_archive
from archive.experiment.experiment import Experiment
from archive.storage.inspection import inspect

# The reader may take so many bytes over the file's own, in so many seconds and more per megabyte.
MEMORY = 1 << 30
MEMORY_FACTOR = 8
SECONDS = 60.0
SECONDS_PER_MEGABYTE = 0.5

READER = """
import sys
sys.path[:] = sys.argv[4:]
from archive.experiment.foreign import main
main(*sys.argv[1:4])
"""


def view_through_neo(source: Path, target: Path, name: str) -> None:
    """Write what Neo reads in a NIX file into a new archive.

    Raises FormatError for a file that Neo cannot read, that is not what it should be, or that
    takes more memory or time than its size is worth.
    """
    seconds = SECONDS + source.stat().st_size / 2**20 * SECONDS_PER_MEGABYTE
    try:
        done = subprocess.run(
            # -P: a neo.py that lies beside the file is not imported
            [sys.executable, "-P", "-c", READER, str(source), str(target), name, *sys.path],
            capture_output=True,
            check=False,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise _refused(source, f"reading it took more than {seconds:.0f} s") from error
    try:
        said = json.loads(done.stdout.rpartition("\n")[2])
    except ValueError as error:
        raise _refused(source, f"its reader ended with exit code {done.returncode}") from error
    if "error" in said:
        raise _refused(source, said["error"])
    for text in said["warnings"]:
        warnings.warn(text, ArchiveWarning, stacklevel=4)


def _refused(source: Path, why: str) -> FormatError:
    return FormatError(
        f"a NIX file of another program, and Neo cannot read it ({why})",
        path=source,
        hint="if you trust the file, open it with nixio",
    )


def main(source: str, target: str, name: str) -> None:
    """The process of its own: says as JSON what went wrong, or what there is to warn of."""
    said: dict[str, Any]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            _read(Path(source), Path(target), name)
        except Exception as error:
            message = error.message if isinstance(error, ArchiveError) else f"{error}"
            said = {"error": message or type(error).__name__}
        else:
            ours = [one for one in caught if issubclass(one.category, ArchiveWarning)]
            said = {"warnings": [str(one.message) for one in ours]}
    print(f"\n{json.dumps(said)}", end="")


def _read(source: Path, target: Path, name: str) -> None:
    from neo.io import NixIO

    _limit_memory(source.stat().st_size)
    for fault in inspect(source, check_unit):
        raise FormatError(f"{fault.name}: {fault.what}")
    with NixIO(str(source), mode="ro") as io:
        blocks = io.read_all_blocks()
    create_archive(target, name=name)
    with Experiment(Container(target, writable=True, durability="close")) as made:
        for number, block in enumerate(blocks):
            with made.run(f"block {number}", annotations=_facts(block)) as run:
                if block.segments:
                    run.append(block)


def _facts(block: Any) -> dict[str, Any]:
    return {"block": block.name} if block.name else {}


def _limit_memory(size: int) -> None:
    with contextlib.suppress(ImportError, OSError):  # only Linux has and says all of this
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        limit = used + MEMORY + MEMORY_FACTOR * size
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
