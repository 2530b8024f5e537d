"""A disk that is really full: what was appended stays, and with room the session goes on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.proof import NAME
from tests.crash.sessions import write_base

ROOT = Path(__file__).resolve().parents[2]

# `full` leaves little room and `room` much: how, is what differs.
STEPS = """
import errno, os, resource, subprocess, sys
from pathlib import Path
import archive
from tests.crash.content import quick
from tests.crash.sessions import append, append_bulk

path = Path(sys.argv[1])
{preparation}
with archive.open(path, "a") as experiment:
    run = experiment.run("first", resume=True)
    append(run, 2)
    session = experiment._container.session
    full()
    there, refused = 3, 0
    for number in range(1000):
        before = quick(session)
        try:
            append_bulk(run, number, samples=20_000) if number % 2 else append(run, number)
            there += 1
        except archive.TransactionError as error:
            assert isinstance(error.__cause__, OSError), error
            assert error.__cause__.errno in (errno.ENOSPC, errno.EFBIG), error
            assert quick(session) == before
            refused += 1
            if refused == 6:
                break
    assert refused == 6
    assert len(experiment.segments) == there
    with archive.open(path) as reader:
        assert len(reader.segments) == there
    room()
    append_bulk(run, 1, samples=20_000)
    append(run, 2)
    full()
    try:
        experiment.close()
    except archive.TransactionError:
        assert experiment.closed
    there += 2
with archive.open(path) as reader:
    assert len(reader.segments) == there
room()
with archive.open(path, "a") as experiment:
    append(experiment.run("after", resume=True), 3)
with archive.open(path) as experiment:
    assert len(experiment.segments) == there + 1
print("done")
"""

LIMITED = """
def full():
    now = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (now + 300_000, resource.RLIM_INFINITY))

def room():
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""

MOUNTED = """
def resize(size):
    subprocess.run(["mount", "-o", f"remount,size={size}", str(path.parent)], check=True)

def full():
    now = os.statvfs(path.parent)
    resize((now.f_blocks - now.f_bfree) * now.f_bsize + 300_000)

def room():
    resize("20m")

content = path.read_bytes()
subprocess.run(["mount", "-t", "tmpfs", "none", str(path.parent)], check=True)
path.write_bytes(content)
"""


def run(preparation: str, path: Path, *before: str) -> None:
    done = subprocess.run(
        [*before, sys.executable, "-W", "error", "-c", STEPS.format(preparation=preparation), path],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stdout == "done\n", f"{done.returncode}: {done.stderr}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_base(tmp_path / NAME)
    return tmp_path / NAME


def test_files_that_may_not_grow(path: Path) -> None:
    run(LIMITED, path)


def test_a_small_disk(path: Path) -> None:
    alone = ("unshare", "--user", "--map-root-user", "--mount")  # mounts that nobody else sees
    mounting = [*alone, "mount", "-t", "tmpfs", "none", str(path.parent)]
    if not shutil.which("unshare") or subprocess.run(mounting, check=False).returncode:
        pytest.skip("the system lets nobody mount a file system of his own")
    run(MOUNTED, path, *alone)
