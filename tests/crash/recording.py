"""A recording layer below storage: does what it is told, and keeps in order what that was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from archive.storage.files import Buffer, SystemFiles

File = int  # what a name leads to: a number that is never given twice


@dataclass(frozen=True, slots=True)
class Create:
    """A new, empty file under a name."""

    name: str
    file: File


@dataclass(frozen=True, slots=True)
class Write:
    file: File
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Truncate:
    file: File
    length: int


@dataclass(frozen=True, slots=True)
class Sync:
    """Content and length are permanent, as they were after the first `began` operations."""

    file: File
    began: int


@dataclass(frozen=True, slots=True)
class FailedSync:
    """The system may have dropped what it could not write: a later sync says nothing of it."""

    file: File


@dataclass(frozen=True, slots=True)
class SyncFolder:
    """The names are permanent, as they were after the first `began` operations."""

    began: int


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    file: File


@dataclass(frozen=True, slots=True)
class Remove:
    name: str


Operation = Create | Write | Truncate | Sync | FailedSync | SyncFolder | Link | Remove


class RecordingFiles(SystemFiles):
    """Records every change in one folder. What lies there at first is permanent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()  # large transactions are synced from a thread of their own
        self._names: dict[str, File] = {}
        self._open: dict[int, File] = {}
        self._count = 0
        self.operations: list[Operation] = []
        self.titles: dict[File, str] = {}  # the first name of each file
        self.start: dict[str, bytes] = {}
        for path in sorted(folder.iterdir()):
            self._new(path.name)
            self.start[path.name] = path.read_bytes()

    def _new(self, name: str) -> File:
        file = self._names[name] = self._count
        self.titles[file] = name
        self._count += 1
        return file

    def _do(self, real: Callable[[], None], operation: Callable[[], Operation]) -> None:
        with self._lock:
            real()
            self.operations.append(operation())

    def open(self, path: Path, /, *, write: bool = False, create: bool = False) -> int:
        with self._lock:
            there = path.exists()
            descriptor = super().open(path, write=write, create=create)
            assert path.parent == self._folder, f"{path} lies outside of {self._folder}"
            if not there:
                file = self._new(path.name)
                self.operations.append(Create(path.name, file))
            self._open[descriptor] = self._names[path.name]
            return descriptor

    def close(self, descriptor: int, /) -> None:
        with self._lock:
            del self._open[descriptor]
            super().close(descriptor)

    def write(self, descriptor: int, data: Buffer, offset: int, /) -> int:
        with self._lock:
            taken = super().write(descriptor, data, offset)
            content = bytes(memoryview(data).cast("B")[:taken])
            self.operations.append(Write(self._open[descriptor], offset, content))
            return taken

    def truncate(self, descriptor: int, length: int, /) -> None:
        self._do(
            lambda: super(RecordingFiles, self).truncate(descriptor, length),
            lambda: Truncate(self._open[descriptor], length),
        )

    def sync(self, descriptor: int, /) -> None:
        with self._lock:
            file, began = self._open[descriptor], len(self.operations)
        super().sync(descriptor)
        with self._lock:
            self.operations.append(Sync(file, began))

    def sync_folder(self, path: Path, /) -> None:
        assert path == self._folder, f"{path} is not {self._folder}"
        with self._lock:
            began = len(self.operations)
        super().sync_folder(path)
        with self._lock:
            self.operations.append(SyncFolder(began))

    def link(self, source: Path, target: Path, /) -> None:
        with self._lock:
            super().link(source, target)
            self._names[target.name] = self._names[source.name]
            self.operations.append(Link(target.name, self._names[source.name]))

    def remove(self, path: Path, /) -> None:
        with self._lock:
            super().remove(path)
            del self._names[path.name]
            self.operations.append(Remove(path.name))


def lay_out(state: Mapping[str, bytes], folder: Path) -> None:
    """Make the files of a folder be exactly these."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in state:
            path.unlink()
    for name, content in state.items():
        (folder / name).write_bytes(content)


def held(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def described(operation: Operation, titles: Mapping[File, str]) -> str:
    """One line on an operation, for people."""
    match operation:
        case Write(file, offset, data):
            return f"write {titles[file]} {offset}+{len(data)}"
        case Truncate(file, length):
            return f"truncate {titles[file]} to {length}"
        case Sync(file):
            return f"sync {titles[file]}"
        case FailedSync(file):
            return f"failing sync {titles[file]}"
        case SyncFolder():
            return "sync folder"
        case Create(name) | Remove(name):
            return f"{type(operation).__name__.lower()} {name}"
        case Link(name, file):
            return f"link {titles[file]} as {name}"
