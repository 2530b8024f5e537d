"""Signatures by SSH keys: what is signed, what of it is found changed, and hostile ones."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import neo
import numpy as np
import pytest
import quantities as pq
from typer.testing import CliRunner

import archive
import schemas
from archive.cli import app
from archive.container import layout
from archive.container.check_signatures import message
from archive.container.salvage import salvage
from archive.provenance import ssh_signatures


@pytest.fixture(scope="module", autouse=True)
def _openssh(require_program: Callable[[str], Any]) -> None:
    require_program("ssh-keygen")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys of two people, and a file that allows the first one."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ada", "eve"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@lab", "-f"]
        subprocess.run([*command, str(folder / name)], check=True)
    (folder / "allowed").write_text(f"ada@example.org {(folder / 'ada.pub').read_text()}")
    return folder


def make(path: Path) -> Path:
    """A run, with bytes in every heap."""
    with archive.open(path, "x") as exp:
        facts = {"long": np.arange(500.0), "who": "A. N. Other"}
        with exp.run("first", parameters={"tau": 10 * pq.ms}, annotations=facts) as run:
            light = neo.Segment()
            light.events.append(neo.Event(times=[1.0] * pq.ms, labels=["on"], name="light"))
            signal = {"cell/v": np.zeros((50, 4)) * pq.mV}
            run.append(signal, light, sampling_period=0.1 * pq.ms)
    return path


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Path:
    path = make(tmp_path_factory.mktemp("signed") / "signed.nix")
    with archive.open(path, "a") as exp:
        exp.sign(keys / "ada")
    return path


@pytest.fixture
def copy(signed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(signed, tmp_path / "copy.nix"))


def heap(path: Path, name: str) -> Any:
    file = h5py.File(path, "r+")
    (block,) = file["data"].values()
    return block["data_arrays"][name]["data"]


def check(path: Path, **options: Any) -> Any:
    with archive.open(path) as exp:
        return exp.check(**options)


def test_a_signature_covers_what_was_there(copy: Path, keys: Path) -> None:
    report = check(copy)
    (one,) = report.signatures
    assert (one.good, one.signer, one.principal) == (True, "ada@lab", None)
    assert (one.runs, one.later) == (report.runs, 1)
    with archive.open(copy, "a") as exp, exp.run("later") as run:
        (kept,) = exp.signatures
        run.append({"v": np.zeros((10, 1)) * pq.mV}, sampling_period=1 * pq.ms)
    for deep in (False, True):
        report = check(copy, deep=deep, allowed_signers=keys / "allowed")
        assert report.findings == ()
        (one,) = report.signatures
        assert (one.good, one.principal, one.with_data) == (True, "ada@example.org", deep)
        assert one.runs == report.runs - 1
        assert one.later > 3
        assert one.key == ssh_signatures.fingerprint(kept.signature)


def test_openssh_alone_verifies_it(copy: Path, keys: Path, tmp_path: Path) -> None:
    with archive.open(copy) as exp:
        (one,) = exp.signatures
    (tmp_path / "s").write_text(one.signature)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(keys / "allowed"), "-I", "ada@example.org"]
    done = subprocess.run(
        [*command, "-n", "neuroarchive", "-s", str(tmp_path / "s")], input=message(one), check=False
    )
    assert done.returncode == 0
    assert one.key == " ".join((keys / "ada.pub").read_text().split()[:2])


def test_its_digests_are_those_of_the_layout(copy: Path) -> None:
    """Computed as the page of layout 1 says, by HDF5 alone."""
    with archive.open(copy) as exp:
        (one,) = exp.signatures
    covers = one.covers
    documents, data = hashlib.sha256(), hashlib.sha256()
    with h5py.File(copy) as file:
        (block,) = file["data"].values()
        arrays, frames = block["data_arrays"], block["data_frames"]
        for name in ("records", "texts", "names"):
            documents.update(f"{name} {covers[name]}\n".encode())
            documents.update(arrays[name]["data"][: covers[name]].tobytes())
        for name in layout.TABLES:
            rows = frames[name]["data"][: covers[name]]
            documents.update(f"{name} {len(rows)}\n".encode())
            for field in rows.dtype.names:
                if field not in ("change", "change_length", "ended", "outcome"):
                    documents.update(rows[field].tobytes())
        data.update(f"blobs {covers['blobs']}\n".encode() + arrays["blobs"]["data"][:].tobytes())
        values = arrays["cell.v"]["data"][:]
        labels = b"labels text 1\non\0"
        times = b"times <f8 1\n" + np.array([1.0]).tobytes()
        for part in (b"values <f8 50 4\n" + values.tobytes(), times + labels):
            data.update(hashlib.sha256(part).hexdigest().encode())
    assert one.documents == documents.hexdigest()
    assert one.data == data.hexdigest()


@pytest.mark.parametrize(
    ("what", "deep"),
    [("records", False), ("texts", False), ("names", False), ("blobs", True), ("cell.v", True)],
)
def test_a_changed_byte_is_found(copy: Path, what: str, deep: bool) -> None:
    """Also where all digests that are no secret are made to fit: they are not asked here."""
    data = heap(copy, what)
    if what == "cell.v":
        data[3, 1] += 1.0
    else:
        data[len(data) // 3] ^= 1
    data.file.close()
    report = check(copy, deep=deep)
    names = {one.name for one in report.findings}
    assert names & {"signature 0", "signatures"}, report.findings
    assert all(one.good is False for one in report.signatures)


@pytest.mark.parametrize("field", ["started", "parameters", "record"])
def test_a_changed_row_is_found(copy: Path, field: str) -> None:
    with h5py.File(copy, "r+") as file:
        (block,) = file["data"].values()
        data = block["data_frames"]["runs"]["data"]
        row = data[0]
        row[field] += 1
        data[0] = row
    assert "signature 0" in {one.name for one in check(copy).findings}


def test_another_signer_is_not_allowed(copy: Path, keys: Path) -> None:
    with archive.open(copy, "a") as exp:
        made = exp.sign(keys / "eve", signer="ada@example.org\x1b[2J")
    assert made.signer == "ada@example.org\x1b[2J"
    report = check(copy, allowed_signers=keys / "allowed")
    assert report.is_valid()  # the first one still is hers
    assert [one.principal for one in report.signatures] == ["ada@example.org", None]
    only_eve = keys / "only eve"
    only_eve.write_text(f'* namespaces="file" {(keys / "eve.pub").read_text()}')
    (found,) = check(copy, allowed_signers=only_eve).findings
    assert (found.name, found.what) == ("signatures", "none is a good one of an allowed signer")
    with pytest.raises(archive.NotFound):
        ssh_signatures.verify(b"", made.signature, made.at, keys / "missing")


def test_an_unsigned_archive(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "a.nix"
    archive.open(path, "x").close()
    assert check(path).signatures == ()
    (found,) = check(path, allowed_signers=keys / "allowed").findings
    assert found.what == "there is none"


def forged(path: Path, keys: Path, **changes: Any) -> Any:
    """What is said of a signature in which something was changed afterwards."""
    with archive.open(path, "a") as exp:
        (good,) = exp.signatures
        exp._container.add_change("experiment", 0, good.model_copy(update=changes))
    report = check(path, allowed_signers=keys / "allowed")
    assert report.signatures[0].good
    assert "signature 1" in {one.name for one in report.findings}
    assert report.signatures[1].principal is None
    return report.signatures[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": "eve"},
        {"covers": {}},
        {"experiment": "other"},
        {"covers": {"records": 1 << 40}},
        {"key": "ssh-ed25519 AAAA"},
        {"signature": ""},
        {"signature": "-----BEGIN SSH SIGNATURE-----\n-f/etc/passwd\n-----END SSH SIGNATURE-----"},
        {"signature": "-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAf////8=\n"
                      "-----END SSH SIGNATURE-----"},
        {"signature": "é" * 200_000},
    ],
)  # fmt: skip
def test_a_forged_signature_is_found(copy: Path, keys: Path, changes: dict[str, Any]) -> None:
    assert forged(copy, keys, **changes).good is False


def test_a_signature_of_another_archive(copy: Path, tmp_path: Path, keys: Path) -> None:
    with archive.open(copy) as exp:
        (good,) = exp.signatures
    with archive.open(tmp_path / "other.nix", "x") as exp:
        exp._container.add_change("experiment", 0, good)
        (found,) = exp.check().findings
    assert found.what == "it is one of another archive"


def test_a_copy_is_not_signed(copy: Path, tmp_path: Path) -> None:
    found = salvage(copy, tmp_path / "new.nix")
    assert ("experiment", "signature") in {(one.entry, one.field) for one in found.losses}
    with archive.open(copy) as exp:
        exp.export(tmp_path / "a.json")
    with archive.open(tmp_path / "b.nix", "x") as exp:
        exp.import_file(tmp_path / "a.json")
        lost = {one[1] for run in exp.runs for given in run.inputs for one in given.losses}
    assert "signature" in lost
    for name in ("new.nix", "b.nix"):
        with archive.open(tmp_path / name) as exp:
            assert exp.signatures == ()


def test_what_cannot_sign(copy: Path, tmp_path: Path, keys: Path, monkeypatch: Any) -> None:
    (tmp_path / "no key").write_text("nothing")
    before = copy.read_bytes()
    with archive.open(copy, "a") as exp:
        with pytest.raises(archive.NotFound, match="no such key"):
            exp.sign(tmp_path / "-oh")
        with pytest.raises(archive.FormatError, match="could not sign"):
            exp.sign(tmp_path / "no key")
        monkeypatch.setenv("PATH", "")
        with pytest.raises(archive.MissingPackage, match="install OpenSSH"):
            exp.sign(keys / "ada")
        assert len(exp.signatures) == 1
    report = check(copy)
    assert report.is_valid()
    assert report.signatures[0].good is None
    assert "could not be verified" in report.signatures[0].why
    assert len(before) == copy.stat().st_size
    with archive.open(copy) as exp, pytest.raises(archive.Refused):
        exp.sign(keys / "ada")


def test_a_key_whose_name_is_an_option(copy: Path, keys: Path, monkeypatch: Any) -> None:
    shutil.copy(keys / "ada", keys / "-Y")
    monkeypatch.chdir(keys)
    with archive.open(copy, "a") as exp:
        assert exp.sign("-Y").signer is None


def test_the_command_line(copy: Path, keys: Path) -> None:
    run = CliRunner().invoke
    done = run(app, ["sign", str(copy), "--key", str(keys / "eve"), "--signer", "x\x1b[2J[red]y"])
    assert done.exit_code == 0, done.output
    assert "\x1b[2J" not in done.output
    done = run(app, ["check", str(copy), "--allowed-signers", str(keys / "allowed")])
    assert done.exit_code == 0, done.output
    assert "\x1b[2J" not in done.output
    assert "signed by ada@example.org" in done.output
    assert "[red]y" in done.output.replace("\n", "")
    assert "none of those allowed" in done.output
    found = json.loads(run(app, ["check", str(copy), "--json"]).output)
    assert [one["good"] for one in found["signatures"]] == [True, True]
    found = json.loads(run(app, ["sign", str(copy), "--key", str(keys / "ada"), "--json"]).output)
    assert found["signer"] == "ada@lab"
    assert found["key"].startswith("SHA256:")
    data = heap(copy, "records")
    data[5] ^= 1
    data.file.close()
    assert run(app, ["check", str(copy)]).exit_code == 13


def test_the_message_is_the_same_when_it_was_read() -> None:
    facts: Any = {"experiment": "1", "covers": {"b": 1, "a": 2}, "documents": "0" * 64}
    made = schemas.Signature(**facts, data="1" * 64, at=datetime(2025, 1, 2, tzinfo=UTC))
    back = schemas.load(json.loads(schemas.to_json(schemas.dump(made))))
    assert isinstance(back, schemas.Signature)
    assert message(back) == message(made.model_copy(update={"key": "k", "signature": "s"}))
