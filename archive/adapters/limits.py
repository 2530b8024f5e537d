"""What a process of its own may take to read a file."""

from __future__ import annotations

import contextlib
from pathlib import Path

# Bytes of memory over what the process has when it begins to read, and over that for each byte of
# the file.
MEMORY, MEMORY_FACTOR = 200 << 20, 50


def limit(size: int, seconds: float) -> None:
    """Let this process have `size` more bytes and `seconds` more of the processor, and no core
    file; then the operating system ends it."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Windows has none of this
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        usage = resource.getrusage(resource.RUSAGE_SELF)
        spent = usage.ru_utime + usage.ru_stime
        whole = int(spent + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))
        # only Linux says what is mapped already
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        bound = pages * resource.getpagesize() + size
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
