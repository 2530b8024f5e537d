"""Reports as a person has them: in a browser, with mouse and keyboard."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import archive
from archive.experiment.parameter_diff import difference
from archive.report.html import HtmlReport
from tests.browser import Browser
from tests.formats.report_pages import MARKUP, Stranger, empty, sweep


@pytest.fixture(scope="module")
def browser(
    require_program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    with Browser(require_program("chromium"), tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for make in (sweep, empty):
        make(folder / f"{make.__name__}.nix")
        with archive.open(folder / f"{make.__name__}.nix") as exp:
            exp.report(folder / f"{make.__name__}.html")
    HtmlReport().write(Stranger(), folder / "stranger.html")
    return folder


@pytest.fixture
def page(browser: Browser, pages: Path) -> Iterator[Browser]:
    """The sweep, and afterwards the proof that nothing went wrong."""
    browser.open(pages / "sweep.html")
    yield browser
    nothing_wrong(browser)


def nothing_wrong(browser: Browser) -> None:
    assert browser.console == []
    asked = [one for one in browser.requests if not one.startswith(("data:", "file:"))]
    assert asked == []
    assert browser.run("document.getElementById('failure').hidden")


def column(browser: Browser, number: int) -> list[str]:
    found: list[str] = browser.run(
        f"[...document.querySelectorAll('#table tbody td:nth-child({number})')]"
        ".map((one) => one.textContent)"
    )
    return found


def text(browser: Browser, selector: str) -> str:
    found: str = browser.run(f"document.querySelector({json.dumps(selector)}).innerText")
    return found


def head(browser: Browser, title: str) -> str:
    """The selector of the button at the head of a column."""
    titles = browser.run(
        "[...document.querySelectorAll('#table th bdi')].map((one) => one.textContent)"
    )
    return f"#table th:nth-child({titles.index(title) + 1}) button"


def test_a_click_on_a_head_sorts(page: Browser) -> None:
    assert column(page, 1) == [str(number) for number in range(25)]
    page.click(head(page, "amplitude"))
    assert column(page, 1)[:3] == ["0", "1", "2"]
    page.click(head(page, "amplitude"))
    assert column(page, 1)[:3] == ["59", "58", "57"]
    assert (
        page.run("document.querySelector('#table th[aria-sort=descending]').innerText")
        == "amplitude ▼"
    )
    page.click(head(page, "exc.tau_m"))  # 10 ms, 0.01 s and 11 ms: by what they are
    assert column(page, 1)[:3] == ["0", "1", "3"]
    page.click(head(page, "only_here"))  # what has none stands at the end
    assert column(page, 1)[:2] == ["1", "0"]
    page.click(head(page, "only_here"))
    assert column(page, 1)[:2] == ["1", "0"]


@pytest.mark.parametrize(
    ("typed", "rows"),
    [
        ("exploded", []),  # it is in the card, not in the table
        ("failed", [30]),
        ("run 0042", [41]),
        ("amplitude > 0.565", [57, 58, 59]),
        ("cell=6 amplitude<0.2", [6, 13]),
        ("amplitude >= 0.58 seed <= 58", [58]),
        ("no such run", []),
        ("*(", []),
    ],
)
def test_typing_filters(page: Browser, typed: str, rows: list[int]) -> None:
    page.click("#filter")
    page.write(typed)
    page.until(f"document.getElementById('count').textContent === '{len(rows)} of 60 runs'")
    assert column(page, 1) == [str(row) for row in rows]


def test_pages_are_turned(page: Browser) -> None:
    page.click("#next")
    assert column(page, 1)[0] == "25"
    page.click("#last")
    assert column(page, 1)[-1] == "59"
    assert text(page, "#page") == "page 3 of 3"
    assert page.run("document.getElementById('next').disabled")
    page.click("#first")
    assert column(page, 1)[0] == "0"


def test_a_column_is_chosen(page: Browser) -> None:
    page.click(".menu summary")
    page.click("#chooser label:first-child input")  # outcome
    heads = page.run("document.querySelector('#table thead').innerText")
    assert "outcome" not in heads
    assert "amplitude" in heads


def test_a_run_has_a_card(page: Browser) -> None:
    page.click("#table tbody tr:nth-child(4) button")
    page.until("document.getElementById('card').open")
    assert text(page, "#card-title") == "3: run 0004"
    card = text(page, "#card-body")
    with archive.open(Path(page.run("location.pathname")).with_suffix(".nix")) as exp:
        found = exp.runs[3].provenance
        assert found.process is not None
        assert found.environment is not None
        for told in (found.process.host, found.environment.python, str(found.process.process)):
            assert str(told) in card
    for told in ("exc.tau_m", "cell 3", "Environment", "segment000"):
        assert told in card
    page.click("#card-next")
    page.until("document.getElementById('card-title').textContent === '4: run 0005'")
    page.press("Escape")
    page.until("!document.getElementById('card').open")
    page.click("#filter")
    page.write("failed")
    page.until("document.querySelectorAll('#table tbody tr').length === 1")
    page.click("#table tbody button")
    page.until("document.getElementById('card').open")
    assert "ValueError: the network exploded" in text(page, "#card-body")
    page.click("#close")


def test_runs_are_compared(page: Browser) -> None:
    page.click("#table tbody tr:nth-child(5) button")
    page.until("document.getElementById('card').open")
    page.click("#card-body .bar button:nth-child(2)")
    page.until("!document.getElementById('card').open")
    for one, other in ((0, 4), (0, 1), (1, 2), (7, 7)):
        page.run(
            f"['run-a', 'run-b'].forEach((id, at) => {{ const one = document.getElementById(id);"
            f" one.value = [{one}, {other}][at]; one.dispatchEvent(new Event('input')) }})"
        )
        rows: list[list[str]] = page.run(
            "[...document.querySelectorAll('#difference tbody tr')]"
            ".map((row) => [...row.cells].map((one) => one.textContent))"
        )
        with archive.open(Path(page.run("location.pathname")).with_suffix(".nix")) as exp:
            sets = [exp.runs[number].parameters.model.values for number in (one, other)]
        wanted = {(what, path) for what, path, _ in difference(*sets).rows()}
        if not wanted:
            assert rows == [["", "no difference", "", ""]]
            continue
        assert {(what.partition(" ")[0], path) for what, path, *_ in rows} == wanted


FORBIDDEN = ("script", "a", "svg", "style", "link", "img", "iframe", "object")
INK = """(() => {
  const drawn = document.querySelectorAll('#panels canvas')[%d];
  const canvas = document.createElement('canvas');
  canvas.width = drawn.width;
  canvas.height = drawn.height;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  pen.drawImage(drawn, 0, 0);
  const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  let marked = 0;
  const back = pen.getImageData(Math.floor(canvas.width / 2), 9, 1, 1).data;
  for (let at = 0; at < data.length; at += 4) {
    seen.add((data[at] << 16) + (data[at + 1] << 8) + data[at + 2]);
    const away = Math.abs(data[at] - back[0]) + Math.abs(data[at + 2] - back[2]);
    if (data[at + 3] && away > 60) marked += 1;
  }
  return [seen.size, marked];
})()"""


@pytest.mark.parametrize("dark", [False, True])
def test_traces_and_spikes_are_drawn(page: Browser, dark: bool) -> None:
    page.dark(dark)
    try:
        page.run("new Promise((done) => setTimeout(done, 50))")
        for panel in (0, 1):
            colours, few = page.run(INK % panel)
            assert colours > 3
            assert few > 100
        page.run(
            "document.getElementById('segment').value = '59';"
            "document.getElementById('segment').dispatchEvent(new Event('change'))"
        )
        page.until("document.querySelector('#panels').innerText.includes('1,200 spikes')")
        assert page.run(INK % 1)[1] > few, "60 times the spikes must leave more ink"
        assert page.run("getComputedStyle(document.body).backgroundColor") == (
            "rgb(18, 22, 29)" if dark else "rgb(255, 255, 255)"
        )
    finally:
        page.dark(False)


def test_pictures_are_zoomed_with_mouse_and_keyboard(page: Browser) -> None:
    whole = page.run(INK % 1)
    x, y = page.centre("#panels canvas")
    page.mouse("mouseMoved", x - 100, y)
    page.mouse("mousePressed", x - 100, y)
    page.mouse("mouseMoved", x + 100, y)
    page.mouse("mouseReleased", x + 100, y)
    assert page.run(INK % 1) != whole, "the panels share what is seen"
    assert " ms " in text(page, "#panels .readout")
    page.run("document.querySelectorAll('#panels canvas')[1].focus()")
    page.write("0")
    assert page.run(INK % 1) == whole
    page.write("+")
    assert page.run(INK % 1) != whole
    page.click("#all")
    assert page.run(INK % 1) == whole


def test_an_archive_without_runs_is_shown(browser: Browser, pages: Path) -> None:
    browser.open(pages / "empty.html")
    assert text(browser, "#count") == "0 of 0 runs"
    assert "There are no segments" in text(browser, "#pictures")
    assert browser.run("document.querySelectorAll('#table tbody tr').length") == 0
    nothing_wrong(browser)


def test_what_strangers_wrote_is_text(browser: Browser, pages: Path) -> None:
    browser.open(pages / "stranger.html")
    for row, markup in enumerate(MARKUP):
        browser.run(
            f"document.querySelectorAll('#table tbody tr')[{row}].querySelector('button').click()"
        )
        browser.until(f"document.getElementById('card-title').textContent.startsWith('{row}:')")
        card = browser.run("document.getElementById('card-body').textContent")
        shown = markup.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        assert card.count(shown) > 20
        for told in (
            "(99,600 more characters)",
            "\\x1b[2Jabc\\u202edcb\\x00",
            "only the beginning",
        ):
            assert told in card
        browser.run("document.getElementById('card').close()")
    browser.run("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert browser.run("window.hacked") is None
    made = [f"{where} {tag}" for where in ("header", "main", "dialog") for tag in FORBIDDEN]
    assert browser.run(f"document.querySelectorAll({json.dumps(', '.join(made))}).length") == 0
    handlers = browser.run(
        "[...document.querySelectorAll('*')].flatMap((one) => [...one.attributes]).filter((one) =>"
        " one.name.startsWith('on') || /javascript:/.test(one.value) && !SAID.includes(one.name)"
        " || one.name === 'style' && one.ownerElement.tagName !== 'CANVAS')"
        ".map((one) => one.name + '=' + one.value)".replace("SAID", "['title', 'aria-label']")
    )
    assert handlers == []
    assert text(browser, "#title") == MARKUP[1]
    nothing_wrong(browser)


def test_the_source_of_a_page_has_no_markup_of_strangers(pages: Path) -> None:
    content = (pages / "stranger.html").read_text("utf-8")
    for hostile in (
        "<img src=x",
        "<svg",
        "<script>window",
        "javascript:window.hacked=1'",
        "\u2028",
    ):
        assert hostile not in content
    assert "Content-Security-Policy" in content.partition("<title>")[0]


# Puts an element into the page; fails if it did not load, and made no mark, in some time.
MADE = """new Promise((done, fail) => {
  const one = document.createElement('%s');
  one.onload = done;
  one.onerror = fail;
  document.body.append(one);
  one.%s;
  setTimeout(() => (window.hacked ? done() : fail(new Error('blocked'))), %d);
})"""


@pytest.mark.parametrize(
    "attempt",
    [
        "fetch('https://example.invalid/x')",
        MADE % ("img", "src = 'https://example.invalid/x.png'", 2000),
        MADE % ("script", "src = 'https://example.invalid/x.js'", 2000),
        MADE % ("script", "textContent = 'window.hacked = 1'", 100),
        MADE % ("p", "innerHTML = '<img src=x onerror=window.hacked=1>'", 200),
        MADE % ("p", "innerHTML = '<b onclick=window.hacked=1>x</b>'; one.firstChild.click()", 50),
    ],
)
def test_the_page_forbids_itself(browser: Browser, pages: Path, attempt: str) -> None:
    """Were markup to get through, it could neither run nor fetch anything."""
    browser.open(pages / "empty.html")
    with pytest.raises(AssertionError):
        browser.run(attempt)
    assert browser.run("window.hacked") is None
    assert any("Content Security Policy" in one for one in browser.console), browser.console
    assert [one for one in browser.requests if "example.invalid" in one] == [] or any(
        "Refused" in one or "violates" in one for one in browser.console
    )


def test_a_screenshot_has_something_on_it(page: Browser) -> None:
    whole = len(page.picture())
    page.run("document.body.hidden = true; document.body.style.display = 'none'")
    assert len(page.picture()) < whole / 4
