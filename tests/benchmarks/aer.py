"""Address events: decoded beside Brian's algorithm and beside reading alone, taken into an archive
beside copying the file, and EVT 3.0 beside AER."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

import archive
from archive.adapters import load_aer
from archive.adapters.aer import Aer
from archive.adapters.evt3 import Evt3
from archive.addresses import times_of
from archive.entry import ArrayLike
from tests.benchmarks.measure import Row, agree, fresh, interleaved, peak_memory, seconds, sync


class Size(NamedTuple):
    events: int
    rounds: int
    memory: int  # MB more than before that taking a file in may need


FULL = Size(events=100_000_000, rounds=5, memory=120)
QUICK = Size(events=200_000, rounds=2, memory=120)

PIECE = 1 << 20
Arrays = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    path = folder / "events.aedat"
    write_aer(path, size.events)
    work = f"{size.events} events of AER-DAT 2.0"
    yield from decoding(path, size, work)
    yield from taking(path, folder, size, work)
    yield from evt3(path, folder, size)
    path.unlink()


def decoding(path: Path, size: Size, work: str) -> Iterator[Row]:
    for ours, theirs in zip(load_aer(path), as_brian(path), strict=True):
        agree("addresses and seconds", np.asarray(ours, np.float64), np.float64(theirs))
    takes = {
        "ours": lambda _: seconds(partial(load_aer, path)),
        "Brian": lambda _: seconds(partial(as_brian, path)),
        "reading": lambda _: seconds(partial(read_and_copy, path)),
    }
    found = interleaved(size.rounds, takes)
    work = f"load_aer of {work}"
    yield Row(work, "s", found["ours"], "Brian's way", found["Brian"], "speed", 4)
    peer = "reading the bytes and copying them"
    yield Row(work, "s", found["ours"], peer, found["reading"], "speed", 0.5)


def taking(path: Path, folder: Path, size: Size, work: str) -> Iterator[Row]:
    takes = {
        "ours": lambda _: take(path, folder),
        "file": lambda _: take(path, folder, whole=True),
        "cp": lambda _: copy(path, folder, synced=False),
        "cp, synced": lambda _: copy(path, folder, synced=True),
    }
    found = interleaved(size.rounds, takes)
    work = f"{work} into an archive, synced"
    yield Row(work, "s", found["ours"], "cp", found["cp"], "speed", 0.5)
    yield Row(work, "s", found["ours"], "cp and sync", found["cp, synced"], "speed", 0.5)
    with_digest = f"import_file, which computes a SHA-256 too, of {work}"
    yield Row(with_digest, "s", found["file"], "cp and sync", found["cp, synced"], "speed")
    # what a target beside cp, which waits for no disk, asks of whoever does
    yield Row("cp and sync", "s", found["cp, synced"], "cp", found["cp"], "speed")
    used = float(fresh(memory_of_taking, path, folder)) / 1e6
    yield Row(f"{work}: memory", "MB", (used,), limit=size.memory)


def evt3(path: Path, folder: Path, size: Size) -> Iterator[Row]:
    """Addresses and seconds of as many events, as `load_aer` gives them; and the ticks alone,
    which AER-DAT has as they are."""
    raw = folder / "events.raw"
    write_evt3(raw, size.events)
    takes = {
        "EVT 3.0": lambda _: seconds(partial(in_seconds, Evt3(), raw)),
        "AER": lambda _: seconds(partial(load_aer, path)),
        "EVT 3.0, ticks": lambda _: seconds(partial(columns, Evt3(), raw)),
        "AER, ticks": lambda _: seconds(partial(columns, Aer(), path)),
    }
    found = interleaved(size.rounds, takes)
    raw.unlink()
    work, peer = f"{size.events} events of EVT 3.0 as addresses and", "as many of AER-DAT 2.0"
    yield Row(f"{work} seconds", "s", found["EVT 3.0"], peer, found["AER"], "speed", 0.5)
    yield Row(f"{work} ticks", "s", found["EVT 3.0, ticks"], peer, found["AER, ticks"], "speed")


# -- what is timed -----------------------------------------------------------------------------


def as_brian(path: Path) -> Arrays:
    """As Brian 1.4 goes about it: all bytes, an array of all of them, and each step for all events
    at once, with what NumPy has now in place of what it had then."""
    with path.open("rb") as file:
        line = file.readline()
        while line.startswith(b"#"):
            line = file.readline()
        line += file.read()
    table = np.frombuffer(line, np.int32).copy().reshape(-1, 2)
    addresses, ticks = table[:, 0].view(">i4"), table[:, 1].view(">i4")
    times = ticks / 1e6
    if (times < 0).all():
        raise ValueError("all times are negative")
    return addresses, times


def read_and_copy(path: Path) -> npt.NDArray[np.uint8]:
    return np.fromfile(path, np.uint8).copy()


def take(path: Path, folder: Path, *, whole: bool = False) -> float:
    """The time that the events of a file take; with `whole`, `import_file`."""
    target = folder / "events.nix"
    took = seconds(partial(_import if whole else _take, path, target))
    target.unlink()
    return took


def _take(path: Path, target: Path) -> None:
    with archive.open(target, "x") as exp, exp.run("r") as run:
        run.put(list(Aer().read(path)))


def _import(path: Path, target: Path) -> None:
    with archive.open(target, "x") as exp:
        exp.import_file(path)


def memory_of_taking(path: str, folder: str) -> int:
    """By how many bytes the most memory grew; in a process of its own."""
    small = Path(folder) / "small.aedat"
    write_aer(small, 1000)
    take(small, Path(folder))
    small.unlink()
    before = peak_memory()
    take(Path(path), Path(folder))
    return peak_memory() - before


def copy(path: Path, folder: Path, *, synced: bool) -> float:
    target = folder / "copy.aedat"

    def both() -> None:
        subprocess.run(["cp", str(path), str(target)], check=True) if _HAS_CP else shutil.copyfile(
            path, target
        )
        if synced:
            sync(target)

    took = seconds(both)
    target.unlink()
    return took


_HAS_CP = shutil.which("cp") is not None


def in_seconds(adapter: Any, path: Path) -> Arrays:
    """Piece by piece, as `load_aer` and the times of events in an archive are made: all ticks
    beside all times would be measured by what memory the system has at hand."""
    arrays = events(adapter, path)
    return np.asarray(arrays["addresses"]), times_of(arrays["ticks"], 1e-6)


def columns(adapter: Any, path: Path) -> Arrays:
    arrays = events(adapter, path)
    return np.asarray(arrays["addresses"]), np.asarray(arrays["ticks"])


def events(adapter: Any, path: Path) -> Mapping[str, ArrayLike]:
    (segment,) = adapter.read(path)
    (part,) = segment.parts
    arrays: Mapping[str, ArrayLike] = part.arrays
    return arrays


# -- files -------------------------------------------------------------------------------------


def write_aer(path: Path, count: int) -> None:
    """Events of a DVS128, some microseconds apart."""
    random = np.random.default_rng(3)
    now = 0
    with path.open("wb") as file:
        file.write(b"#!AER-DAT2.0\r\n# Timestamps tick is 1 us\r\n")
        for first in range(0, count, PIECE):
            rows = np.empty((min(PIECE, count - first), 2), ">u4")
            rows[:, 0] = random.integers(0, 1 << 15, len(rows))
            steps = now + np.cumsum(random.integers(0, 20, len(rows)))
            rows[:, 1] = steps
            now = int(steps[-1])
            file.write(rows.tobytes())


def write_evt3(path: Path, count: int) -> None:
    """Events of a sensor of 1280 by 720 as it writes them when much is seen: rows with vectors of
    twelve columns, of which half are set."""
    random = np.random.default_rng(4)
    vectors, now, done = 1 << 17, 0, 0
    with path.open("wb") as file:
        file.write(b"% evt 3.0\n% format EVT3;height=720;width=1280\n% end\n")
        while done < count:
            words = np.empty((vectors // 4, 8), np.uint16)
            masks = random.integers(1, 1 << 12, (len(words), 4))
            now = int(now)
            times = now + np.arange(len(words)) // 2
            words[:, 0] = 8 << 12 | times >> 12 & 0xFFF
            words[:, 1] = 6 << 12 | times & 0xFFF
            words[:, 2] = random.integers(0, 720, len(words))
            words[:, 3] = 3 << 12 | random.integers(0, 2, len(words)) << 11
            words[:, 3] |= random.integers(0, 1200, len(words)).astype(np.uint16)
            words[:, 4:] = 4 << 12 | masks
            now = int(times[-1]) + 1
            counts = np.array([bin(n).count("1") for n in range(1 << 12)])[masks].sum(axis=1)
            wanted = int(np.searchsorted(np.cumsum(counts), count - done)) + 1
            words, done = words[:wanted], done + int(counts[:wanted].sum())
            file.write(words.astype("<u2").tobytes())
