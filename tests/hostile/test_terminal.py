"""What a stranger wrote does not command the terminal, and queries of any size come to an end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import archive
from archive.cli import app
from tests.unit import rich_archive

ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp.exe\r"


@pytest.fixture
def named(tmp_path: Path) -> Path:
    path = tmp_path / "named.nix"
    with (
        archive.open(path, "x", description=f"of{ESCAPES}") as exp,
        exp.run("a", annotations={"note": ESCAPES, "large": 1 << 60_000}) as run,
    ):
        run.put([rich_archive.segment(0, name="s\x9b\u202e")])
        run.annotate({"text": f"more{ESCAPES}"})
    with pytest.raises(ZeroDivisionError), archive.open(path, "a") as exp, exp.run("b"):
        raise ZeroDivisionError(ESCAPES)
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["ls"], ["ls", "--segments"], ["show"], ["show", "0"], ["show", "--run", "a"],
        ["show", "--run", "b"], ["query", "note like '*'"], ["check"], ["ls", "--json"],
    ],
)  # fmt: skip
def test_nothing_commands_the_terminal(named: Path, arguments: list[str]) -> None:
    if arguments[0] == "query":
        arguments = ["query", str(named), arguments[1]]
    else:
        arguments = [arguments[0], str(named), *arguments[1:]]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    assert not [c for c in done.output if not c.isprintable() and c != "\n"]


def test_errors_are_made_plain(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["ls", str(tmp_path / "none\x1b[2J.nix")])
    assert done.exit_code == 3
    assert "none\\x1b[2J.nix" in done.output.replace("\n", "")


@pytest.mark.parametrize(
    "query",
    [
        "x == 1 and " * 100_000 + "x == 1",
        "(" * 100_000 + "x == 1" + ")" * 100_000,
        "(" * 4_000 + "x == 1" + ")" * 4_000,
        "not " * 2_000 + "x == 1",
        "x == 1 m" + "*(" * 2_000 + "m" + ")" * 2_000,
        "x == 1 mV**9**9**9",
        "x == " + "9" * 9_000,
        "x like '" + "*a" * 4_000 + "'",
        "x == 'a",
    ],
)
def test_queries_come_to_an_end(named: Path, query: str) -> None:
    began = time.process_time()
    with archive.open(named) as exp, pytest.raises(archive.QueryError):
        exp.runs.where(query)
    assert time.process_time() - began < 2
