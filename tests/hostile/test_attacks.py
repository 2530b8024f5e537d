"""Archives that were made to do harm are refused, before they do it and with a clear error."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import archive
from archive.container.check import check
from archive.container.container import Container
from archive.container.nix_validation import nixio_faults
from archive.storage import growing
from archive.storage.inspection import inspect
from tests.hostile import attacks
from tests.hostile.attacks import attack
from tests.hostile.limits import budget
from tests.hostile.reading import uses
from tests.unit import rich_archive

pytestmark = pytest.mark.damaged


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rich_archive.write(tmp_path_factory.mktemp("sound") / "sound.nix", segments=2)


@pytest.fixture
def victim(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "victim.nix"))


def refusals(path: Path) -> list[archive.ArchiveError]:
    """All errors of opening and reading everything; no other may come."""
    found: list[archive.ArchiveError] = []
    try:
        exp = archive.open(path)
    except archive.ArchiveError as error:
        return [error]
    with exp:
        for use in uses(exp):
            try:
                use()
            except archive.ArchiveError as error:
                # its frames would keep what was read for it
                found.append(error.with_traceback(None))
    return found


def refused(path: Path, says: str) -> None:
    """Reading is refused, with an error that names the file and says what to do."""
    with budget():
        found = refusals(path)
    assert any(says in error.message for error in found), found
    for error in found:
        assert error.path == str(path)
        assert error.hint
        assert attacks.SECRET.decode() not in str(error)


@pytest.mark.parametrize("name", attacks.LEAVING)
def test_nothing_leads_out_of_the_file(victim: Path, name: str) -> None:
    attack(victim, attacks.LEAVING[name])
    refused(victim, "refused: ")
    assert inspect(victim)


@pytest.mark.parametrize("mode", ["r", "a"])
def test_links_are_refused_for_writing_too(victim: Path, mode: Any) -> None:
    attack(victim, attacks.external_metadata)
    with pytest.raises(archive.CorruptArchive, match="another file"):
        archive.open(victim, mode)


SAYS = {
    "unallocated": "cannot be so many",
    "unallocated_contiguous": "cannot be so many",
    "tiny_chunks": "fewer are stored",
    "packed": "a chunk of",
    "unknown_filter": "filter 32123",
    "texts_of_any_length": "any length",
    "no_rows": "no rows",
    "other_numbers": "its rows are",
}


@pytest.mark.parametrize("name", attacks.GREEDY)
def test_no_more_is_read_than_is_stored(victim: Path, name: str) -> None:
    attack(victim, attacks.GREEDY[name])
    refused(victim, SAYS[name])


def test_declared_recordings_are_not_read(victim: Path) -> None:
    def unallocated(block: h5py.Group, _: Path) -> None:
        block["data_arrays"]["cells.v"]["data"].resize(1 << 40, axis=0)
        found = block["data_frames"]["stretches"]["data"]
        rows = found[...]
        rows["count"][0] = 1 << 40
        found[...] = rows

    attack(victim, unallocated)
    with budget(), archive.open(victim) as exp:
        signal = exp.segments[0].signals["cells/v"]
        assert signal.shape == (1 << 40, 3)
        assert len(signal[:10]) == 10
        with pytest.raises(archive.CorruptArchive, match="cannot be so many") as caught:
            _ = signal.magnitude
    assert caught.value.entry == "data_arrays/cells.v"


def test_wide_chunks_are_not_read_for_one_channel(victim: Path) -> None:
    def wide(block: h5py.Group, _: Path) -> None:
        holder = block["data_arrays"]["cells.v"]
        del holder["data"]
        shape = (1 << 15, 1 << 13)
        holder.create_dataset("data", shape=shape, chunks=shape, maxshape=(None, None), dtype="f8")

    attack(victim, wide)
    with h5py.File(victim) as file, budget():
        (block,) = file["data"].values()
        data = growing.Growing(block["data_arrays"]["cells.v"]["data"])
        with pytest.raises(archive.CorruptArchive, match="cannot be so many"):
            data.read_part((0, 5), (1 << 15, 1), (1, 1))


def test_what_packs_well_is_read_in_parts(victim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros that gzip packed a thousand to one are no attack."""

    def silent(block: h5py.Group, _: Path) -> None:
        data = np.zeros((3 << 20, 3))
        holder = block["data_arrays"]["cells.v"]
        del holder["data"]
        holder.create_dataset(
            "data", data=data, chunks=(4096, 3), maxshape=(None, 3), compression="gzip"
        )
        rows = block["data_frames"]["stretches"]["data"]
        found = rows[...]
        found["count"][0] = len(data)
        rows[...] = found

    attack(victim, silent)
    with archive.open(victim) as exp:
        signal = exp.segments[0].signals["cells/v"]
        assert not signal.magnitude.any()
        monkeypatch.setattr(growing, "PACKED", 2)
        with pytest.raises(archive.CorruptArchive, match="cannot be so many"):
            _ = signal.magnitude
        assert not signal[: 1 << 20].magnitude.any()


def test_plugins_are_never_loaded(victim: Path, tmp_path: Path) -> None:
    attack(victim, attacks.unknown_filter)
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "libevil.so").write_bytes(b"not even a library")
    code = (
        "import sys, archive\n"
        "from h5py import h5pl\n"
        "assert h5pl.size()\n"
        "try:\n    exp = archive.open(sys.argv[1])\n    list(exp.segments.where('x == 1'))\n"
        "except archive.ArchiveError:\n    pass\n"
        "assert not h5pl.size()\n"
        "import h5py\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(victim)],
        env={**os.environ, "HDF5_PLUGIN_PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", attacks.SEEN_BY_WALKING)
def test_the_walk_sees(victim: Path, name: str) -> None:
    assert inspect(victim) == []
    attack(victim, attacks.SEEN_BY_WALKING[name])
    with budget():
        faults = inspect(victim)
    assert len(faults) == 1
    assert len(faults[0].name) < 10_000
    container = Container(victim, writable=False)
    try:
        report = check(container)
    finally:
        container.close()
    assert [(found.name, found.what) for found in report.findings] == faults


def test_check_keeps_nixio_from_a_file_that_leads_elsewhere(
    victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack(victim, attacks.outside_the_way)
    monkeypatch.setattr("archive.container.check.nixio_faults", lambda path: pytest.fail("asked"))
    with archive.open(victim) as exp:
        assert "another file" in exp.check().findings[0].what


def test_nothing_beside_the_file_is_imported(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nixio.py").write_text("raise SystemExit('code of a stranger')")
    monkeypatch.chdir(tmp_path)
    assert nixio_faults(sound) == []


# -- documents and tables ----------------------------------------------------------------------

DEEP = b"[" * 100_000 + b"]" * 100_000
EXPERIMENT = b'{"kind":"experiment","id":"%s","name":"x","annotations":{"a":%s}}'


def experiment(value: bytes) -> attacks.Attack:
    return attacks.document("experiment", EXPERIMENT % (b"0" * 36, value))


DOCUMENTS: dict[str, tuple[attacks.Attack, str]] = {
    "nested": (attacks.document("runs", b'{"a":' + DEEP + b"}"), "cannot be read"),
    "nested in a value": (experiment(b"[" * 500 + b"]" * 500), "breaks the contract"),
    "no document": (attacks.document("runs", b"[]"), "cannot be read"),
    "annotations of no kind": (
        attacks.document("runs", b'{"kind":"run","name":"a","annotations":[[1]]}'),
        "breaks the contract",
    ),
    "array of no size": (
        experiment(b'{"$array":{"dtype":"<f8","shape":[1099511627776],"data":""}}'),
        "breaks the contract",
    ),
    "text of no size": (
        experiment(b'{"$array":{"dtype":"<U999999999","shape":[1],"data":""}}'),
        "breaks the contract",
    ),
    "objects": (experiment(b'{"$array":{"dtype":"|O","shape":[0],"data":""}}'), "no dtype"),
    "blob outside": (experiment(b'{"$bytes":{"blob":[0,4611686018427387904,""]}}'), "breaks the"),
    "blob of text": (experiment(b'{"$bytes":{"blob":["a",{},""]}}'), "breaks the contract"),
    "offset of a date": (
        experiment(b'{"$datetime":"2024-05-01T00:00:00","offset":1%s}' % (b"0" * 300)),
        "breaks the contract",
    ),
    "unit": (experiment(b'{"$quantity":{"value":1.0,"unit":"mV*9**9**9"}}'), "no unit"),
    "stream of code": (attacks.document("streams", b'{"kind":"stream"}'), "a stream is none"),
    "long document": (attacks.rows("runs", "length", 1 << 62), "cannot have"),
    "negative length": (attacks.rows("runs", "length", -1), "cannot have"),
    "outside": (attacks.rows("runs", "record", 1 << 62), "do not lie within"),
    "negative": (attacks.rows("runs", "record", -5), "do not lie within"),
    "stretches": (attacks.rows("segments", "stretches", 1 << 62), "do not lie within"),
    "no stretches": (attacks.rows("segments", "stretches", -(1 << 62)), "do not lie within"),
    "stretch": (attacks.rows("segments", "stretch", 1 << 62), "do not lie within"),
    "run": (attacks.rows("segments", "run", 1 << 40), "of 1"),
    "recorded": (attacks.rows("segments", "recorded", 1 << 62), "cannot be"),
    "outcome": (attacks.rows("runs", "outcome", 77), "cannot be"),
    "count": (attacks.rows("stretches", "count", 1 << 62), "do not lie within"),
    "stream": (attacks.rows("stretches", "stream", 1 << 62), "no stream"),
    "active": (attacks.rows("stretches", "active_count", 1 << 62, row=2), "do not lie within"),
    "parameters": (attacks.rows("runs", "parameters", 1 << 40), "do not lie within"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_and_tables_that_lie(victim: Path, name: str) -> None:
    how, says = DOCUMENTS[name]
    attack(victim, how)
    refused(victim, says)


@pytest.mark.parametrize("run", [-1, 1, -(1 << 62), 1 << 62])
def test_segments_of_runs_that_there_are_not(victim: Path, run: int) -> None:
    attack(victim, attacks.rows("segments", "run", run))
    with budget(), archive.open(victim) as exp, pytest.raises(archive.CorruptArchive, match="of 1"):
        exp.segments.table()


def test_change_that_leads_to_itself(victim: Path) -> None:
    def loop(block: h5py.Group, _: Path) -> None:
        start = len(block["data_arrays"]["records"]["data"])
        text = json.dumps({"kind": "annotation", "previous": [start, 60]}).ljust(60)
        attacks.append(block, "records", text.encode() + b"\n")
        data = block["data_frames"]["runs"]["data"]
        rows = data[...]
        rows["change"], rows["change_length"] = start, 60
        data[...] = rows

    attack(victim, loop)
    refused(victim, "what was before it")


def test_documents_that_share_their_bytes(victim: Path) -> None:
    def overlapping(block: h5py.Group, _: Path) -> None:
        text = b'{"kind":"segment","description":"%s"}' % (b"x" * (1 << 20))
        start = attacks.append(block, "records", text + b"\n")
        data = block["data_frames"]["segments"]["data"]
        data.resize(1_000_000, axis=0)
        rows = np.repeat(data[:1], 1_000_000)
        rows["record"], rows["length"] = start, len(text)
        data[...] = rows

    attack(victim, overlapping)
    refused(victim, "share the")


def test_blobs_that_are_read_again_and_again(victim: Path) -> None:
    def again(block: h5py.Group, folder: Path) -> None:
        start = attacks.append(block, "blobs", bytes(1 << 20))
        value = b'{"$bytes":{"blob":[%d,1048576,""]}}' % start
        experiment(b"[" + b",".join([value] * 10_000) + b"]")(block, folder)

    attack(victim, again)
    refused(victim, "more bytes than there are")


def labels(content: bytes, codes: list[int]) -> attacks.Attack:
    """Other labels for the events of the first segment."""

    def change(block: h5py.Group, _: Path) -> None:
        start = attacks.append(block, "texts", content)
        data = block["data_arrays"]["trigger.labels"]["data"]
        data[:3] = [code if code < 0 else start + code for code in codes]

    return change


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (b"\xff\xfe\0", [0, 0, 0]),
        (b"no end", [0, 0, 0]),
        (b"no end", [0, 1, 2]),
        (b"in the middle\0", [0, 3, 5]),
        (b"x\0", [-7, -7, -7]),
        (b"x\0", [1 << 62, 0, 0]),
    ],
)
def test_texts_that_are_none(victim: Path, content: bytes, codes: list[int]) -> None:
    attack(victim, labels(content, codes))
    refused(victim, "begins no text")


@pytest.mark.parametrize("ends", [[1 << 40, (1 << 40) + 1, (1 << 40) + 2], [-1, 3, 6], [3, 3, 6]])
def test_spikes_that_are_not_there(victim: Path, ends: list[int]) -> None:
    def change(block: h5py.Group, _: Path) -> None:
        block["data_arrays"]["cells.spikes.ends"]["data"][:3] = ends

    attack(victim, change)
    refused(victim, "where the spikes of trains end")


def test_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe.nix"
    os.mkfifo(path)
    with budget(), pytest.raises(archive.FormatError, match="device or pipe"):
        archive.open(path)
