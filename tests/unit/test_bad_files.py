"""Files that are not what they should be: a clear error, and not one byte changed."""

from __future__ import annotations

import errno
import os
import shutil
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
from archive.experiment import foreign
from archive.experiment.opening import Mode
from archive.storage.files import SystemFiles
from tests.unit import rich_archive

EX2 = Path(__file__).parent.parent / "data" / "pynn" / "ex2.nix"
MODES: tuple[Mode, ...] = ("r", "a")


@contextmanager
def unchanged(path: Path) -> Iterator[None]:
    """The bytes of the file, and the names beside it, are afterwards what they were before."""
    content, beside = path.read_bytes(), sorted(path.parent.iterdir())
    yield
    assert path.read_bytes() == content
    assert sorted(path.parent.iterdir()) == beside


def refused(path: Path, error: type[archive.ArchiveError], says: str, mode: Mode) -> str:
    """The hint of the error that opening raises."""
    with unchanged(path), pytest.raises(error, match=says) as caught:
        archive.open(path, mode)
    assert type(caught.value).__module__.startswith("archive.")
    assert caught.value.path == str(path)
    return caught.value.hint or ""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rich_archive.write(tmp_path_factory.mktemp("written") / "ours.nix")


@pytest.fixture
def ours(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(written, tmp_path / "ours.nix"))


# -- not an archive ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("content", [b"", b"no", b"x" * 5000, b"\x89HDF"])
def test_not_hdf5(tmp_path: Path, mode: Mode, content: bytes) -> None:
    path = tmp_path / "text.nix"
    path.write_bytes(content)
    assert refused(path, archive.FormatError, "not an HDF5 file", mode)


@pytest.mark.damaged
@pytest.mark.parametrize("mode", MODES)
def test_hdf5_but_not_nix(tmp_path: Path, mode: Mode) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["v"] = np.zeros(3)
    assert refused(path, archive.FormatError, "not a NIX file", mode)
    with h5py.File(path, "r+") as file:
        file.attrs["format"] = "nix"
    refused(path, archive.FormatError, "not a NIX file", mode)


@pytest.mark.damaged
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_truncated(ours: Path, mode: Mode, part: float) -> None:
    with ours.open("r+b") as file:
        file.truncate(int(ours.stat().st_size * part))
    refused(ours, archive.CorruptArchive, "cannot open", mode)


@pytest.mark.parametrize("mode", ["r", "a", "x"])
def test_folder(tmp_path: Path, mode: Mode) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    wanted = archive.AlreadyExists if mode == "x" else archive.FormatError
    with pytest.raises(wanted) as caught:
        archive.open(folder, mode)
    assert caught.value.hint
    assert list(tmp_path.rglob("*")) == [folder]


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(archive.ArchiveNotFound, match="no such file") as caught:
        archive.open(tmp_path / "none.nix")
    assert "'a'" in str(caught.value.hint)
    for mode in ("a", "x"):
        with pytest.raises(archive.ArchiveNotFound, match="folder does not exist"):
            archive.open(tmp_path / "none" / "new.nix", mode)
    (tmp_path / "file").write_text("x")
    with pytest.raises(archive.Refused, match="cannot write in the folder"):
        archive.open(tmp_path / "file" / "new.nix", "x")
    with pytest.raises(archive.ArchiveError, match="NUL"):
        archive.open(f"{tmp_path}/file\0.nix", "a")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_folder_that_cannot_be_written_to(
    tmp_path: Path, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the tests may run as root, whom permissions do not stop: the system's answer is played
    def denied(*_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(SystemFiles, "open", denied)
        with pytest.raises(archive.Refused, match=r"cannot write in .*ermission") as new:
            archive.open(tmp_path / "new.nix", "a")
        assert new.value.path == str(tmp_path)
        assert new.value.hint
    with monkeypatch.context() as patch, unchanged(ours):
        patch.setattr(SystemFiles, "open", denied)
        with pytest.raises(archive.Refused, match="not permitted"):
            archive.open(ours, "a")
    assert list(tmp_path.iterdir()) == [ours]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    with pytest.raises(archive.Refused, match="cannot write"):
        archive.open(folder / "new.nix", "a")


@pytest.mark.parametrize("mode", ["w", "r+", "", None])
def test_unknown_mode(ours: Path, mode: Any) -> None:
    with unchanged(ours), pytest.raises(archive.ArchiveError, match="mode") as caught:
        archive.open(ours, mode)
    assert "'r', 'a' or 'x'" in str(caught.value.hint)
    with unchanged(ours), pytest.raises(archive.ArchiveError, match="durability"):
        archive.open(ours, durability="never")  # type: ignore[arg-type]  # it is what is tested


def test_x_on_an_existing_file(ours: Path) -> None:
    assert "mode='a'" in refused(ours, archive.AlreadyExists, "exists already", "x")


# -- NIX of others -----------------------------------------------------------------------------


def seen_through_neo(path: Path) -> list[Any]:
    """What the read-only view has, its signals against what Neo itself reads."""
    from neo.io import NixIO

    with NixIO(str(path), mode="ro") as io:
        blocks = io.read_all_blocks()
    found = []
    with unchanged(path), pytest.warns(archive.ArchiveWarning, match="read-only view") as said:
        exp = archive.open(path)
    assert "append(block)" in str(said[0].message)
    with exp:
        assert exp.mode == "r"
        with pytest.raises(archive.Refused):
            exp.run("mine")
        assert len(exp.runs) == len(blocks)
        segments = [seg for block in blocks for seg in block.segments]
        assert len(exp.segments) == len(segments) > 0
        for seg, wanted in zip(exp.segments, segments, strict=True):
            assert len(seg.signals) == len(wanted.analogsignals)
            for mine, theirs in zip(seg.signals.values(), wanted.analogsignals, strict=True):
                assert np.array_equal(mine.magnitude, theirs.magnitude)
                assert mine.units == theirs.units
            trains = [train.tolist() for s in seg.spikes.values() for train in s.to_neo()]
            assert trains == [train.magnitude.tolist() for train in wanted.spiketrains]
            found.append((list(seg.signals), len(trains)))
        folder = exp._folder
        assert folder is not None
        assert Path(folder.name).exists()
    assert not Path(folder.name).exists()
    return found


def test_real_file_of_pynn_is_a_read_only_view(tmp_path: Path) -> None:
    path = Path(shutil.copy(EX2, tmp_path / "ex2.nix"))
    assert seen_through_neo(path) == [(["hh/v"], 0)] * 5
    hint = refused(path, archive.FormatError, "not one of our archives", "a")
    assert "append" in hint


def test_file_of_neo_is_a_read_only_view(tmp_path: Path) -> None:
    import neo

    path = tmp_path / "neo.nix"
    block = neo.Block(name="b")
    for number in range(2):
        made = neo.Segment(name=f"s{number}")
        values = np.full((5, 2), number) * pq.mV
        made.analogsignals.append(neo.AnalogSignal(values, sampling_period=1 * pq.ms, name="v"))
        made.spiketrains.append(neo.SpikeTrain([1.0, 2.0] * pq.ms, t_stop=5.0))
        block.segments.append(made)
    with neo.io.NixIO(str(path), mode="ow") as io:
        io.write_block(block)
    assert seen_through_neo(path) == [(["v"], 1), (["v"], 1)]
    refused(path, archive.FormatError, "not one of our archives", "a")


def test_nix_that_neo_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(shutil.copy(EX2, tmp_path / "ex2.nix"))
    # Neo reads in a process of its own: there it is made to fail
    failing = """
import sys
sys.path[:] = sys.argv[4:]
from neo.io import NixIO
def fail(_):
    raise IndexError("no such dimension")
NixIO.read_all_blocks = fail
"""
    monkeypatch.setattr(foreign, "READER", f"{failing}\n{foreign.READER}")
    assert "nixio" in refused(path, archive.FormatError, "cannot read it .no such dim", "r")


# -- ours, of other versions -------------------------------------------------------------------


def stamp(path: Path, **values: Any) -> None:
    with h5py.File(path, "r+") as file:
        for name, value in values.items():
            if value is None:
                del file.attrs[name]
            else:
                # a text of fixed length, as layout 1 demands
                file.attrs[name] = np.bytes_(value) if isinstance(value, str) else value


@pytest.mark.parametrize("mode", MODES)
def test_newer_layout(ours: Path, mode: Mode) -> None:
    stamp(ours, archive_layout=2, archive_writer="neuroarchive 9.1")
    hint = refused(ours, archive.VersionError, "layout 2", mode)
    assert "neuroarchive 9.1" in hint
    assert "pip install" in hint


@pytest.mark.parametrize("mode", MODES)
def test_newer_major_contract(ours: Path, mode: Mode) -> None:
    stamp(ours, archive_contract="2.3")
    assert "2.3" in refused(ours, archive.VersionError, "contract 2.3", mode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "values",
    [
        {"archive_contract": None},
        {"archive_layout": None},
        {"archive_contract": "one"},
        {"archive_contract": "1"},
    ],
)
def test_version_that_is_no_version(ours: Path, mode: Mode, values: dict[str, Any]) -> None:
    stamp(ours, **values)
    assert refused(ours, archive.CorruptArchive, "does not say", mode)


def rewrite(path: Path, old: bytes, new: bytes) -> None:
    """Change the documents of a file: other words of the same length."""
    assert len(old) == len(new)
    with h5py.File(path, "r+") as file:
        (block,) = file["data"].values()
        records = block["data_arrays"]["records"]["data"]
        content = records[()].tobytes()
        assert old in content
        records[...] = np.frombuffer(content.replace(old, new), np.uint8)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """Written by the next minor version, whose runs, segments and signals have a `futurefield`."""
    path = tmp_path / "newer.nix"
    with archive.open(path, "x") as exp, exp.run("a", description="later") as run:
        part = schemas.Signal(variable="v", unit="mV", sampling_period=1.0, description="later")
        entry = archive.Entry(part, {"values": np.zeros((3, 1))})
        run.put([archive.Entry(schemas.Segment(description="later"), parts=[entry])])
    rewrite(path, b'"description":', b'"futurefield":')
    return path


def future(exp: archive.Experiment) -> list[Any]:
    seg = exp.segments[0]
    parts = [part for part in seg.to_entry().parts if isinstance(part.model, schemas.Part)]
    entries = [exp.runs[0].to_entry(), seg.to_entry(), *parts]
    return [(entry.model.model_extra or {}).get("futurefield") for entry in entries]


def test_newer_minor_contract_keeps_unknown_fields(newer: Path) -> None:
    major, minor = schemas.CONTRACT
    stamp(newer, archive_contract=f"{major}.{minor + 1}")
    with unchanged(newer), archive.open(newer) as exp:
        assert future(exp) == ["later"] * 3
    with archive.open(newer, "a") as exp:
        exp.runs[0].annotate(x=1)
        exp.segments[0].annotate(x=1)
        exp.run("b").put([rich_archive.segment(0)])
        assert future(exp) == ["later"] * 3
    with archive.open(newer) as exp:
        assert future(exp) == ["later"] * 3
        assert exp.segments.where("x == 1").rows.tolist() == [0]
        assert exp._container.session.stamp["archive_contract"] == f"{major}.{minor + 1}"
        records = exp._container.session.dataset("data_arrays", "records").read().tobytes()
        assert records.count(b'"futurefield":"later"') == 3


def test_unknown_field_of_this_version_is_refused(newer: Path) -> None:
    with (
        unchanged(newer),
        archive.open(newer) as exp,
        pytest.raises(archive.CorruptArchive, match="futurefield"),
    ):
        exp.runs[0].to_entry()


# -- damaged documents -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'{"kind":"run"', b'{"kind";"run"'), (b'{"kind":"run"', b'["kind","run"')],
)
def test_damaged_document(ours: Path, old: bytes, new: bytes) -> None:
    rewrite(ours, old, new)
    with unchanged(ours), archive.open(ours) as exp:
        attempts: list[Callable[[], Any]] = [
            lambda: exp.runs[0].annotations,
            lambda: exp.runs.table(),
        ]
        for attempt in attempts:
            with pytest.raises(archive.CorruptArchive, match="cannot be read") as caught:
                attempt()
            assert caught.value.path == str(ours)
        assert exp.segments[0].signals["cells/v"].shape == (24, 3)
