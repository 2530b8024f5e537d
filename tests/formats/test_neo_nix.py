"""NIX files that users of Neo read, and write."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import neo
import nixio
import numpy as np
import pytest
import quantities as pq
from neo.io import NixIO

import archive
import schemas
from archive.adapters import reader_for
from archive.adapters.neo_nix import NeoNix
from archive.entry import Entry, walk, ways
from archive.errors import AlreadyExists, FormatError
from tests.unit import rich_archive

PYNN = Path(__file__).parent.parent / "data/pynn/ex2.nix"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is in `rich_archive`, and a second run, as a user of Neo gets it."""
    folder = tmp_path_factory.mktemp("exported")
    path = rich_archive.write(folder / "rich.nix", 2)
    with archive.open(path, "a") as experiment, experiment.run("second") as run:
        run.append({"cells/v": np.ones((5, 2)) * pq.mV}, sampling_period=0.1 * pq.ms)
    target = folder / "for-neo.nix"
    with archive.open(path) as experiment:
        losses = experiment.export(target, "neo-nix")
    assert {(loss.field, loss.reason) for loss in losses} == {("labels", "NUL became ␀")}
    return target


def blocks(path: Path) -> list[Any]:
    with NixIO(str(path), mode="ro") as io:
        read: list[Any] = io.read_all_blocks()
    return read


def test_a_user_of_neo_reads_all(exported: Path) -> None:
    first, second = blocks(exported)
    assert (first.name, second.name) == ("all", "second")
    assert first.annotations["simulator"] == "none"
    segment = first.segments[1]
    parts = rich_archive.parts(1)
    (signal,) = (one for one in segment.analogsignals)
    assert signal.name == "v"
    assert signal.annotations["source_population"] == "cells"
    np.testing.assert_array_equal(signal.magnitude, parts[0].arrays["values"])
    assert signal.units == pq.mV
    assert float(signal.sampling_period.rescale("ms")) == pytest.approx(0.1)
    assert float(signal.t_start.rescale("ms")) == 5.0
    assert signal.array_annotations["channel_index"].tolist() == [4, 7, 9]
    assert [len(train) for train in segment.spiketrains] == [2, 0, 3, 0, 1]
    assert segment.spiketrains[2].waveforms.shape == (3, 2, 4)
    assert segment.epochs[0].labels.tolist() == ["on", "off", "größer", "", "a␀b", "on"]
    np.testing.assert_array_equal(segment.imagesequences[0].magnitude, parts[5].arrays["values"])
    assert segment.annotations["amplitude"] == 0.1 * pq.nA


def test_nixio_finds_nothing_wrong_but_silent_trains(exported: Path) -> None:
    """Its validator takes an empty DataArray for none."""
    with nixio.File.open(str(exported), nixio.FileMode.ReadOnly) as file:
        errors = {text for texts in file.validate()["errors"].values() for text in texts}
    assert errors == {"positions are not set"}


def test_what_was_written_comes_back(exported: Path) -> None:
    with archive.open(exported.with_name("rich.nix")) as experiment:
        source = experiment.entry()
        wanted = list(ways(source))
        (read,) = reader_for(exported).read(exported)
        assert schemas.identical(schemas.dump(read.model), schemas.dump(source.model))
        found = list(ways(read))
        assert [way for way, _ in found] == [way for way, _ in wanted]
        for (way, one), (_, other) in zip(wanted, found, strict=True):
            labels = "stimulus" in way
            arrays = {
                name: one.arrays[name] for name in one.arrays if name != "labels" or not labels
            }
            assert rich_archive.same(Entry(one.model, arrays), other), way


@pytest.mark.slow
def test_changes_that_users_of_neo_make_count(exported: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.nix"
    first, second = blocks(exported)
    first.name = "renamed"
    first.annotate(seen=True, simulator="another")
    second.segments[0].analogsignals[0].annotations["note"] = "said later"
    shutil.copy(exported, changed)
    with NixIO(str(changed), mode="rw") as io:
        io.write_all_blocks([first, second])
    (read,) = reader_for(changed).read(changed)
    found = dict(ways(read))
    run, signal = found["renamed"].model, found["second/segment000/cells/v"].model
    assert isinstance(run, schemas.Run)
    assert isinstance(signal, schemas.Signal)
    assert run.annotations == {"seen": True, "simulator": "another"}
    assert signal.annotations == {"note": "said later"}


@pytest.mark.slow
def test_objects_that_users_of_neo_add_are_read(exported: Path, tmp_path: Path) -> None:
    changed = tmp_path / "changed.nix"
    second = blocks(exported)[1]
    event = neo.Event([1.0] * pq.s, labels=["new"], name="added")
    second.segments[0].events.append(event)
    second.groups.append(neo.Group([event], name="own"))
    shutil.copy(exported, changed)
    with NixIO(str(changed), mode="rw") as io:
        io.write_all_blocks([second, neo.Block(name="third", segments=[])])
    (read,) = reader_for(changed).read(changed)
    found = dict(ways(read))
    assert "all" in found
    assert "third" in found
    assert "added" in {getattr(one.model, "variable", None) for one in walk(found["second"])}


@pytest.mark.slow
def test_files_of_pynn_are_read(tmp_path: Path) -> None:
    (run,) = reader_for(PYNN).read(PYNN)
    assert isinstance(run.model, schemas.Run)
    assert (run.model.name, run.model.simulator) == ("ex2", "neuron")
    (block,) = blocks(PYNN)
    signals = [one for one in walk(run) if isinstance(one.model, schemas.Signal)]
    for one, segment in zip(signals, block.segments, strict=True):
        values = np.asarray(one.arrays["values"])
        np.testing.assert_array_equal(values, segment.analogsignals[0].magnitude)


def test_several_blocks_are_several_runs(tmp_path: Path) -> None:
    path = tmp_path / "several.nix"
    many = [neo.Block(name=name, kind="x") for name in ("one", "two", "one", "")]
    for block in many:
        block.segments.append(neo.Segment())
    with NixIO(str(path), mode="ow") as io:
        io.write_all_blocks(many)
    runs = [entry.model for entry in reader_for(path).read(path)]
    names = [run.name for run in runs if isinstance(run, schemas.Run)]
    assert names == ["one", "two", "one 3", "block 4"]


def test_an_archive_is_refused_with_the_way_to_merge_it(tmp_path: Path) -> None:
    path = rich_archive.write(tmp_path / "rich.nix", 1)
    assert not NeoNix().recognises(path)
    with pytest.raises(FormatError, match="neuroarchive merge"):
        list(NeoNix().read(path))


def test_a_unit_that_is_none_is_not_computed(tmp_path: Path) -> None:
    path = tmp_path / "unit.nix"
    shutil.copy(PYNN, path)
    with nixio.File.open(str(path), nixio.FileMode.ReadWrite) as file:
        file.blocks[0].data_arrays[0].unit = "9**9**9**9"
    with pytest.raises(FormatError, match="is no unit"):
        list(NeoNix().read(path))


@pytest.mark.damaged
def test_other_files_are_not_recognised(tmp_path: Path) -> None:
    path = tmp_path / "other.nix"
    with nixio.File.open(str(path), nixio.FileMode.Overwrite) as file:
        file.create_block("mine", "other")
    assert not NeoNix().recognises(path)
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(900))
    assert not NeoNix().recognises(path)
    with pytest.raises(FormatError, match="no NIX file"):
        list(NeoNix().read(path))
    assert NeoNix().recognises(PYNN)


def test_an_existing_file_stays(exported: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.nix"
    target.write_bytes(b"mine")
    with archive.open(exported.with_name("rich.nix")) as experiment:
        with pytest.raises(AlreadyExists):
            experiment.export(target, "neo-nix")
        assert target.read_bytes() == b"mine"
        experiment.export(target, "neo-nix", overwrite=True)
    assert len(blocks(target)) == 2


class Given:
    def __init__(self, *parts: Entry) -> None:
        self._parts = parts

    def entry(self) -> Entry:
        return Entry(schemas.Experiment(id="1", name="e"), parts=self._parts)


def test_what_nixio_cannot_hold_is_a_loss(tmp_path: Path) -> None:
    odd: dict[str, Any] = {
        "none": None, "deep": [[1, [2]], {"a": 1j}], "huge": 2**70, "bytes": b"\0\xff",
        "name": "not its name", "when": datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "table": schemas.Array("<f4", (1, 2), bytes(8)), "..": 1, "empty": [], "one": [1],
    }  # fmt: skip
    segment = Entry(
        schemas.Segment(name="s", annotations=odd),
        parts=[
            Entry(
                schemas.Signal(variable=name, unit="mV", sampling_period=0.3),
                {"values": np.zeros((3, 2), dtype), "channels": np.arange(2)},
            )
            for name, dtype in (("v", "f4"), ("z", "c16"))
        ],
    )
    snapshot = Entry(schemas.Snapshot(name="end", time=0.0))
    population = Entry(schemas.Population(name="p", size=1), {"state:v": np.zeros(1)})
    whole = Entry(schemas.Snapshot(name="state", time=0.0, populations=("p",)), {}, [population])
    run = Entry(schemas.Run(name="r"), parts=[segment, snapshot, whole])
    path = tmp_path / "odd.nix"
    losses = NeoNix().write(Given(run), path)
    assert {(loss.entry, loss.field) for loss in losses} == {
        ("r/s", "annotations"), ("r/s/z", "signal"), ("r/state", "snapshot"),
    }  # fmt: skip
    (read,) = NeoNix().read(path)
    found = dict(ways(read))
    assert schemas.identical(schemas.dump(found["r/s"].model), schemas.dump(segment.model))
    assert set(found) == {"r", "r/s", "r/s/v", "r/end"}
    (block,) = blocks(path)
    assert block.segments[0].annotations["huge"] == '{"$int":"0x400000000000000000"}'


def test_segments_of_no_run_stay_so(tmp_path: Path) -> None:
    path = tmp_path / "bare.nix"
    assert NeoNix().write(Given(rich_archive.segment(1, name="alone")), path) == [
        archive.entry.Loss("alone/cells/stimulus", "labels", "NUL became ␀")
    ]
    (read,) = NeoNix().read(path)
    assert [part.model.kind for part in read.parts] == ["segment"]
