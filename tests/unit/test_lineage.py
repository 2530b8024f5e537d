"""From what a run came and what came of it: as a graph, as text, as a picture."""

from __future__ import annotations

import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings, strategies as st

import archive
from archive.experiment.lineage_picture import Box, Line, layers, picture
from tests.unit.cli_archive import run as call, run_json
from tests.unit.network_states import snapshot

SVG = "{http://www.w3.org/2000/svg}"


def record(run: archive.Run) -> None:
    run.append({"v": np.zeros((4, 1)) * pq.mV}, sampling_period=pq.ms)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """first.nix: a run 'one' of a file, snapshots, 'two' from one of them; second.nix: 'three' from
    'two', 'four' of a file that 'two' was exported to."""
    (tmp_path / "in.csv").write_text("1,2\n")
    with archive.open(tmp_path / "first.nix", "x") as exp:
        with exp.run("one") as one:
            one.use(tmp_path / "in.csv")
            record(one)
            one.snapshot(snapshot(), name="early")
            late = one.snapshot(snapshot(time=20.0))
        with exp.run("two", parent=late) as two:
            record(two)
        two.export(tmp_path / "two.json")
        with exp.run("apart"):
            pass
        second = archive.open(tmp_path / "second.nix", "x")
        with second, second.run("three", parent=two):
            pass
        with archive.open(tmp_path / "third.nix", "x") as third:
            third.import_file(tmp_path / "two.json")
    return tmp_path


def edges(found: archive.Lineage) -> set[tuple[str, str, str]]:
    label = {key: node.label for key, node in found.nodes.items()}
    return {(label[one.source], one.meaning, label[one.target]) for one in found.edges}


def test_what_led_to_a_run_and_what_it_led_to(folder: Path) -> None:
    with archive.open(folder / "first.nix") as exp:
        found = exp.lineage("two")
    assert edges(found) == {
        ("file in.csv", "used", "run 'one'"),
        ("run 'one'", "taken", "snapshot 1 of 'one'"),
        ("snapshot 1 of 'one'", "named", "run 'two'"),
        ("run 'two'", "exported", "file two.json"),
    }
    assert found.ancestors[0].label == "snapshot 1 of 'one'"
    assert [one.label for one in found.descendants] == ["file two.json"]
    assert found.missing == ()
    assert str(found).splitlines() == [
        "run 'two'",
        "  began with snapshot 1 of 'one'",
        "    taken in run 'one'",
        "      made use of file in.csv",
        "  exported to file two.json",
    ]


def test_across_archives(folder: Path) -> None:
    with archive.open(folder / "second.nix") as exp:
        back = edges(exp.lineage("three"))
    assert ("run 'two' in first.nix", "named", "run 'three'") in back
    assert ("file in.csv", "used", "run 'one' in first.nix") in back
    with archive.open(folder / "third.nix") as exp:
        imported = edges(exp.lineage(exp.runs[0], also=[folder / "first.nix"]))
    assert ("file two.json", "imported", "run 'two'") in imported
    assert ("run 'two' in first.nix", "exported", "file two.json") in imported
    with archive.open(folder / "first.nix") as exp:
        assert "three" not in str(exp.lineage("one"))
        on = exp.lineage("one", also=[folder / "second.nix", folder / "third.nix"])
        whole = exp.lineage()
    assert ("run 'two'", "named", "run 'three' in second.nix") in edges(on)
    assert ("file two.json", "imported", "run 'two' in third.nix") in edges(on)
    assert "apart" not in str(on)
    assert "apart" in str(whole)


def test_what_is_gone_is_said(folder: Path) -> None:
    (folder / "in.csv").unlink()
    with archive.open(folder / "first.nix") as exp:
        (gone,) = exp.lineage("two").missing
    assert (gone.label, gone.missing) == ("file in.csv", "it is not there any more")
    (folder / "first.nix").rename(folder / "elsewhere.nix")
    with archive.open(folder / "second.nix") as exp:
        found = exp.lineage("three")
        (gone,) = found.missing
        assert gone.kind == "run"
        assert gone.missing == f"{folder / 'first.nix'} is not there"
        assert "(missing: " in str(found)
        known = exp.lineage("three", also=[folder / "elsewhere.nix"])
    assert ("run 'two' in elsewhere.nix", "named", "run 'three'") in edges(known)


def test_another_run_of_that_name_is_not_it(folder: Path) -> None:
    (folder / "first.nix").unlink()
    with archive.open(folder / "first.nix", "x") as exp, exp.run("two"):
        pass
    with archive.open(folder / "second.nix") as exp:
        (gone,) = exp.lineage("three").missing
    assert "it is not in" in str(gone.missing)


def test_merged_runs_are_found_by_digest(folder: Path) -> None:
    with archive.open(folder / "all.nix", "x") as exp:
        with exp.run("two"):
            pass
        exp.merge(folder / "first.nix", folder / "second.nix")
        (folder / "first.nix").unlink()
        found = edges(exp.lineage("three"))
    assert ("run 'two (first)'", "named", "run 'three'") in found
    assert ("snapshot 1 of 'one'", "named", "run 'two (first)'") in found


def test_a_folder_or_pipe_in_place_of_an_archive_is_not_opened(folder: Path) -> None:
    (folder / "first.nix").unlink()
    (folder / "first.nix").mkdir()
    with archive.open(folder / "second.nix") as exp:
        (gone,) = exp.lineage("three").missing
    assert str(gone.missing).endswith("is not there")


def test_a_run_of_another_archive_is_refused(folder: Path) -> None:
    with archive.open(folder / "first.nix") as one, archive.open(folder / "second.nix") as other:
        with pytest.raises(archive.NotFound, match="another archive"):
            one.lineage(other.runs[0])
        with pytest.raises(archive.NotFound):
            one.lineage("nobody")


def test_a_cycle_does_no_harm(tmp_path: Path) -> None:
    with archive.open(tmp_path / "x.nix", "x") as exp:
        one = exp.run("one")
        two = exp.run("two", parent=one)
        exp.run("one", resume=True, parent=two)
        found = exp.lineage("one")
        assert len(found.edges) == 2
        assert [node.name for node in found.ancestors] == ["two"]
        assert "(see there)" in str(found)
        assert str(exp.lineage()).count("\n") < 5
        ElementTree.fromstring(found.to_svg())


def test_many_runs(tmp_path: Path) -> None:
    with archive.open(tmp_path / "x.nix", "x", durability="close") as exp:
        run = None
        with exp.transaction():
            for _ in range(300):
                with exp.run(parent=run) as run:
                    pass
        found = exp.lineage(run)
        assert len(found.nodes) == 300
        assert "…" in str(found)
        assert len(str(found).splitlines()) <= 401
        assert found.to_svg().count("<g ") == 300


HOSTILE = "<script>alert(1) & <b> \u202e \" ' \ud7ff ]]>"


def test_hostile_text_is_text(tmp_path: Path) -> None:
    with archive.open(tmp_path / "x.nix", "x") as exp:
        with exp.run(HOSTILE) as run:
            pass
        (tmp_path / "a\x1b[31m.csv").write_text("1")
        run.use(tmp_path / "a\x1b[31m.csv")
        found = exp.lineage(run)
        html = found._repr_html_()
    assert "\x1b" not in str(found)
    assert "\u202e" not in str(found)
    assert "<script>" not in html
    root = ElementTree.fromstring(found.to_svg())
    assert {one.tag for one in root.iter()} == {
        f"{SVG}{tag}" for tag in
        ("svg", "style", "defs", "marker", "path", "rect", "g", "title", "text")
    }  # fmt: skip
    titles = {one.text for one in root.iter(f"{SVG}title")}
    assert any("<script>alert(1) & <b>" in str(title) for title in titles)
    out = call("provenance", tmp_path / "x.nix", "0").stdout
    assert "\x1b[31m" not in out
    assert "\\x1b[31m" in out


# -- the picture -----------------------------------------------------------------------------

GRAPHS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.just([str(k) for k in range(n)]),
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30),
    )
)


@settings(max_examples=60)
@given(GRAPHS)
def test_layers(graph: tuple[list[str], list[tuple[int, int]]]) -> None:
    keys, pairs = graph
    lines = [Line(str(a), str(b), "led to") for a, b in pairs]
    found = layers(keys, lines)
    assert sorted(key for layer in found for key in layer) == sorted(keys)
    forward = [line for line in lines if int(line.source) < int(line.target)]
    depth = {key: n for n, layer in enumerate(layers(keys, forward)) for key in layer}
    assert all(depth[line.source] < depth[line.target] for line in forward)
    ElementTree.fromstring(picture({key: Box(key, "", "run") for key in keys}, lines))


def test_neighbours_stand_beside_one_another() -> None:
    lines = [Line("a", "y", ""), Line("b", "x", "")]
    assert layers("abxy", lines) == [["a", "b"], ["y", "x"]]


# -- the command -----------------------------------------------------------------------------


def test_the_command(folder: Path) -> None:
    out = call("provenance", folder / "first.nix", "two").stdout
    for text in ("run 'two': finished", "process ", "environment", "parent (named): snapshot 1",
                 "exported as json: ", "taken in run 'one'"):  # fmt: skip
        assert text in out
    out = call("provenance", folder / "first.nix").stdout
    assert "3 runs" in out
    assert "run 'apart'" in out


def test_the_command_draws(folder: Path) -> None:
    target = folder / "lineage.svg"
    call("provenance", folder / "first.nix", "two", "--picture", target)
    assert ElementTree.fromstring(target.read_text("utf-8")).tag == f"{SVG}svg"
    call("provenance", folder / "first.nix", "two", "--picture", target, code=4)
    call("provenance", folder / "first.nix", "--picture", target, "--overwrite")
    call("provenance", folder / "first.nix", "--picture", folder / "first.nix", code=5)
    with archive.open(folder / "first.nix") as exp:
        assert len(exp.runs) == 3


def test_the_command_in_json(folder: Path) -> None:
    shutil.move(folder / "in.csv", folder / "moved.csv")
    found = run_json("provenance", folder / "first.nix", "one", "--also", folder / "second.nix")
    assert found["run"] == "one"
    assert found["provenance"]["process"]["argv"]
    assert found["provenance"]["inputs"][0]["role"] == "used"
    nodes = {node["label"]: node for node in found["lineage"]["nodes"]}
    assert nodes["file in.csv"]["missing"]
    assert "run 'three' in second.nix" in nodes
    assert found["lineage"]["focus"] == nodes["run 'one'"]["key"]
