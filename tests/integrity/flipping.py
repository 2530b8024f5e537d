"""One bit of an archive changed at a time, and what becomes of it: each in a process of its own."""

from __future__ import annotations

import faulthandler
import json
import os
import random
import resource
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import pytest

from archive.container import check, salvage
from archive.container.check_deep import _examine, check_deeply
from archive.container.check_report import Report
from archive.container.isolation import Watch
from archive.errors import ArchiveError
from tests.integrity.whole_archive import content

# Seconds of the processor, and by the clock where others keep the machine busy.
MOST_WORK, PATIENCE = 20, 120.0
CRASHED = "crashed"
NO_WATCH = Watch({}, lambda message: None)


@dataclass(frozen=True)
class Outcome:
    """What one changed bit did."""

    byte: int
    bit: int
    changed: tuple[str, ...]  # names of what our interface now says differently, or not at all
    found: tuple[str, ...]  # what `check --deep` says
    harmful: bool  # reading it ended a process, or would not end
    lost: tuple[str, ...]  # names of what can be read, and was not salvaged


def flips(path: Path, count: int, seed: int) -> Iterator[tuple[int, int]]:
    """Places of bits, in turn: anywhere, in what HDF5 says of the data, and twice in the data."""
    numbers = random.Random(seed)
    raw, data = path.read_bytes(), list(stored(path))
    free = bytearray(raw)
    for start, _, stop in data:
        free[start:stop] = bytes(stop - start)
    structure = [at for at, byte in enumerate(free) if byte]
    for number in range(count):
        if number % 4 == 0:
            at = numbers.randrange(len(raw))
        elif number % 4 == 1:
            at = numbers.choice(structure)
        else:
            start, used, _ = numbers.choice(data)
            at = numbers.randrange(start, used)
        yield at, numbers.randrange(8)


def stored(path: Path) -> Iterator[tuple[int, int, int]]:
    """Of each chunk: its first byte, the end of the rows that it has, and its own end."""
    with h5py.File(path, "r") as file:
        found: list[h5py.Dataset] = []
        file.visititems(lambda _, item: found.append(item) if hasattr(item, "chunks") else None)
        for data in found:
            for number in range(data.id.get_num_chunks() if data.chunks else 0):
                chunk = data.id.get_chunk_info(number)
                rows = min(data.chunks[0], len(data) - chunk.chunk_offset[0])
                start, size = chunk.byte_offset, chunk.size
                yield start, start + max(1, size * rows // data.chunks[0]), start + size


def in_child(work: Callable[[], Any]) -> Any:
    """What `work` returns, as JSON; CRASHED if it ends its process or does not come back."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            faulthandler.disable()  # a crash here is an answer, not one of the test
            resource.setrlimit(resource.RLIMIT_CPU, (MOST_WORK, MOST_WORK))
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(int(PATIENCE))
            with os.fdopen(write, "w") as out:
                out.write(json.dumps(work()))
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as said:
        text = said.read()
    os.waitpid(child, 0)
    try:
        return json.loads(text)
    except ValueError:
        return CRASHED


def read(path: Path) -> dict[str, str]:
    try:
        return content(path)
    except Exception:
        return {}


def examine(path: Path) -> list[str]:
    try:
        found = _examine({"path": str(path)}, NO_WATCH)["findings"]
    except Exception as error:
        return [str(error)]
    return [f"{one['name']}: {one['what']}" for one in found]


def copy(path: Path, new: Path) -> bool:
    try:
        salvage._copy({"path": str(path), "new": str(new), "writer": "test"}, NO_WATCH)
    except Exception:
        return False
    return True


def outcome(sound: Path, known: dict[str, str], byte: int, bit: int, folder: Path) -> Outcome:
    """Change a bit of a copy, read it, check it; salvage it, if anything is wrong with it."""
    path, new = folder / "flipped.nix", folder / "saved.nix"
    raw = bytearray(sound.read_bytes())
    raw[byte] ^= 1 << bit
    path.write_bytes(raw)
    new.unlink(missing_ok=True)
    said = in_child(lambda: read(path))
    found = in_child(lambda: examine(path))
    needed = found or said != known
    copied = in_child(lambda: copy(path, new)) if needed else False
    harmful = CRASHED in (said, found, copied)
    if found == CRASHED:
        found = guarded_findings(path)
    if copied == CRASHED:
        new.unlink(missing_ok=True)
        copied = guarded_salvage(path, new)
    if said == CRASHED:
        said = {}
    changed = {name for name in known.keys() | said.keys() if known.get(name) != said.get(name)}
    kept = read(new) if copied else {} if needed else known
    same = {name for name in said if said[name] == known.get(name) and " column " not in name}
    lost = {name for name in same if (said[name], owner(name)) not in by_owner(kept)}
    return Outcome(byte, bit, tuple(changed), tuple(found), harmful, tuple(lost))


def owner(name: str) -> str:
    """The segment of a part: parts close the gap that a lost one leaves."""
    return name.partition(", part")[0]


def by_owner(said: dict[str, str]) -> set[tuple[str, str]]:
    return {(text, owner(name)) for name, text in said.items()}


def guarded_findings(path: Path) -> list[str]:
    """By the way that users go, which must come back whatever HDF5 does."""
    try:
        report: Report = check_deeply(path, patience=PATIENCE)
    except ArchiveError as error:
        return [str(error)]
    return [f"{found.name}: {found.what}" for found in report.findings]


def guarded_salvage(path: Path, new: Path) -> bool:
    try:
        salvage.salvage(path, new, patience=PATIENCE)
    except ArchiveError:
        return False
    return True


def without_nixio(monkeypatch: pytest.MonkeyPatch) -> None:
    """nixio needs a process and a second for each file, and must find nothing that we do not."""
    monkeypatch.setattr(check, "nixio_faults", lambda path: [])
