"""Reports of much: long recordings and many runs stay small, and can be used."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import archive
from archive.report.html import HtmlReport
from tests.browser import Browser
from tests.formats.report_long import ManyRuns, recording
from tests.formats.test_html_report import index_of

pytestmark = pytest.mark.slow

MANY = 10_000_000
LIMIT = 10_000_000


@pytest.fixture
def browser(require_program: Callable[[str], str], tmp_path: Path) -> Iterator[Browser]:
    with Browser(require_program("chromium"), tmp_path / "profile") as one:
        yield one


def test_ten_million_spikes_and_samples(tmp_path: Path, browser: Browser) -> None:
    with archive.open(tmp_path / "long.nix", "x") as exp, exp.run() as run:
        run.put([recording(MANY)])
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


def test_a_hundred_thousand_runs(tmp_path: Path, browser: Browser) -> None:
    page = tmp_path / "many.html"
    HtmlReport().write(ManyRuns(100_000), page)
    print(f"{page.stat().st_size:,} bytes")
    assert page.stat().st_size < LIMIT
    index = index_of(page)
    assert index["counts"]["rows"] == 100_000
    told = " ".join(index["leftOut"])
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
    rows = index["counts"]["rows"]
    assert rows < 6000
    assert sum(loss.field == "run" for loss in losses) == 6000 - rows
    assert f"{6000 - rows:,} of 6,000 runs: the table has the others." in index["leftOut"]
