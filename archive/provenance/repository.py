"""The repository that a program lies in: what its files tell at once, and git a little later."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive.provenance import git

# Seconds that git may take in all, that the begin of a run waits for it, and its end.
PATIENCE: Final = 10.0
AT_BEGIN: Final = 0.03
AT_END: Final = 1.0
# An answer is asked for again after so many seconds, or so many times as long as it took.
AGE: Final = 10.0
SHARE: Final = 50.0
_REFERENCE_LIMIT: Final = 1 << 12

Stamp = tuple[object, ...]


@dataclass(frozen=True)
class Place:
    """Where a repository lies: its work tree, its own folder, and that which its work trees
    share."""

    root: Path
    folder: Path
    shared: Path


def place_of(path: Path) -> Place | None:
    """The repository around a file or folder, if there is one."""
    for root in (path, *path.parents):
        try:
            found = root / ".git"
            if found.is_dir() and (found / "HEAD").exists():
                return Place(root, found, found)
            if found.is_file():
                told = found.read_text("utf-8", "surrogateescape")[:_REFERENCE_LIMIT]
                folder = root / told.removeprefix("gitdir:").strip()
                if told.startswith("gitdir:") and (folder / "HEAD").exists():
                    return Place(root, folder, _shared(folder))
        except (OSError, ValueError):
            continue
    return None


def _shared(folder: Path) -> Path:
    try:
        told = (folder / "commondir").read_text("utf-8", "surrogateescape")[:_REFERENCE_LIMIT]
    except OSError:
        return folder
    return folder / told.strip()


def read_state(place: Place, why: str) -> git.State:
    """What can be read without git: the commit and the branch, not whether there are changes."""
    commit, branch = None, None
    try:
        head = _text(place.folder / "HEAD")
        name = head.removeprefix("ref:").strip()
        if head.startswith("ref:"):
            branch = name.removeprefix("refs/heads/")
            commit = _referred(place, name)
        elif _is_commit(name):
            commit = name
    except (OSError, ValueError):
        pass
    return git.State(commit=commit, branch=branch, missing=(("repository", why),))


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_REFERENCE_LIMIT).decode("utf-8", "backslashreplace").strip()


def _referred(place: Place, name: str) -> str | None:
    if ".." in name or not name.startswith("refs/"):
        return None
    try:
        found = _text(place.shared / name)
        return found if _is_commit(found) else None
    except OSError:
        pass
    with (place.shared / "packed-refs").open("rb") as file:
        for line in file:
            commit, _, one = line.decode("utf-8", "backslashreplace").strip().partition(" ")
            if one == name and _is_commit(commit):
                return commit
    return None


def _is_commit(text: str) -> bool:
    return len(text) in (40, 64) and not text.strip("0123456789abcdef")


def stamp_of(place: Place) -> Stamp:
    """Differs when the commit, the branch, the configuration or the index have changed."""
    names = (place.folder / "HEAD", place.folder / "index", place.shared / "packed-refs")
    head = ""
    with contextlib.suppress(OSError):
        head = _text(names[0])
    branch = place.shared / head.removeprefix("ref:").strip()
    others = (branch, place.shared / "config") if head.startswith("ref:") else ()
    return (head, *map(_changed, (*names, *others)))


def _changed(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


class Inquiry:
    """What git is asked about a repository, in a thread of its own."""

    def __init__(self, place: Place, stamp: Stamp) -> None:
        self.place, self.stamp = place, stamp
        self._began = time.monotonic()
        self._took = 0.0
        self._answer: git.State | None = None
        self._done = threading.Event()
        try:
            threading.Thread(target=self._ask, name="neuroarchive-git", daemon=True).start()
        except RuntimeError as error:  # the interpreter ends, or there may be no more threads
            self._answered(read_state(place, str(error)))

    def _ask(self) -> None:
        try:
            answer = git.state_of(self.place.root, PATIENCE)
        except git.NoAnswerError as error:
            answer = read_state(self.place, str(error))
        except Exception as error:  # whatever is wrong there, the run goes on
            answer = read_state(self.place, f"{type(error).__name__}: {error}")
        self._answered(answer)

    def _answered(self, answer: git.State) -> None:
        self._took = time.monotonic() - self._began
        self._answer = answer
        self._done.set()

    def answer(self, seconds: float) -> git.State | None:
        """What git said; None, if it takes longer than that."""
        self._done.wait(seconds)
        return self._answer

    def serves(self, place: Place, stamp: Stamp) -> bool:
        """Whether it need not be asked again: nothing that shows has changed, and it is not
        old."""
        if (self.place, self.stamp) != (place, stamp):
            return False
        age = time.monotonic() - self._began
        return not self._done.is_set() or age < max(AGE, SHARE * self._took)
