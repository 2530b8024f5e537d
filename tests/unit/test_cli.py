"""The verbs of the command line, on a small archive: what they print, as JSON too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import h5py
import neo
import numpy as np
import pytest
import quantities as pq
from typer.testing import CliRunner

import archive
from archive import errors
from archive.cli import app, segment_drawing
from tests.unit.cli_archive import SPIKE_TIMES, make, run, run_json
from tests.unit.network_states import snapshot


@pytest.fixture(scope="module")
def fi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("cli") / "fi.nix")


# -- ls and query ----------------------------------------------------------------------------


def test_ls(fi: Path) -> None:
    out = run("ls", fi).stdout
    assert "fi: 2 runs, 4 segments" in out
    for text in ("f-I [curve]", "finished", "simulator=neuron", "broken", "failed"):
        assert text in out


def test_ls_segments_and_limit(fi: Path) -> None:
    out = run("ls", fi, "--segments", "--limit", "2").stdout
    assert "step 1" in out
    assert "step 2" not in out
    assert "10 ms" in out
    assert "… and 2 more: --limit 4 shows all" in out


def test_ls_json(fi: Path) -> None:
    found = run_json("ls", fi)
    assert found["experiment"] == "fi"
    assert found["total"] == 2
    first, second = found["runs"]
    assert list(first) == [
        "number", "name", "outcome", "started", "ended", "segments", "annotations",
    ]  # fmt: skip
    assert (first["name"], first["segments"], first["outcome"]) == ("f-I [curve]", 3, "finished")
    assert datetime.fromisoformat(first["started"]) <= datetime.now(UTC)
    assert second["outcome"] == "failed"


def test_ls_json_of_segments(fi: Path) -> None:
    found = run_json("ls", fi, "--segments")["segments"]
    assert [one["name"] for one in found[:3]] == ["step 0", "step 1", "step 2"]
    assert found[2]["annotations"] == {"amplitude": {"value": 0.2, "unit": "nA"}}
    assert found[2]["t_stop"] == {"value": 10.0, "unit": "ms"}
    assert [one["run"] for one in found] == ["f-I [curve]"] * 3 + ["broken"]


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "network.nix"
    with archive.open(path, "x") as exp, exp.run("training") as going_on:
        for epoch in range(3):
            entry = snapshot(time=10.0 * epoch)
            going_on.snapshot(entry, name=f"after {epoch}", annotations={"epoch": epoch})
    return path


def test_ls_snapshots(network: Path) -> None:
    out = run("ls", network, "--snapshots", "--limit", "2").stdout
    for text in ("1 run, 0 segments, 3 snapshots", "after 1", "10 ms", "40", "200", "epoch=1"):
        assert text in out
    assert "after 2" not in out
    found = run_json("ls", network, "--snapshots")
    assert found["total"] == 3
    last = found["snapshots"][2]
    assert (last["number"], last["name"], last["run"]) == (2, "after 2", "training")
    assert last["time"] == {"value": 20.0, "unit": "ms"}
    assert last["populations"] == {"exc": 30, "inh": 10}
    assert last["projections"] == {"exc_inh": 200}
    run("ls", network, "--snapshots", "--segments", code=2)


def test_show_a_snapshot(network: Path) -> None:
    out = run("show", network, "--snapshot", "after 1").stdout
    for text in ("Snapshot 1 after 1", "10 ms", "exc_inh", "weights (nS)", "projection", "neuron"):
        assert text in out
    found = run_json("show", network, "--snapshot", "1")
    assert found["time_step"] == {"value": 0.1, "unit": "ms"}
    exc, _, weights = found["parts"]
    assert (exc["name"], exc["size"], exc["model"]) == ("exc", 30, "IF_cond_exp")
    assert exc["arrays"]["v"] == {"shape": [30], "dtype": "float64", "unit": "mV"}
    assert (weights["pre"], weights["post"]) == ("exc", "inh")
    assert run_json("show", network)["snapshots"] == 3
    run("show", network, "--snapshot", "1", "--run", "0", code=2)
    run("show", network, "--snapshot", "nothing", code=3)


def test_a_table_is_cut_and_says_so_but_json_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "many.nix"
    with archive.open(path, mode="x", durability="close") as exp, exp.transaction():
        for _ in range(103):
            exp.run()
    assert "… and 3 more" in run("ls", path).stdout
    assert len(run_json("ls", path)["runs"]) == 103


def test_query(fi: Path) -> None:
    out = run("query", fi, "amplitude > 50 pA and simulator == 'neuron'").stdout
    assert "2 segments where" in out
    assert "step 0" not in out
    assert "step 2" in out


def test_query_json(fi: Path) -> None:
    found = run_json("query", fi, "amplitude > 50 pA")
    assert found["total"] == 2
    assert [one["number"] for one in found["segments"]] == [1, 2]
    runs = run_json("query", fi, "parameters.tau_m = 10 ms", "--runs")
    assert [one["name"] for one in runs["runs"]] == ["f-I [curve]"]


def test_no_hit_is_no_error(fi: Path) -> None:
    assert "0 segments" in run("query", fi, "amplitude > 1 A").stdout
    assert run_json("query", fi, "amplitude > 1 A")["segments"] == []


# -- show ------------------------------------------------------------------------------------


def test_show_draws_every_spike_and_peak(fi: Path) -> None:
    out = run("show", fi, "2").stdout
    assert "annotations.amplitude  0.2 nA" in out
    assert "1000 x 6" in out
    assert "cell: 4 spikes of 3 neurons" in out
    assert "neurons 0, 1, 2, 3 of 6" in out
    assert "42 ┤" in out
    assert "light" in out
    assert "5 ms  on" in out
    ticks = sum(line.count("⡆") + line.count("⢰") for line in out.splitlines())
    assert ticks >= len(SPIKE_TIMES)
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out


def test_show_fills_the_width_it_has(fi: Path) -> None:
    out = run("show", fi, "step 2", env={"COLUMNS": "120"}).stdout
    assert max(map(len, out.splitlines())) == 120


def test_show_json(fi: Path) -> None:
    found = run_json("show", fi, "step 1")
    assert found["number"] == 1
    parts = {part["name"]: part for part in found["parts"]}
    assert parts["cell/v"]["shape"] == [1000, 6]
    assert parts["cell/v"]["sampling_period"] == {"value": 0.01, "unit": "ms"}
    assert (parts["cell"]["trains"], parts["cell"]["spikes"]) == (3, 4)
    assert parts["light"]["entries"] == 1


def test_show_says_what_cannot_be_drawn(fi: Path) -> None:
    assert "4 values are NaN or infinite" in run("show", fi, "3").stdout


def test_show_a_run(fi: Path) -> None:
    out = run("show", fi, "--run", "broken").stdout
    assert "ZeroDivisionError: no current" in out
    found = run_json("show", fi, "--run", "0")
    assert found["parameters"] == {"tau_m": {"value": 10.0, "unit": "ms"}}
    assert found["provenance"]["environment"]["packages"]["numpy"]
    assert found["provenance"]["process"]["argv"]
    assert found["reason"] is None


def test_show_the_experiment(fi: Path) -> None:
    assert "Experiment fi" in run("show", fi).stdout
    found = run_json("show", fi)
    assert (found["runs"], found["segments"], found["name"]) == (2, 4, "fi")


def test_long_recordings_are_drawn_in_pieces(fi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run("show", fi, "2").stdout
    monkeypatch.setattr(segment_drawing, "PIECE", 4 * 77)
    assert run("show", fi, "2").stdout == whole


def test_every_kind_of_part_is_shown(tmp_path: Path) -> None:
    block = neo.Segment()
    block.irregularlysampledsignals.append(
        neo.IrregularlySampledSignal([0.0, 1.0, 5.0], [[1.0], [9.0], [2.0]], "mV", "ms", name="i")
    )
    block.analogsignals.append(
        neo.AnalogSignal(np.array([[1 + 1j], [0j]]), "mV", sampling_rate=1 * pq.kHz, name="z")
    )
    block.epochs.append(
        neo.Epoch(np.arange(12.0) * pq.ms, 0.5 * np.ones(12) * pq.ms, ["e"] * 12, name="epoch")
    )
    block.imagesequences.append(
        neo.ImageSequence(
            np.zeros((2, 3, 4)), "V", spatial_scale=1 * pq.um, sampling_rate=1 * pq.Hz, name="img"
        )
    )
    path = tmp_path / "kinds.nix"
    with archive.open(path, mode="x") as exp, exp.run() as one:
        one.append(block)
    out = run("show", path, "0").stdout
    for text in ("i (mV)", "z (magnitude, mV)", "0 to 0.5 ms  e", "… and 2 more", "2 x 3 x 4"):
        assert text in out
    kinds = {part["kind"] for part in run_json("show", path, "0")["parts"]}
    assert kinds == {"signal", "irregular signal", "epochs", "images"}


def test_without_utf_8_nothing_breaks(fi: Path) -> None:
    done = CliRunner(charset="ascii").invoke(app, ["show", str(fi), "2"])
    assert done.exit_code == 0
    assert done.stdout.isascii()
    assert "|" in done.stdout
    assert "*" in done.stdout


# -- export, check, plot ---------------------------------------------------------------------


def test_export(fi: Path, tmp_path: Path) -> None:
    from scipy.io import loadmat

    out = tmp_path / "fi.mat"
    assert "2 segments written" in run("export", fi, out, "--query", "amplitude > 50 pA").stdout
    assert len(np.atleast_1d(loadmat(out, simplify_cells=True)["runs"]["segments"])) == 2
    run("export", fi, out, code=errors.AlreadyExists.exit_code)
    run("export", fi, out, "--overwrite", "--option", "version=7.3")
    with h5py.File(out) as file:
        assert "runs" in file
    found = run_json("export", fi, tmp_path / "other", "--format", "mat")
    assert (found["segments"], found["out"]) == (4, str(tmp_path / "other"))


def test_export_of_losses(tmp_path: Path) -> None:
    path, out = tmp_path / "lossy.nix", tmp_path / "lossy.mat"
    with archive.open(path, mode="x") as exp, exp.run() as one:
        one.append(
            {"v": np.zeros((2, 1))}, sampling_period=1 * pq.ms, annotations={"huge": 1 << 100}
        )
    losses = run_json("export", path, out)["losses"]
    assert losses
    assert set(losses[0]) == {"entry", "field", "reason"}
    done = run("export", path, out, "--overwrite", "--strict", code=errors.FormatError.exit_code)
    assert "huge" in done.stdout
    assert "--strict" in done.stderr


@pytest.mark.parametrize("option", ["colour=red", "nothing"])
def test_export_options_are_known_or_refused(fi: Path, tmp_path: Path, option: str) -> None:
    code = errors.FormatError.exit_code if "=" in option else 2
    done = run("export", fi, tmp_path / "fi.mat", "--option", option, code=code)
    assert option.partition("=")[0] in done.stderr
    assert not (tmp_path / "fi.mat").exists()


@pytest.mark.parametrize("arguments", [("export",), ("plot", "0")])
def test_the_archive_is_never_replaced(
    fi: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "archive.mat"
    path.write_bytes(fi.read_bytes())
    verb, *rest = arguments
    run(verb, path, *rest, path, "--overwrite", code=errors.Refused.exit_code)
    assert path.read_bytes() == fi.read_bytes()


def test_check(fi: Path) -> None:
    said = run("check", fi).stdout
    assert "sound, 2 runs and 4 segments checked" in said
    assert "that runs were made by: --files looks" in said
    found = run_json("check", fi)
    counted = {"runs": 2, "segments": 4, "snapshots": 0}
    nothing = {f"damaged_{what}": list[int]() for what in counted}
    assert found.pop("files") > 0  # of what it was run by
    unsaid: dict[str, list[str]] = {"findings": [], "signatures": [], "gone": []}
    assert found == {"file": str(fi), "valid": True, **unsaid, **counted, **nothing}


@pytest.mark.damaged
def test_check_of_damage(fi: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.nix"
    path.write_bytes(fi.read_bytes())
    with h5py.File(path, "r+") as file:
        file["data/fi/data_arrays/cell.spikes.times/data"][0] = np.nan
    done = run("check", path, code=errors.CorruptArchive.exit_code)
    assert "segment 0" in done.stdout
    assert "1 finding" in done.stderr
    found = run_json("check", path, code=errors.CorruptArchive.exit_code)
    assert found["valid"] is False
    assert set(found["findings"][0]) == {"name", "what", "hint"}


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_plot(fi: Path, tmp_path: Path, suffix: str, require: Callable[[str], object]) -> None:
    require("matplotlib")
    out = tmp_path / f"figure{suffix}"
    assert "1 signal, 1 raster" in run("plot", fi, "0", out).stdout
    assert out.stat().st_size > 1000
    run("plot", fi, "0", out, code=errors.AlreadyExists.exit_code)
    found = run_json("plot", fi, "step 1", out, "--spikes", "cell", "--overwrite")
    assert (found["signals"], found["spikes"]) == ([], ["cell"])
    run("plot", fi, "0", tmp_path / "x.png", "--signal", "u", code=errors.NotFound.exit_code)
