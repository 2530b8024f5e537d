"""Asking git about a repository that may be a stranger's.

What its configuration names as commands (a file system monitor, filters, external differences,
hooks, a pager) is not run; nothing is written, asked of a person, or fetched.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import signal
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive.provenance.concealing import concealed_bytes, safe_remote

# Compressed bytes of a difference that are kept, bytes that are read of it, and files named.
DIFF_LIMIT: Final = 1 << 20
READ_LIMIT: Final = 1 << 24
NAMES: Final = 1000
_STEP: Final = 1 << 16

# These of the caller's settings remain; the others would lead git to another repository.
_KEPT: Final = ("GIT_CONFIG", "GIT_EXEC_PATH", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY")
_SETTINGS: Final = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # before git 2.44 this alone keeps it from fetching
    "GIT_ASKPASS": "",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
_HARMLESS: Final = (
    "core.fsmonitor=",
    f"core.hooksPath={os.devnull}",
    "core.safecrlf=false",
    "core.quotePath=true",
    "status.submoduleSummary=false",
    "diff.external=",
    "log.showSignature=false",
)
_STATUS: Final = (
    "status", "--porcelain=v2", "--branch", "-z", "--no-ahead-behind", "--no-renames",
    "--untracked-files=normal", "--ignore-submodules=dirty",
)  # fmt: skip
_DIFF: Final = (
    "diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color",
    "--no-renames", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--unified=3",
    "--submodule=short", "--ignore-submodules=dirty", "HEAD",
)  # fmt: skip


class NoAnswerError(Exception):
    """Git says nothing, or that there is something wrong; why."""


@dataclass(frozen=True)
class State:
    """The state of a repository."""

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    dirty: bool | None = None
    diff: bytes | None = None
    diff_size: int | None = None
    untracked: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()


@functools.cache
def program() -> str | None:
    """Where git is."""
    import shutil

    return shutil.which("git")


def state_of(root: Path, seconds: float) -> State:
    """What git says of the repository with that work tree. Raises NoAnswerError."""
    return _Asking(root, time.monotonic() + seconds).state()


class _Asking:
    """Some questions about one repository, which share their time."""

    def __init__(self, root: Path, until: float) -> None:
        found = program()
        if found is None:
            raise NoAnswerError("git is not installed")
        self._root, self._until = root, until
        self._command = [found, "-C", str(root), "--no-pager", "--literal-pathspecs"]
        for setting in _HARMLESS:
            self._command += ["-c", setting]

    def state(self) -> State:
        top = os.fsdecode(self._ask("rev-parse", "--show-toplevel")[0]).rstrip("\n")
        if not Path(top).samefile(self._root):
            raise NoAnswerError("its configuration names another folder as its work tree")
        settings = self._settings()
        commit, branch, changed, untracked, skipped = self._status()
        missing = {}
        if skipped:
            missing["untracked"] = f"{skipped} more are not named"
        if (self._root / ".gitmodules").exists():
            missing["submodules"] = "changes of files in them were not looked for"
        diff, size = None, None
        if changed and commit is None:
            missing["diff"] = "there is no commit yet"
        elif changed:
            try:
                diff, size = self._diff(missing)
            except NoAnswerError as error:
                missing["diff"] = str(error)
        return State(
            commit,
            branch,
            _remote(settings, branch),
            changed,
            diff,
            size,
            untracked,
            tuple(missing.items()),
        )

    def _settings(self) -> dict[str, str]:
        """Those of remotes; filters that the repository itself names are not run from now on."""
        wanted = r"^(filter\..*|remote\..*\.url|branch\..*\.remote)$"
        output, code = self._ask(
            "config", "--null", "--show-scope", "--get-regexp", wanted, accept=(0, 1)
        )
        fields = os.fsdecode(output).split("\0")[:-1] if code == 0 else []
        found = {}
        for scope, setting in zip(fields[::2], fields[1::2], strict=True):
            name, _, value = setting.partition("\n")
            if not name.startswith("filter."):
                found[name] = value
            elif scope not in ("system", "global", "command"):
                driver = name.rpartition(".")[0]
                if "=" in driver or "\n" in driver:
                    raise NoAnswerError("it names a filter that cannot be turned off")
                for unset in ("clean=", "smudge=", "process=", "required=false"):
                    self._command += ["-c", f"{driver}.{unset}"]
        return found

    def _status(self) -> tuple[str | None, str | None, bool, tuple[str, ...], int]:
        output, _ = self._ask(*_STATUS)
        lines = os.fsdecode(output).split("\0")
        said = dict(line[2:].split(" ", 1) for line in lines if line.startswith("# branch."))
        commit, branch = said.get("branch.oid"), said.get("branch.head")
        names = sorted(line[2:] for line in lines if line.startswith("? "))
        return (
            None if commit == "(initial)" else commit,
            None if branch in (None, "(detached)") else _printable(branch),
            any(line[:2] in ("1 ", "2 ", "u ") for line in lines),
            tuple(map(_printable, names[:NAMES])),
            max(0, len(names) - NAMES),
        )

    def _diff(self, missing: dict[str, str]) -> tuple[bytes | None, int | None]:
        pieces: list[bytes] = []
        size, digest = 0, hashlib.sha256()
        for piece in self._read(*_DIFF):
            size += len(piece)
            digest.update(piece)
            if size <= READ_LIMIT:
                pieces.append(piece)
        packed = None
        if size <= READ_LIMIT:
            content, secrets = concealed_bytes(b"".join(pieces))
            if secrets:
                missing["secrets in diff"] = (
                    f"{secrets} replaced; SHA-256 with them {digest.hexdigest()}"
                )
            packed = zlib.compress(content)
            size = len(content)
        if packed is None or len(packed) > DIFF_LIMIT:
            missing["diff"] = f"{size} bytes are too many; SHA-256 {digest.hexdigest()}"
            return None, size
        return packed, size

    def _ask(self, *arguments: str, accept: tuple[int, ...] = (0,)) -> tuple[bytes, int]:
        """The whole answer, and the code that git ends with."""
        process = self._begin(arguments, subprocess.PIPE)
        try:
            output, said = process.communicate(timeout=self._left())
        except subprocess.TimeoutExpired:
            raise self._late() from None
        finally:
            _end(process)
        if process.returncode not in accept:
            words = said.decode(errors="backslashreplace").strip().partition("\n")[0]
            raise NoAnswerError(words or f"git ended with {process.returncode}")
        return output, process.returncode

    def _read(self, *arguments: str) -> Iterator[bytes]:
        """An answer that may be long, piece by piece."""
        process = self._begin(arguments, subprocess.DEVNULL)
        watch = threading.Timer(self._left(), _kill, (process,))
        watch.daemon = True
        watch.start()
        try:
            assert process.stdout is not None
            while piece := process.stdout.read(_STEP):
                yield piece
            process.wait(self._left())
        except subprocess.TimeoutExpired:
            raise self._late() from None
        finally:
            watch.cancel()
            _end(process)
            if process.stdout is not None:
                process.stdout.close()
        if time.monotonic() >= self._until:
            raise self._late()
        if process.returncode != 0:
            raise NoAnswerError(f"git {arguments[0]} ended with {process.returncode}")

    def _begin(self, arguments: tuple[str, ...], errors: int) -> subprocess.Popen[bytes]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name.startswith(_KEPT)
        }
        try:
            return subprocess.Popen(
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**kept, **_SETTINGS},
                start_new_session=True,  # so that what it starts ends with it
            )
        except OSError as error:
            raise NoAnswerError(f"git cannot be started: {error.strerror}") from error

    def _left(self) -> float:
        return max(0.0, self._until - time.monotonic())

    def _late(self) -> NoAnswerError:
        return NoAnswerError("git took too long")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it has started, if it goes on."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()


def _remote(settings: dict[str, str], branch: str | None) -> str | None:
    """The address of what the branch follows, or of 'origin', or of any."""
    names = [settings.get(f"branch.{branch}.remote"), "origin"]
    urls = {key: url for key, url in settings.items() if key.startswith("remote.")}
    found = next((urls[f"remote.{one}.url"] for one in names if f"remote.{one}.url" in urls), None)
    found = found or next(iter(urls.values()), None)
    return None if found is None else safe_remote(_printable(found))


def _printable(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
