"""The report as a format: judged as every writer, its bounds, and that nothing is left out in
silence."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive
import schemas
from archive.entry import Entry
from archive.errors import FormatError
from archive.report.html import HtmlReport
from archive.report.lineage import lineage_html, lineage_svg, lineage_within
from archive.testing import WriterSuite
from archive.testing.sources import Given
from tests.unit.test_report_texts import unpacked


class TestTheSuiteOfWriters(WriterSuite):
    adapter = HtmlReport()
    examples = 6


def index_of(path: Path) -> dict[str, Any]:
    (text,) = re.findall(r'data-block="index">([^<]*)<', path.read_text("utf-8"))
    return unpacked(text)[0]


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Runs of a sweep, each with noise that does not compress."""
    path = tmp_path / "sweep.nix"
    random = np.random.default_rng(1)
    with archive.open(path, "x") as exp, exp.transaction():
        for number in range(20):
            with exp.run(parameters={"seed": number, "tau": 10 * pq.ms}) as run:
                noise = random.normal(size=(4000, 3)) * pq.mV
                run.append({"exc/v": noise}, sampling_period=0.1 * pq.ms)
    return path


def test_a_small_page_says_what_it_leaves_out(sweep: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with archive.open(sweep) as exp:
        losses = exp.report(page, size=200_000)
    assert page.stat().st_size < 200_000
    index = index_of(page)
    drawn = len(index["pictures"])
    assert 0 < drawn < 20
    assert f"The pictures of {20 - drawn} of 20 segments." in index["leftOut"]
    missing = [loss for loss in losses if loss.field == "segment"]
    assert len(missing) == 20 - drawn
    decimated = [loss for loss in losses if loss.field == "values"]
    assert len(decimated) == drawn
    assert "4,000 samples drawn by the smallest and the largest of every" in decimated[0].reason


def test_all_of_it_is_there_where_there_is_room(sweep: Path, tmp_path: Path) -> None:
    with archive.open(sweep) as exp:
        exp.export(tmp_path / "page.html")
        exp.runs.where("parameters.tau > 5 ms")[:3].report(tmp_path / "some.html")
    index = index_of(tmp_path / "page.html")
    assert index["leftOut"] == []
    assert index["constants"] == [["parameter", "tau", "10.0 ms"]]
    assert index_of(tmp_path / "some.html")["counts"]["runs"] == 3


@pytest.mark.parametrize("size", [199_999, "big", None, 1e7])
def test_a_size_that_is_none_is_refused(sweep: Path, tmp_path: Path, size: object) -> None:
    with archive.open(sweep) as exp, pytest.raises(FormatError, match="smallest size is 200000"):
        exp.report(tmp_path / "page.html", size=size)
    assert not (tmp_path / "page.html").exists()


class Traced:
    """A source that draws the lineage of its runs."""

    def __init__(self, experiment: archive.Experiment, svg: str) -> None:
        self._experiment, self._svg = experiment, svg

    def entry(self) -> archive.Entry:
        return self._experiment.entry()

    def lineage(self) -> Traced:
        return self

    def to_svg(self) -> str:
        return self._svg


@pytest.mark.parametrize("used", [False, True])
def test_the_lineage_is_an_image(tmp_path: Path, used: bool) -> None:
    """Drawn where there is something to be seen."""
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    (tmp_path / "input.txt").write_text("x")
    with archive.open(tmp_path / "a.nix", "x") as exp:
        with exp.run() as run:
            if used:
                run.use(tmp_path / "input.txt")
        HtmlReport().write(Traced(exp, svg), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert ("data:image/svg+xml;base64," in page) == used
    assert "alert(1)" not in page
    assert lineage_svg(Traced(exp, svg), 10_000) is None


def test_parents_are_listed() -> None:
    found = lineage_html([("<b>", "named", "run 1")], 3, None)
    assert "&lt;b&gt;" in found
    assert "… and 2 more." in found


@pytest.mark.parametrize("room", [10, 500, 3000])
def test_the_lineage_is_cut_to_the_room(room: int) -> None:
    parentage = [(f"run {number}", "named", "run") for number in range(50)]
    found = lineage_within(room, parentage, 50, "<svg/>" * 1000)
    assert "data:image" not in found
    listed = found.count("<tr>") - 1
    assert f"… and {50 - listed} more." in found
    assert len(found) <= room or not listed


def test_no_size_is_exceeded_by_what_does_not_compress(tmp_path: Path) -> None:
    """Every share of the page is asked for more than there is of it."""
    random = np.random.default_rng(1)

    def text(size: int) -> str:
        return random.bytes(size // 2).hex()

    parts = [Entry(schemas.Segment(), parts=[noise(random)]) for _ in range(3)]
    same: schemas.Values = {text(60): text(100) for _ in range(199)}
    facts: schemas.Values = {text(60): text(400) for _ in range(50)}
    now = datetime(2024, 5, 1, tzinfo=UTC)
    runs = []
    for number in range(300):
        process = schemas.Provenance(argv=tuple(text(300) for _ in range(20)))
        parent = schemas.Parent(how="named", experiment="x", run=text(200), path=text(200), at=now)
        varies: schemas.Values = {"varies": text(100)}
        run = schemas.Run(name=text(100) + str(number), annotations=varies)
        known = (process, parent, schemas.ParameterSet(values=same))
        runs.append(Entry(run, parts=[*map(Entry, known), *parts]))
    model = schemas.Experiment(id="0" * 32, name="full", description=text(8000), annotations=facts)
    source = Given(Entry(model, parts=runs))
    page = tmp_path / "page.html"
    losses = HtmlReport().write(source, page, size=200_000)
    assert 100_000 < page.stat().st_size <= 200_000
    index = index_of(page)
    told = " ".join(index["leftOut"])
    for what in ("of 900 segments", "the same in all runs", "room for the cards"):
        assert what in told
    assert any(loss.field == "segment" for loss in losses)


def noise(random: np.random.Generator) -> Entry:
    signal = schemas.Signal(variable="v", unit="mV", sampling_period=0.1)
    return Entry(signal, {"values": random.normal(size=(5000, 8))})
