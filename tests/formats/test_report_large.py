"""Reports of much: long recordings and many runs stay small, and can be used."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import archive
import schemas
from archive.entry import Entry
from archive.report.html import HtmlReport
from tests.browser import Browser
from tests.formats.test_html_report import index_of

pytestmark = pytest.mark.slow

MANY = 10_000_000
LIMIT = 10_000_000


@pytest.fixture
def browser(require_program: Callable[[str], str], tmp_path: Path) -> Iterator[Browser]:
    with Browser(require_program("chromium"), tmp_path / "profile") as one:
        yield one


def recording() -> Entry:
    """A segment of 10,000,000 samples and as many spikes of 10,000 neurons, all at random."""
    random = np.random.default_rng(1)
    signal = schemas.Signal(population="exc", variable="v", unit="mV", sampling_period=0.1)
    values = random.normal(size=(MANY, 1)).astype(np.float32)
    values[1_234_567, 0] = 1000.0  # one peak, which must be seen
    trains = schemas.SpikeTrains(population="exc", variable="spikes", size=10_000, t_stop=1e6)
    neuron = np.repeat(np.arange(10_000), MANY // 10_000)
    times = np.sort(random.uniform(0, 1e6, (10_000, MANY // 10_000)), axis=1).ravel()
    return Entry(
        schemas.Segment(),
        parts=[
            Entry(signal, {"values": values}),
            Entry(trains, {"times": times, "neuron": neuron}),
        ],
    )


def test_ten_million_spikes_and_samples(tmp_path: Path, browser: Browser) -> None:
    with archive.open(tmp_path / "long.nix", "x") as exp, exp.run() as run:
        run.put([recording()])
    page = tmp_path / "long.html"
    with archive.open(tmp_path / "long.nix") as exp:
        tracemalloc.start()
        losses = exp.report(page)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    print(f"{page.stat().st_size:,} bytes, {peak / 1e6:.0f} MB of memory at most")
    assert page.stat().st_size < LIMIT
    assert peak < MANY * 8 * 0.8, "the spikes alone take 80 MB"
    assert {loss.field for loss in losses} == {"values", "times"}
    browser.open(page)
    assert browser.console == []
    drawn = float(browser.run("document.documentElement.dataset.drawn"))
    print(f"drawn in {drawn:.0f} ms, ready after {browser.run('performance.now()'):.0f} ms")
    told = browser.run("document.getElementById('panels').innerText")
    assert "10,000,000 samples drawn by the smallest and the largest" in told
    assert "10,000,000 spikes counted in 400 × 4,000 fields" in told
    x, y = browser.centre("#panels canvas")
    browser.mouse("mouseMoved", x, y)
    browser.mouse("mouseMoved", 56 + 62 + 0.1234567 * (1168 - 72), y)
    browser.until("document.querySelector('.readout').textContent.includes(' to ')")


@dataclass
class ManyRuns:
    """An experiment of many short runs."""

    count: int
    long_names: bool = False
    """Of letters at random, which do not compress."""

    def entry(self) -> Entry:
        return Entry(schemas.Experiment(id="0" * 32, name="many"), parts=self._runs())

    def _runs(self) -> Iterator[Entry]:
        began = datetime(2024, 5, 1, tzinfo=UTC)
        random = np.random.default_rng(1)
        process = schemas.Provenance(argv=("sweep.py",), host="node17", user="somebody")
        for number in range(self.count):
            started = began + timedelta(seconds=number)
            values: schemas.Values = {
                "seed": number,
                "tau": float(random.normal()),
                "n": number % 7,
            }
            name = random.bytes(50).hex() if self.long_names else f"run {number:06d}"
            run = schemas.Run(
                name=name, started=started, simulator="nest",
                annotations={"amplitude": schemas.Quantity(0.001 * (number % 1000), "nA")},
            )  # fmt: skip
            end = schemas.RunEnd(ended=started + timedelta(seconds=1), outcome="finished")
            known = (process, schemas.ParameterSet(values=values), end)
            yield Entry(run, parts=[*map(Entry, known), Entry(schemas.Segment())])


def test_a_hundred_thousand_runs(tmp_path: Path, browser: Browser) -> None:
    page = tmp_path / "many.html"
    HtmlReport().write(ManyRuns(100_000), page)
    print(f"{page.stat().st_size:,} bytes")
    assert page.stat().st_size < LIMIT
    index = index_of(page)
    assert index["counts"]["rows"] == 100_000  # type: ignore[index]
    told = " ".join(index["leftOut"])  # type: ignore[arg-type]
    assert "The pictures of 99,940 of 100,000 segments" in told
    assert "there is room for the cards of the first" in told
    browser.open(page)
    assert browser.run("document.getElementById('count').textContent") == "100,000 of 100,000 runs"
    assert browser.run("document.querySelectorAll('#table tbody tr').length") == 25
    browser.click("#filter")
    browser.write("099999")
    browser.until("document.getElementById('count').textContent === '1 of 100,000 runs'")
    browser.click("#table tbody button")
    browser.until("document.getElementById('card').open")
    assert "There was no room" in browser.run("document.getElementById('card-body').innerText")
    assert "99999" in browser.run("document.getElementById('card-body').innerText")
    browser.click("#close")
    browser.click("#filter")
    for _ in range(6):
        browser.press("Backspace")
    browser.until("document.getElementById('count').textContent.startsWith('100,000')")
    browser.click("#table th:nth-child(2) button")
    browser.click("#table th:nth-child(2) button")
    assert "run 099999" in browser.run("document.querySelector('#table tbody tr').innerText")
    assert browser.console == []


def test_runs_beyond_the_room_are_left_out_and_said(tmp_path: Path) -> None:
    page = tmp_path / "many.html"
    losses = HtmlReport().write(ManyRuns(6000, long_names=True), page, size=200_000)
    assert page.stat().st_size < 200_000
    index = index_of(page)
    rows = index["counts"]["rows"]  # type: ignore[index]
    assert rows < 6000
    assert sum(loss.field == "run" for loss in losses) == 6000 - rows
    assert f"{6000 - rows:,} of 6,000 runs: the table has the others." in index["leftOut"]  # type: ignore[operator]
