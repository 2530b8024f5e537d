"""Work on a file that may be damaged, in a process of its own.

HDF5 trusts what a file says of itself: a changed bit may end the process, or keep it for ever. The
work says where it is; if it ends there, or is silent for too long, it begins anew and leaves that
place out.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

from archive import errors
from archive.errors import ArchiveError, CorruptArchive

PATIENCE: Final = 60.0  # seconds; between two signs of life no more than some megabytes are read
MOST_ENDINGS: Final = 50


def _tell(message: Mapping[str, Any]) -> None:
    print(json.dumps(message), flush=True)


class Watch:
    """Held by the work: tells the process that watches it what comes next."""

    def __init__(
        self, endings: Mapping[str, str], tell: Callable[[Mapping[str, Any]], object] = _tell
    ) -> None:
        """`endings` says by place how an earlier process ended there."""
        self._endings = endings
        self._say = tell

    def at(self, place: str) -> None:
        """Say what will be read next. CorruptArchive if that ended an earlier process."""
        self._say({"at": place})
        if place in self._endings:
            raise CorruptArchive(self._endings[place], entry=place)


Work = Callable[[dict[str, Any], Watch], Any]


def isolated(
    work: Work,
    arguments: Mapping[str, Any],
    path: Path,
    *,
    on_place: Callable[[str], object] = lambda place: None,
    patience: float = PATIENCE,
) -> Any:
    """What `work`, a function of a module, returns; arguments and result must be JSON.

    `path` is the file that it reads, for messages. Raises the ArchiveError that the work raised;
    CorruptArchive for any other error of it, and where it ends at one place again and again.
    """
    endings: dict[str, str] = {}
    while len(endings) < MOST_ENDINGS:
        process = _Process(work, {**arguments, "endings": endings})
        place, said = process.follow(on_place, patience)
        if isinstance(said, str):
            if place in endings:
                break
            endings[place] = said
        elif "error" in said:
            kind = getattr(errors, said["error"], CorruptArchive)
            raise kind(said["message"], path=path, entry=said["entry"], hint=said["hint"])
        else:
            return said["result"]
    raise CorruptArchive(
        f"HDF5 cannot read the file: {said}",
        path=path,
        entry=place,
        hint="keep the file as it is; a copy made before may help",
    )


class _Process:
    def __init__(self, work: Work, arguments: Mapping[str, Any]) -> None:
        code = (
            f"from {work.__module__} import {work.__name__} as work\n"
            "from archive.container.isolation import child\n"
            "child(work)"
        )
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(entry or os.curdir for entry in sys.path),
            "PYTHONIOENCODING": "utf-8",
        }
        self._process = subprocess.Popen(
            # -P: what lies in the folder where this is called is not imported
            [sys.executable, "-P", "-c", code, json.dumps(arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            encoding="utf-8",
            start_new_session=True,  # so that what it started itself ends with it
        )
        self._said: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # of a process that ended in the middle of a line
                    self._said.put(json.loads(line))
        self._said.put(None)

    def follow(
        self, on_place: Callable[[str], object], patience: float
    ) -> tuple[str, str | dict[str, Any]]:
        """The place that the work said last; with what it gave, or how it ended without."""
        place = "the file"
        try:
            while (said := self._said.get(timeout=patience)) is not None:
                if "at" not in said:
                    return place, said
                place = said["at"]
                on_place(place)
            code = self._process.wait(patience)
            what = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return place, f"reading it ends the process ({what})"
        except (queue.Empty, subprocess.TimeoutExpired):
            return place, f"reading it does not come to an end (given up after {patience:g} s)"
        finally:
            self._end()

    def _end(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        self._process.wait()


def child(work: Work) -> None:
    """What the process runs."""
    arguments = json.loads(sys.argv[1])
    watch = Watch(arguments.pop("endings"))
    try:
        _tell({"result": work(arguments, watch)})
    except Exception as error:
        _tell(_as_json(error))
    sys.stdout.flush()
    # a damaged file may also end the process that closes it
    os._exit(0)


def _as_json(error: Exception) -> dict[str, Any]:
    if not isinstance(error, ArchiveError):
        text = f"{type(error).__name__}: {error}"
        return {"error": "CorruptArchive", "message": text, "entry": None, "hint": None}
    # a class that is known everywhere: those of other modules add nothing to be told
    known = next(c.__name__ for c in type(error).__mro__ if c.__module__ == errors.__name__)
    return {"error": known, "message": error.message, "entry": error.entry, "hint": error.hint}
