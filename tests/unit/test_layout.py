"""The file as others see it: nixio, Neo, h5ls, and how few objects are in it."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq

import archive
import schemas
from archive import Entry
from archive.container import layout
from archive.experiment.opening import Mode
from archive.storage import Growing
from tests.conftest import nix_errors
from tests.unit import rich_archive


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rich_archive.write(tmp_path_factory.mktemp("rich") / "rich.nix")


@contextmanager
def block_of(path: Path) -> Iterator[Any]:
    import nixio

    with nixio.File.open(str(path), nixio.FileMode.ReadOnly) as file:
        yield file.blocks[0]


def objects(path: Path) -> int:
    with h5py.File(path, "r") as file:
        found: list[str] = []
        file.visit(found.append)
        return len(found)


# -- nixio -------------------------------------------------------------------------------------


def test_nixio_finds_no_error(rich: Path) -> None:
    assert nix_errors(rich) == []


def test_new_archive_without_runs_has_no_error(tmp_path: Path) -> None:
    archive.open(tmp_path / "new.nix", "x").close()
    assert nix_errors(tmp_path / "new.nix") == []


def test_nixio_iterates_by_position(rich: Path) -> None:
    with block_of(rich) as block:
        assert block.type == "archive.experiment"
        for kind in (block.data_arrays, block.data_frames, block.multi_tags):
            names = [kind[number].name for number in range(len(kind))]
            assert names == [entity.name for entity in kind]
            assert len(set(names)) == len(names) > 0
            for entity in kind:
                assert entity.type.startswith("archive.")
                assert entity.metadata.name
        assert {"cells.v", "cells.v.segments.positions", "film.values"} <= {
            array.name for array in block.data_arrays
        }
        sections = block.metadata.sections
        assert sections[0].name == "tables"
        assert {section.name for section in sections} >= {"cells.v", "w", "cells.spikes", "film"}
        assert block.metadata.sections["cells.v"]["unit"] == "mV"


def test_sections_say_what_a_stream_is(rich: Path) -> None:
    expected: dict[str, dict[str, Any]] = {
        "cells.v": {"population": "cells", "variable": "v", "unit": "mV"},
        "cells.spikes": {"population": "cells", "variable": "spikes", "size": 5},
    }
    with block_of(rich) as block:
        for name, facts in expected.items():
            section = block.metadata.sections[name]
            values = {p.name: p.values[0] for p in section.props}
            assert values.items() >= facts.items()
            assert not {"kind", "sampling_period", "description"} & values.keys()
            for entity in (section, *section.props):
                assert uuid.UUID(entity.id)
                assert 0 <= entity.updated_at - entity.created_at <= 1
        assert block.metadata.sections["cells.spikes"].props["size"].data_type == np.int64


def test_every_axis_is_described(rich: Path) -> None:
    with block_of(rich) as block:
        for array in block.data_arrays:
            assert len(array.dimensions) == len(array.shape), array.name
        time, channel = block.data_arrays["cells.v"].dimensions
        assert (time.sampling_interval, time.unit, time.label) == (0.1, "ms", "time")
        assert str(channel.dimension_type).lower().endswith("set")
        assert block.data_arrays["cells.v"].unit == "mV"


def test_nixio_reads_segments_through_the_multi_tag(rich: Path) -> None:
    with block_of(rich) as block, archive.open(rich) as experiment:
        arrays: dict[str, Callable[[archive.Segment], Any]] = {
            "cells.v": lambda s: s.signals["cells/v"].magnitude,
            "film.values": lambda s: s.images["film"].magnitude,
            "w.times": lambda s: s.signals["w"].times.magnitude,
            "cells.spikes.times": lambda s: s.spikes["cells"].times.magnitude,
            "trigger.times": lambda s: s.events["trigger"].times.magnitude,
        }
        for name, array in arrays.items():
            multi_tag = block.multi_tags[f"{name}.segments"]
            assert len(multi_tag.positions) == len(experiment.segments) == 3
            for number, segment in enumerate(experiment.segments):
                got = multi_tag.tagged_data(number, 0)[:]
                assert np.array_equal(got, array(segment)), (name, number)


@pytest.mark.parametrize("period", [0.1, 0.025, 1 / 3, 0.07, 1e-3])
def test_multi_tag_is_exact_far_into_a_recording(tmp_path: Path, period: float) -> None:
    lengths = [997, 1, 1024, 3, 5000, 2]
    with archive.open(tmp_path / "far.nix", "x") as experiment, experiment.run() as run:
        for number, length in enumerate(lengths):
            values = np.full((length, 2), number) * pq.mV
            run.append({"v": values}, sampling_period=period * pq.ms)
    with block_of(tmp_path / "far.nix") as block:
        multi_tag = block.multi_tags["v.segments"]
        for number, length in enumerate(lengths):
            assert np.array_equal(
                multi_tag.tagged_data(number, 0)[:], np.full((length, 2), number)
            ), number


def test_layout_contract_and_writer_stand_on_every_entity(rich: Path) -> None:
    with h5py.File(rich, "r") as file:
        block = next(iter(file["data"].values()))
        kinds = ("data_arrays", "data_frames", "multi_tags")
        entities = [entity for kind in kinds for entity in block[kind].values()]
        for entity in (file, block, block["metadata"], *entities):
            assert entity.attrs["archive_layout"] == 1, entity.name
            assert entity.attrs["archive_contract"] == b"1.0", entity.name
            assert entity.attrs["archive_writer"].startswith(b"neuroarchive "), entity.name
            assert entity.attrs["archive_layout"].dtype == np.int64, entity.name


# -- Neo, h5ls, old HDF5 -----------------------------------------------------------------------


def test_neo_opens_it(rich: Path) -> None:
    from neo.io import NixIO

    with NixIO(str(rich), mode="ro") as io:
        blocks = io.read_all_blocks()
    assert len(blocks) == 1


def test_h5ls_lists_readable_names(rich: Path, require_program: Callable[[str], str]) -> None:
    command = [require_program("h5ls"), "-r", str(rich)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in ("cells.v", "cells.spikes.times", "runs", "records", "segment.amplitude\\ [nA]"):
        assert f"/data/rich/data_arrays/{name}" in listed or f"data_frames/{name}" in listed, listed


def test_hdf5_1_8_can_read_it(rich: Path) -> None:
    with rich.open("rb") as file:
        assert file.read(9) == b"\x89HDF\r\n\x1a\n\x00"  # superblock version 0
    with h5py.File(rich, "r", libver=("earliest", "v108")) as file:
        assert file.attrs["format"] == "nix"
        assert file.attrs["version"].tolist() == [1, 2, 1]


# -- rows, not objects -------------------------------------------------------------------------


def grown(path: Path, count: int) -> int:
    """The number of objects after `count` runs, segments, neurons and values of annotations."""
    spikes = (np.arange(count) * pq.ms, np.arange(count))
    with archive.open(path, "x", durability="close") as experiment, experiment.transaction():
        for number in range(count):
            facts = {"number": number, "text": f"t{number}", "x": number * pq.mV, "list": [number]}
            with experiment.run(f"r{number}", parameters={"p": number}, annotations=facts) as run:
                run.append({"v": np.zeros(3)}, sampling_period=1 * pq.ms, annotations=facts)
            run.annotate(number=-number)
        experiment.run("spikes").append({"cell/spikes": spikes})
    return objects(path)


@pytest.mark.slow
def test_objects_do_not_grow(tmp_path: Path) -> None:
    assert grown(tmp_path / "few.nix", 10) == grown(tmp_path / "many.nix", 1000)


def test_objects_are_bounded_however_many_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "COLUMN_LIMIT", 20)
    counts = []
    for keys in (100, 2000):
        path = tmp_path / f"{keys}.nix"
        with archive.open(path, "x", durability="close") as experiment, experiment.transaction():
            run = experiment.run()
            for number in range(0, keys, 10):
                facts = {f"key{n}": n * pq.mV for n in range(number, number + 10)}
                run.append({}, annotations=facts)
        counts.append(objects(path))
    assert counts[0] == counts[1]


def rare(experiment: archive.Experiment) -> list[int]:
    return [segment.index for segment in experiment.segments.where("rare > 5 mV")]


def test_keys_without_a_column_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "COLUMN_LIMIT", 4)
    monkeypatch.setattr(layout, "INDEX_BATCH", 3)
    path = tmp_path / "rare.nix"
    expected = []
    with archive.open(path, "x") as experiment:
        run = experiment.run()
        run.append({}, annotations=dict.fromkeys("abcdefg", 1))
        for number in range(10):
            run.append({}, annotations={"rare": number * pq.mV})
            expected += [number + 1] if number > 5 else []
            assert rare(experiment) == expected, number  # rows that wait count too
    with archive.open(path, "a") as experiment:
        assert rare(experiment) == expected
        experiment.segments[0].annotate(rare=9 * pq.mV)
        experiment.segments[7].annotate(remove=["rare"])
        assert rare(experiment) == [0, *expected[1:]]


def test_common_key_with_a_late_type_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "COLUMN_LIMIT", 4)
    monkeypatch.setattr(layout, "INDEX_BATCH", 1)
    with archive.open(tmp_path / "late.nix", "x") as experiment:
        run = experiment.run()
        run.append({}, annotations=dict.fromkeys("abcdefg", 1))
        run.append({}, annotations={"a": "text"})
        run.append({}, annotations={"a": 2})
        experiment.segments[2].annotate(a=3 * pq.mV)
        for query, found in (("a == 1", [0]), ("a == 'text'", [1]), ("exists(a)", [0, 1, 2])):
            assert experiment.segments.where(query).rows.tolist() == found, query


# -- opening costs the same --------------------------------------------------------------------


@contextmanager
def counted_reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The bytes of each read of a dataset."""
    sizes: list[int] = []
    read = Growing._read

    def counting(self: Growing, *where: Any) -> Any:
        values = read(self, *where)
        sizes.append(values.nbytes)
        return values

    with monkeypatch.context() as patch:
        patch.setattr(Growing, "_read", counting)
        yield sizes


@pytest.fixture(scope="module")
def short_and_long(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Archives by their number of segments."""
    made = {}
    for count in (10, 2_000):
        made[count] = tmp_path_factory.mktemp("lengths") / f"{count}.nix"
        with archive.open(made[count], "x", durability="close") as experiment:
            run = experiment.run()
            with experiment.transaction():
                for number in range(count):
                    run.put([Entry(schemas.Segment(annotations={"number": number}))])
    return made


@pytest.mark.parametrize("mode", ["r", "a"])
def test_opening_reads_no_rows(
    short_and_long: dict[int, Path], monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    sizes: dict[int, list[int]] = {}
    for count, path in short_and_long.items():
        with counted_reads(monkeypatch) as opened, archive.open(path, mode) as experiment:
            assert opened == []
            repr(experiment)
            assert len(experiment.segments) == count
        sizes[count] = opened
    assert sizes[10] == pytest.approx(sizes[2_000], abs=8)
    assert sum(sizes[2_000]) < 2000


def test_one_segment_reads_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = rich_archive.write(tmp_path / "rich.nix", segments=40)
    with archive.open(path) as experiment:
        experiment.segments[1].signals["cells/v"].magnitude.sum()
        with counted_reads(monkeypatch) as sizes:
            segment = experiment.segments[17]
            part = segment.signals["cells/v"]
            repr(part)
            assert max(sizes) < 4000
            sizes.clear()
            part[:2, 1]
            assert sizes == [16]
            sizes.clear()
            segment.spikes["cells"].train(2)
            assert sum(sizes) < 3000


def test_file_that_nixio_holds(rich: Path) -> None:
    import nixio

    with block_of(rich):
        archive.open(rich).close()
        archive.open(rich, "a").close()
    with nixio.File.open(str(rich), nixio.FileMode.ReadWrite):
        with pytest.raises(archive.Busy, match="held by another program"):
            archive.open(rich, "a", timeout=0.1)
        with pytest.raises(archive.Busy, match="held by another program"):
            archive.open(rich, timeout=0.1)
    with archive.open(rich, "a"), pytest.raises(OSError, match="lock"):
        nixio.File.open(str(rich), nixio.FileMode.ReadWrite)
