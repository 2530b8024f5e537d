"""What a stranger wrote into runs does not command the terminal, forge lines, or become HTML."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import archive
import schemas
from archive.cli import app
from archive.entry import Entry

ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp.exe\r\nsame: identical\n[bold]<script>x</script>"
NAME = "s\x9b\u202e[red]:boom:<b>"  # names have no control characters of ASCII


@pytest.fixture
def named(tmp_path: Path) -> Path:
    path = tmp_path / "named.nix"
    with archive.open(path, "x") as exp:
        for run_name, what in (("a", "1"), (f"b{NAME}", "2")):
            parameters = {"p": {ESCAPES: f"{what}{ESCAPES}", ESCAPES + what: 1}}
            with exp.run(
                run_name, parameters=parameters, annotations={"n": {ESCAPES: what}}
            ) as run:
                labels = np.array([ESCAPES + what], object)
                event = schemas.Event(variable=NAME, description=what + ESCAPES)
                parts = [Entry(event, {"times": np.array([1.0]), "labels": labels})]
                only = schemas.Event(variable=f"{NAME}{what}")
                parts.append(Entry(only, {"times": np.array([1.0]), "labels": labels}))
                own: dict[str, schemas.Value] = {NAME + what: ESCAPES}
                run.put([Entry(schemas.Segment(name=NAME, annotations=own), parts=parts)])
                size = 3 if what == "1" else 4
                population = schemas.Population(name=NAME, size=size, model=what + ESCAPES)
                run.snapshot(Entry(schemas.Snapshot(time=1.0), parts=[Entry(population)]))
    return path


@pytest.mark.parametrize("options", [[], ["--json"], ["--tolerance", "0.1"]])
def test_nothing_commands_the_terminal(named: Path, options: list[str]) -> None:
    done = CliRunner().invoke(app, ["diff", f"{named}:0", ":1", *options])
    assert done.exit_code == 1, (done.output, done.exception)
    assert not [c for c in done.output if not c.isprintable() and c != "\n"]
    assert not [line for line in done.output.splitlines() if line.startswith("same: identical")]
    assert "same: identical" in done.output  # it is shown, where it belongs
    assert ":boom:" in done.output


def test_a_missing_run_is_named_plainly(named: Path) -> None:
    done = CliRunner().invoke(app, ["diff", f"{named}:none\x1b[2J", ":1"])
    assert done.exit_code == 3
    assert "\x1b" not in done.output


def test_no_markup_in_html(named: Path) -> None:
    with archive.open(named) as exp:
        found = archive.diff(*exp.runs)
    text = found._repr_html_()
    assert "<script" not in text
    assert "<b>" not in text
    assert not [c for c in text if not c.isprintable()]
    assert not [c for c in f"{found}{found!r}" if not c.isprintable() and c != "\n"]
