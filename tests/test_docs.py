"""Every code block of the documentation is run, and every public name is documented."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from archive.adapters import BUILT_IN
from tests.doc_blocks import ROOT, Block, DocumentError, blocks, imported, run

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPTIONAL = ("pyNN", "brian2", "nest", "neuron", "ANNarchy", "matplotlib", "pandas")


def is_optional(module: str) -> bool:
    return module.partition(".")[0] in OPTIONAL


COMPILED = re.compile(r"^\s*(?:>>> )?(?:import|from) ANNarchy\b", re.MULTILINE)


def case(page: Path) -> Any:
    """A page as a case of the test, slow if ANNarchy compiles its networks, or it calls every
    command."""
    compiled = COMPILED.search(page.read_text("utf-8"))
    marks = [pytest.mark.slow, pytest.mark.simulator] if compiled else []
    marks += [pytest.mark.slow] if page.name == "command-line.md" else []
    return pytest.param(page, marks=marks, id=str(page.relative_to(ROOT)))


@pytest.mark.parametrize("page", [case(page) for page in PAGES])
def test_the_code_of_the_page_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    require: Callable[[str], ModuleType],
    require_program: Callable[[str], str],
) -> None:
    text = page.read_text("utf-8")
    found = list(blocks(text, str(page.relative_to(ROOT))))
    if COMPILED.search(text):
        require_program("cmake")
        require_program("g++")
        # as in an activated environment: ANNarchy's build looks there for Python
        monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
        monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    for module in sorted(filter(is_optional, set().union(*map(imported, found)))):
        require(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))  # a page may lay a package there
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in found:
        run(block, namespace, tmp_path)


def test_every_public_name_is_in_the_reference() -> None:
    import archive

    text = (ROOT / "docs/reference/api.md").read_text("utf-8")
    words = set(re.findall(r"\w+", text))
    assert sorted(set(archive.__all__) - words) == []


def test_every_format_has_a_page() -> None:
    """The table names each adapter, with a page that exists and says its name."""
    table = (ROOT / "docs/reference/formats.md").read_text("utf-8")
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    pages = {name: row[5] for row in rows for name in re.findall(r"`([\w-]+)`", row[1])}
    assert sorted(pages) == sorted(BUILT_IN)
    for name, links in pages.items():
        linked = re.findall(r"\(([\w/-]+\.md)\)", links)
        texts = [(ROOT / "docs/reference" / link).read_text("utf-8") for link in linked]
        assert any(f"`{name}`" in text for text in texts), f"no page of {name} says its name"


def page(*lines: str) -> list[Block]:
    return list(blocks("\n".join(lines) + "\n", "page.md"))


def test_blocks_are_found_with_their_lines() -> None:
    found = page(
        "# Title", "```python", "a = 1", "```", "1. item", "   ```console", "   $ x", "   ```"
    )
    assert found == [
        Block("page.md", 3, "python", "a = 1\n"),
        Block("page.md", 7, "console", "$ x\n"),
    ]


def test_other_languages_are_left_alone() -> None:
    assert page("```text", "```python", "```", "", "````json", "{}", "````") == []


def test_a_block_that_is_not_closed_is_seen() -> None:
    with pytest.raises(DocumentError, match="not closed"):
        page("```python", "a = 1", "```", "```python", "1/0")


def test_only_a_good_reason_keeps_a_block_from_being_run() -> None:
    assert page("<!-- not run: installs software -->", "", "```console", "$ pip", "```") == []
    with pytest.raises(DocumentError, match=r"page.md:3: 'it fails' is no reason"):
        page("<!-- not run: it fails -->", "```python", "1/0", "```")


def test_a_reason_counts_for_one_block_only() -> None:
    two = ["```console", "$ pip", "```", "", "```console", "$ neuroarchive", "```"]
    assert [block.line for block in page("<!-- not run: installs software -->", *two)] == [7]


@pytest.mark.parametrize("language", ["bash", "sh", "{code-block} python"])
def test_a_language_that_would_hide_code_is_refused(language: str) -> None:
    with pytest.raises(DocumentError, match="not run: make it"):
        page(f"```{language}", "x", "```")


def test_python_blocks_share_their_names(tmp_path: Path) -> None:
    namespace: dict[str, Any] = {}
    for block in page(
        "```python", "a = 1", "```", "```python", ">>> a + 1", "2", ">>> b = 5", "```"
    ):
        run(block, namespace, tmp_path)
    assert (namespace["a"], namespace["b"]) == (1, 5)


def test_an_error_names_the_line_of_the_page(tmp_path: Path) -> None:
    (block,) = page("# Title", "", "```python", "a = 1", "b = a / 0", "```")
    with pytest.raises(ZeroDivisionError) as caught:
        run(block, {}, tmp_path)
    assert (caught.traceback[-1].path, caught.traceback[-1].lineno) == ("page.md", 4)  # from 0


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("python", [">>> 1 + 1", "3"]),
        ("pycon", [">>> 1 + 1"]),
        ("console", ["$ python -c 'print(2)'", "3"]),
        ("console", ["$ python -c 'raise SystemExit(3)'"]),
        ("console", ["$ ls"]),
        ("console", ["neuroarchive ls"]),
    ],
)
def test_what_is_shown_must_happen(tmp_path: Path, language: str, lines: list[str]) -> None:
    (block,) = page(f"```{language}", *lines, "```")
    with pytest.raises(DocumentError, match=r"^page.md:2: "):
        run(block, {}, tmp_path)


def test_output_may_be_shortened(tmp_path: Path) -> None:
    said = 'print("a", 1, 2, "z"); print(3)'
    (block,) = page("```console", f"$ python -c '{said}'", "a ... z", "3", "$ python -V", "```")
    run(block, {}, tmp_path)


def test_imports_of_a_block_are_seen() -> None:
    (block,) = page("```python", ">>> import pyNN.neuron as sim", ">>> from neo import io", "```")
    assert imported(block) == {"pyNN.neuron", "neo"}
