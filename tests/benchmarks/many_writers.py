"""Eight processes that write at once: a part each, and one file that they share in turn."""

from __future__ import annotations

import shelve
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

import archive
from tests.benchmarks.measure import ROOT, Disagreement, Row, interleaved, seconds, sync


class Size(NamedTuple):
    writers: int
    segments: int  # of each writer
    bulk: int  # segments of 8 MB in the part that is merged
    rounds: int


FULL = Size(writers=8, segments=10, bulk=20, rounds=2)
QUICK = Size(writers=2, segments=2, bulk=1, rounds=1)

CHANNELS, SAMPLES = 10, 1000
VALUES = np.random.default_rng(4).standard_normal((SAMPLES, CHANNELS))


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    ways = {
        "parts": (parts, count_parts),
        "lock": (locked, count_locked),
        "shelves": (shelves, count_shelves),
        "h5py": (h5py_in_turn, count_h5py),
        "SQLite": (sqlite, count_sqlite),
    }
    takes = {name: _take(folder, name, *way, size) for name, way in ways.items()}
    found = interleaved(size.rounds, takes, warm_up=False)
    work = f"{size.writers} processes, {size.segments} segments of 80 kB each"
    for ours, peer in (
        ("parts", "shelves"),
        ("parts", "SQLite"),
        ("lock", "h5py"),
        ("lock", "SQLite"),
    ):
        yield Row(f"{work}: {ours}", "s", found[ours], peer, found[peer], "speed")
    yield merging(folder, size)


Write = Callable[[Path, int, int], None]


def _take(
    folder: Path, name: str, way: Write, count: Callable[[Path], int], size: Size
) -> Callable[[int], float]:
    """The time in which all processes write all segments, their start excluded."""

    def take(number: int) -> float:
        place = folder / f"{name}{number}"
        place.mkdir()
        code = (
            "import sys, quantities; from pathlib import Path; "  # imported before time is taken
            f"from {way.__module__} import {way.__name__} as write; "
            "place, writer, segments = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]); "
            "print('ready', flush=True); sys.stdin.readline(); write(place, writer, segments)"
        )
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(place), str(writer), str(size.segments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
            )
            for writer in range(size.writers)
        ]
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        start = time.perf_counter()
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
            process.stdin.flush()
        codes = [process.wait() for process in processes]
        taken = time.perf_counter() - start
        for process in processes:
            process.communicate()
        there, wanted = count(place), size.writers * size.segments
        if any(codes) or there != wanted:
            raise Disagreement(f"{name}: {wanted} segments went in, {there} are there")
        shutil.rmtree(place)
        return taken

    return take


def parts(place: Path, writer: int, segments: int) -> None:
    with archive.session(place / "e.nix") as session, session.run(f"writer {writer}") as run:
        for number in range(segments):
            run.append(_recorded(), sampling_period=_period(), annotations={"number": number})


def count_parts(place: Path) -> int:
    with archive.open(place / "e.nix") as exp:
        return len(exp.segments)


def locked(place: Path, writer: int, segments: int) -> None:
    run = archive.locking_session(place / "e.nix", timeout=600).run(f"writer {writer}")
    for number in range(segments):
        run.append(_recorded(), sampling_period=_period(), annotations={"number": number})


count_locked = count_parts


def shelves(place: Path, writer: int, segments: int) -> None:
    """As Brian's DataManager has it; but synced after each segment, as ours is."""
    file = place / f"{writer}.shelf"
    with shelve.open(str(file)) as shelf:
        for number in range(segments):
            shelf[str(number)] = (VALUES, {"number": number})
            shelf.sync()
            for part in place.glob(f"{writer}.shelf*"):
                sync(part)


def count_shelves(place: Path) -> int:
    found = 0
    for writer in {path.name.partition(".")[0] for path in place.iterdir()}:
        with shelve.open(str(place / f"{writer}.shelf"), "r") as shelf:
            found += len(shelf)
    return found


def h5py_in_turn(place: Path, writer: int, segments: int) -> None:
    """One file, opened again and again until nobody else has it."""
    for number in range(segments):
        while True:
            try:
                with h5py.File(place / "e.h5", "a") as file:
                    made = file.create_dataset(f"{writer}/{number}", data=VALUES)
                    made.attrs["number"] = number
                break
            except OSError:
                time.sleep(0.002)
        sync(place / "e.h5")


def count_h5py(place: Path) -> int:
    with h5py.File(place / "e.h5") as file:
        return sum(len(group) for group in file.values())


def sqlite(place: Path, writer: int, segments: int) -> None:
    with sqlite3.connect(place / "e.sqlite", timeout=600, isolation_level=None) as base:
        base.execute("create table if not exists s (writer int, number int, v blob)")
        for number in range(segments):
            base.execute("insert into s values (?, ?, ?)", (writer, number, VALUES.tobytes()))
    base.close()


def count_sqlite(place: Path) -> int:
    with sqlite3.connect(place / "e.sqlite") as base:
        return int(base.execute("select count(*) from s").fetchone()[0])


def _recorded() -> dict[str, object]:
    import quantities as pq

    return {"cell/v": VALUES * pq.mV}


def _period() -> object:
    import quantities as pq

    return 0.1 * pq.ms


def merging(folder: Path, size: Size) -> Row:
    """Merging a part of long recordings, beside copying its bytes."""
    import quantities as pq

    path, part = folder / "whole.nix", folder / "part.nix"
    v = np.random.default_rng(5).standard_normal((2000, 512)) * pq.mV
    with archive.open(part, "x") as exp, exp.run() as run:
        for _ in range(size.bulk):
            run.append({"cell/v": v}, sampling_period=0.1 * pq.ms)

    def merge(number: int) -> float:
        path.unlink(missing_ok=True)
        with archive.open(path, "x") as exp:
            return seconds(lambda: exp.merge(part))

    def copy(number: int) -> float:
        copied = folder / "copy.nix"
        copied.unlink(missing_ok=True)

        def both() -> None:
            shutil.copyfile(part, copied)
            sync(copied)

        return seconds(both)

    found = interleaved(size.rounds, {"ours": merge, "copy": copy})
    megabytes = part.stat().st_size / 1e6
    for name in ("whole.nix", "part.nix", "copy.nix"):
        (folder / name).unlink()
    work = f"merging {megabytes:.0f} MB, read back and compared"
    return Row(work, "s", found["ours"], "copying the bytes", found["copy"], "speed", 0.5)
