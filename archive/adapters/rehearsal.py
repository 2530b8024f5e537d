"""Reading a file once in a process of its own, before it is read in this one.

HDF5 may end the process, or never come back, where texts of a damaged file are read; nothing in
the process can prevent that. What came to its end there within its bounds does so here.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from archive.adapters.limits import MEMORY, MEMORY_FACTOR, limit
from archive.errors import FormatError

SECONDS, SECONDS_PER_MEGABYTE = 2.0, 0.1
PATIENCE = 60.0  # seconds of the clock, on a machine that has others to serve
CODE = """
import sys
sys.path[:] = sys.argv[3:]
from archive.adapters.rehearsal import main
main(*sys.argv[1:3])
"""


def rehearsed(path: Path, module: str, function: str) -> None:
    """Call a function of a module with the path and an empty list, elsewhere, and go through what
    it gives. An error that it raises is no matter: it will be raised here, too.

    Raises FormatError if the process does not end as it should.
    """
    size = path.stat().st_size
    seconds = SECONDS + SECONDS_PER_MEGABYTE * size / 2**20
    asked = json.dumps([module, function, MEMORY + MEMORY_FACTOR * size, seconds])
    try:
        done = subprocess.run(
            # -P: a module that lies beside the file is not imported
            [sys.executable, "-P", "-c", CODE, str(path), asked, *sys.path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=PATIENCE + 4 * seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise _refused(path, f"it took more than {error.timeout:.0f} s") from error
    if done.returncode:
        raise _refused(path, f"the process ended with exit code {done.returncode}")


def _refused(path: Path, why: str) -> FormatError:
    return FormatError(
        f"HDF5 cannot be trusted with this file: a first reading did not come to its end ({why})",
        path=path,
        hint="the file is damaged; look for another copy",
    )


def main(path: str, asked: str) -> None:
    """The process of its own."""
    module, function, size, seconds = json.loads(asked)
    read = getattr(import_module(module), function)
    limit(size, seconds)
    warnings.simplefilter("ignore")
    # whatever Python can say of the file it says again in the other process
    with contextlib.suppress(Exception):
        _exhaust(read(Path(path), []))
    os._exit(0)


def _exhaust(entries: Iterable[Any]) -> None:
    for entry in entries:
        _exhaust(entry.parts)
