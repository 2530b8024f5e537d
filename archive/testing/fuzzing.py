"""Damaged files, read in a process of their own with limits for time and memory.

What a damaged file does there, it does not do to the tests: one that ends the process, or keeps
it for ever, is a finding with its number, and the rest is gone on with.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from archive.entry import Entry
from archive.errors import FormatError, VersionError
from archive.testing.damage import damaged

SECONDS = 2.0
MEMORY = 200 << 20
MEMORY_FACTOR = 50
_PATIENCE = 10  # times the seconds by the clock on the wall: the machine may be busy
_RESTARTS = 5
# What reading a file has no reason for; each is an event of Python's audit hooks.
_FORBIDDEN = (
    "os.exec", "os.fork", "os.kill", "os.posix_spawn", "os.remove", "os.rename", "os.rmdir",
    "os.spawn", "os.system", "pty.spawn", "socket.connect", "socket.bind", "subprocess.Popen",
    "urllib.Request", "webbrowser.open",
)  # fmt: skip

CHILD = """
import sys
sys.path[:] = sys.argv[1:]
from archive.testing.fuzzing import main
main()
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a reader did with the damaged copy of that number of a file: `damaged(content, number)`
    makes it again. Number -1 is the file itself."""

    file: str
    number: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}, damaged copy {self.number}: {self.what}"


def fuzz(
    reader: object,
    files: Sequence[Path],
    numbers: Sequence[int],
    *,
    seconds: float = SECONDS,
    memory: int = MEMORY,
    memory_factor: float = MEMORY_FACTOR,
    options: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """What is wrong with how a reader takes damaged copies of some files: for each number one.

    It may give entries, or raise FormatError or VersionError, and nothing else; it may take so
    many `seconds` of the processor, and `memory` bytes and `memory_factor` times the size of the
    file (where the system can limit it); and it starts no process and removes no file.
    The reader must be one that can be pickled, as those that are defined in modules are.
    """
    cases = [(n % len(files), n) for n in numbers] if files else []
    found: list[Finding] = []
    for _ in range(_RESTARTS):
        if not cases:
            return found
        done = 0
        for done, what in _watched(reader, files, cases, seconds, memory, memory_factor, options):
            if what:
                file, number = cases[done] if done >= 0 else (-1 - done, -1)
                found.append(Finding(files[file].name, number, what))
        if done < 0:  # the files themselves cannot be read
            return found
        cases = cases[done + 1 :]
    return found


def _watched(
    reader: object,
    files: Sequence[Path],
    cases: Sequence[tuple[int, int]],
    seconds: float,
    memory: int,
    memory_factor: float,
    options: Mapping[str, Any] | None,
) -> Iterator[tuple[int, str]]:
    """The places of cases that were done, and what was wrong; the last may have ended it all. Those
    of the files themselves are counted from -1 down."""
    task = {
        "pickled": b64encode(pickle.dumps((reader, dict(options or {})))).decode("ascii"),
        "files": [str(file) for file in files],
        "cases": cases,
        "seconds": seconds,
        "memory": memory,
        "factor": memory_factor,
    }
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, *sys.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdin is not None
    lines: queue.Queue[str] = queue.Queue()
    watcher = threading.Thread(target=_listen, args=(child.stdout, lines), daemon=True)
    noise: list[bytes] = []
    listener = threading.Thread(target=_collect, args=(child.stderr, noise), daemon=True)
    watcher.start()
    listener.start()
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(json.dumps(task).encode())
        child.stdin.close()
    at = -1
    try:
        while True:
            # the first of all imports what the reader needs
            patience = _PATIENCE * seconds + (60 if at < 0 else 0)
            try:
                line = lines.get(timeout=patience)
            except queue.Empty:
                yield at, f"it did not come to an end in {patience:.0f} s"
                return
            if not line:
                child.wait()
                listener.join()
                told = b"".join(noise).decode(errors="replace").strip().rpartition("\n")[2]
                yield at, f"the process ended with {child.returncode} {told}".rstrip()
                return
            said = json.loads(line)
            if said.get("done"):
                return
            at = said["at"]
            yield at, said.get("what", "")
    finally:
        child.kill()
        child.wait()
        watcher.join()
        listener.join()
        for pipe in (child.stdout, child.stderr):
            assert pipe is not None
            pipe.close()


def _listen(pipe: IO[bytes], lines: queue.Queue[str]) -> None:
    for line in pipe:
        lines.put(line.decode())
    lines.put("")


def _collect(pipe: IO[bytes], noise: list[bytes]) -> None:
    noise.extend(iter(lambda: pipe.read(65536), b""))


# -- in the process of its own ---------------------------------------------------------------


def main() -> None:
    """Do what stands on the standard input, and say line by line how it went."""
    task = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a reader prints is not for the tests
    reader, options = pickle.loads(b64decode(task["pickled"]))
    files = [Path(file) for file in task["files"]]
    warnings.simplefilter("ignore")
    for at, sound in enumerate(files):  # also imports what it takes: that is not the file's doing
        what = _read(reader, sound, options)
        if what:
            print(json.dumps({"at": -1 - at, "what": f"sound, and: {what}"}), file=out)
            print(json.dumps({"done": True}), file=out)
            return
    events: list[str] = []
    sys.addaudithook(lambda event, _: events.append(event) if event in _FORBIDDEN else None)
    contents = [file.read_bytes() for file in files]
    with tempfile.TemporaryDirectory() as folder:
        for at, (file, number) in enumerate(task["cases"]):
            path = Path(folder) / files[file].name
            path.write_bytes(damaged(contents[file], number))
            print(json.dumps({"at": at}), file=out)
            events.clear()
            limit = task["memory"] + int(task["factor"] * path.stat().st_size)
            began = time.process_time()
            with _at_most(limit):
                what = _read(reader, path, options)
            took = time.process_time() - began
            if not what and took > task["seconds"]:
                what = f"it took {took:.1f} s"
            if not what and events:
                what = f"it did what reading has no reason for: {', '.join(sorted(set(events)))}"
            if what:
                print(json.dumps({"at": at, "what": what}), file=out)
        print(json.dumps({"done": True}), file=out, flush=True)


def _read(reader: Any, path: Path, options: Mapping[str, Any]) -> str:
    """What was wrong with reading all that is in a file; nothing if it was refused properly."""
    try:
        exhausted(reader.read(path, **options))
    except (FormatError, VersionError) as error:
        cause = error.__cause__ or error.__context__
        return "it asked for too much memory" if isinstance(cause, MemoryError) else ""
    except MemoryError:
        return "it asked for too much memory"
    except BaseException as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f" ({trace.tb_frame.f_code.co_filename}:{trace.tb_lineno})" if trace else ""
        return f"{type(error).__name__}: {error!s:.200}{where}"
    return ""


def exhausted(entries: Iterator[Entry]) -> None:
    """Go through all entries, and read all their arrays."""
    for entry in entries:
        for array in entry.arrays.values():
            np.asarray(array)
        exhausted(iter(entry.parts))


@contextlib.contextmanager
def _at_most(more: int) -> Iterator[None]:
    """No more memory than there is in use, and so many bytes. Only Linux says what is in use."""
    try:
        import resource

        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        yield
        return
    former = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + more, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, former)
