"""Who may write: the log's lock is the writer's. It goes with the process that holds it."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from archive.errors import Busy
from archive.storage.files import Files, read_whole, write_whole
from archive.storage.log import PAGE, SECTOR, log_path

PAUSE = 0.01  # seconds between two attempts


def lock_log(path: Path, files: Files, timeout: float) -> int:
    """The open and locked log of an archive, made if there is none.

    Waits so many seconds at most, then raises Busy, which says who holds it.
    """
    log = log_path(path)
    until = time.monotonic() + timeout
    while True:
        descriptor = files.open(log, create=True)
        try:
            if files.lock(descriptor, exclusive=True):
                if files.is_named(descriptor, log):
                    return descriptor
            elif time.monotonic() >= until:
                raise busy(path, holder(descriptor, files))
        except BaseException:
            files.close(descriptor)
            raise
        files.close(descriptor)  # its last holder has removed it, or holds it still
        time.sleep(PAUSE)


def lock_to_read(path: Path, main: int, files: Files, timeout: float) -> None:
    """Keep committed bytes of the main file where they are: no checkpoint meanwhile.

    Waits while a checkpoint goes on, and raises Busy when that, or another program, takes longer.
    """
    until = time.monotonic() + timeout
    while not files.lock(main, exclusive=False):
        if time.monotonic() >= until:
            raise busy(path, "another program")
        time.sleep(PAUSE)


def busy(path: Path, who: str) -> Busy:
    """The error that names who holds an archive."""
    return Busy(
        f"the archive is held by {who}",
        path=path,
        hint="wait until it is closed there; timeout= of archive.open waits longer; "
        "exp.session() gives this process a part of its own",
    )


def note_holder(
    descriptor: int, files: Files, since: datetime, run: str | None, *, nameless: bool
) -> None:
    """Write into the log, for others to read, who holds it. Not synced: it is only told."""
    facts = {
        "pid": os.getpid(),
        "host": "a computer" if nameless else os.uname().nodename,
        "since": since.isoformat(timespec="seconds"),
        "run": run and run[:500],
    }
    text = json.dumps(facts).encode().ljust(PAGE - SECTOR, b"\0")
    write_whole(files, descriptor, text, SECTOR)


def holder(descriptor: int, files: Files) -> str:
    """Who holds the log, in words."""
    noted = bytearray(PAGE - SECTOR)
    read_whole(files, descriptor, noted, SECTOR)
    try:
        facts = json.loads(noted.rstrip(b"\0"))
        text = f"process {facts['pid']} on {facts['host']}, since {facts['since']}"
        return text + (f", in run {facts['run']!r}" if facts["run"] else "")
    except (ValueError, KeyError, TypeError, RecursionError):
        return "another process"


def now() -> datetime:
    return datetime.now(UTC)
