"""A report of a long recording, and one of many runs: how long it takes to write, how large it is,
and how long a browser takes to draw it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import archive
from tests.benchmarks.measure import Row, seconds
from tests.browser import Browser
from tests.formats.report_long import ManyRuns, recording


class Size(NamedTuple):
    samples: int  # and as many spikes
    runs: int
    rounds: int


FULL = Size(samples=10_000_000, runs=100_000, rounds=5)
QUICK = Size(samples=100_000, runs=200, rounds=2)
LARGEST = 10.0  # MB


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    """The files are in the page cache. Without Chromium nothing is drawn."""
    size = QUICK if quick else FULL
    path, page, many = folder / "long.nix", folder / "long.html", folder / "many.html"
    with archive.open(path, "x") as exp, exp.run() as run:
        run.put([recording(size.samples)])
    with archive.open(path) as exp:
        took = tuple(seconds(lambda: exp.report(page, overwrite=True)) for _ in range(size.rounds))
    what = f"{size.samples:,} samples and spikes"
    yield Row(f"report of {what}: written", "s", took)
    yield Row(f"report of {what}: size", "MB", (page.stat().st_size / 1e6,), limit=LARGEST)
    source = ManyRuns(size.runs)
    yield Row(
        f"report of {size.runs:,} runs: written", "s", (seconds(lambda: source.report(many)),)
    )
    yield Row(
        f"report of {size.runs:,} runs: size", "MB", (many.stat().st_size / 1e6,), limit=LARGEST
    )
    program = shutil.which("chromium")
    if program is not None:
        yield from _drawn(
            program, folder / "profile", {what: page, f"{size.runs:,} runs": many}, size
        )
        shutil.rmtree(folder / "profile", ignore_errors=True)
    for one in (path, page, many):
        one.unlink()


def _drawn(program: str, profile: Path, pages: dict[str, Path], size: Size) -> Iterator[Row]:
    with Browser(program, profile) as browser:
        for what, page in pages.items():
            found: dict[str, list[float]] = {"drawn": [], "ready": []}
            for _ in range(size.rounds):
                browser.open(page)
                for name, times in found.items():
                    times.append(
                        float(browser.run(f"document.documentElement.dataset.{name}") or 0.1)
                    )
            yield Row(f"report of {what}: pictures drawn", "ms", tuple(found["drawn"]))
            yield Row(f"report of {what}: page ready", "ms", tuple(found["ready"]))
