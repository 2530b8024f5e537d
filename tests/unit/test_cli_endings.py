"""How the command line ends: errors and their exit codes, warnings, help, start-up."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import h5py
import pytest
from typer.testing import CliRunner

import archive
from archive import errors
from archive.cli import app
from tests.unit.cli_archive import make, run

VERBS = ("ls", "show", "query", "parameters", "export", "check", "plot")
MAIN = "from archive.cli import main; main()"


@pytest.fixture(scope="module")
def fi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("cli") / "fi.nix")


ENDS: list[tuple[tuple[str, ...], type[errors.ArchiveError]]] = [
    (("ls", "absent.nix"), errors.ArchiveNotFound),
    (("show", "fi.nix", "step"), errors.NotFound),
    (("show", "fi.nix", "99"), errors.NotFound),
    (("show", "fi.nix", "--run", "f-I"), errors.NotFound),
    (("query", "fi.nix", "amplitud > 1 nA"), errors.QueryError),
    (("query", "fi.nix", "amplitude > 1 mV"), errors.QueryError),
    (("ls", "text.nix"), errors.FormatError),
    (("check", "text.nix"), errors.FormatError),
    (("export", "fi.nix", "fi.xyz"), errors.FormatError),
    (("plot", "fi.nix", "0", "fi.xyz"), errors.FormatError),
    (("ls", "."), errors.FormatError),
    (("ls", "newer.nix"), errors.VersionError),
]


@pytest.mark.parametrize(("arguments", "kind"), ENDS, ids=[" ".join(a) for a, _ in ENDS])
def test_errors_end_with_their_code(
    fi: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    kind: type[errors.ArchiveError],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fi.nix").write_bytes(fi.read_bytes())
    Path("text.nix").write_text("no archive")
    if "newer.nix" in arguments:
        Path("newer.nix").write_bytes(fi.read_bytes())
        with h5py.File("newer.nix", "r+") as file:
            file.attrs["archive_layout"] = 99
    done = run(*arguments, code=kind.exit_code)
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert "hint: " in done.stderr or "did you mean" in done.stderr


def every_error() -> list[type[errors.ArchiveError]]:
    kinds = [one for one in vars(errors).values() if isinstance(one, type)]
    return [one for one in kinds if issubclass(one, errors.ArchiveError)]


@pytest.mark.parametrize("kind", every_error())
def test_every_group_of_errors(
    fi: Path, monkeypatch: pytest.MonkeyPatch, kind: type[errors.ArchiveError]
) -> None:
    def fail(path: Path) -> None:
        raise kind("it went [wrong]", path=path, hint="do otherwise")

    monkeypatch.setattr(archive, "open", fail)
    done = run("ls", fi, code=kind.exit_code)
    assert "it went [wrong]" in done.stderr
    assert "  hint: do otherwise" in done.stderr


def test_other_errors_are_not_swallowed(fi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> None:
        raise ZeroDivisionError(path)

    monkeypatch.setattr(archive, "open", fail)
    assert isinstance(CliRunner().invoke(app, ["ls", str(fi)]).exception, ZeroDivisionError)


def test_our_warnings_are_said_in_one_line(fi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truly = archive.open

    def warn(path: Path) -> archive.Experiment:
        warnings.simplefilter("always")
        warnings.warn("sorted [it]", archive.ArchiveWarning, stacklevel=1)
        return truly(path)

    monkeypatch.setattr(archive, "open", warn)
    assert run("ls", fi).stderr == "warning: sorted [it]\n"


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_examples_and_keys(verb: str) -> None:
    out = run(verb, "--help").stdout
    assert "Examples:" in out
    assert f"neuroarchive {verb} " in out
    assert "--json" in out
    assert '"unit"' in out


def test_help_names_all_verbs_and_exit_codes() -> None:
    out = " ".join(run("--help").stdout.split())
    for verb in VERBS:
        assert f" {verb} " in out
    for code in {kind.exit_code for kind in every_error()}:
        assert f" {code} " in out


def test_a_segment_or_a_run_but_not_both(fi: Path) -> None:
    run("show", fi, "0", "--run", "0", code=2)


@pytest.mark.parametrize("arguments", [("-m", "archive"), ("-c", MAIN)])
def test_as_a_module(fi: Path, arguments: tuple[str, str]) -> None:
    command = [sys.executable, *arguments, "ls", str(fi), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["total"] == 2
    gone = subprocess.run([*command[:-2], "absent"], capture_output=True, text=True, check=False)
    assert gone.returncode == errors.NotFound.exit_code
    assert "Traceback" not in gone.stderr


def test_version() -> None:
    assert run("--version").stdout.startswith("neuroarchive ")


def test_start_up_loads_nothing_heavy() -> None:
    code = "import archive.cli, sys; print(*{m.partition('.')[0] for m in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"neo", "scipy", "matplotlib", "nixio", "lxml", "pandas"} & set(done.stdout.split())


@pytest.mark.parametrize("verb", ["check", "export"])
def test_progress_is_for_terminals(fi: Path, tmp_path: Path, verb: str) -> None:
    arguments: list[str | Path] = [verb, fi, *([tmp_path / "fi.mat"] if verb == "export" else [])]
    seen = run(*arguments, env={"FORCE_COLOR": "1"}).stderr
    assert f"{verb.removesuffix('e')}ing" in seen
    assert "4/4" in seen
    if verb == "check":
        assert run(*arguments).stderr == ""


def test_colour_is_for_those_who_want_it(fi: Path) -> None:
    assert "\x1b[32m" in run("check", fi, env={"FORCE_COLOR": "1"}).stdout
    plain = run("check", fi, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout
    assert "\x1b[32m" not in plain
    assert "sound" in plain
