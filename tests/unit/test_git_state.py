"""What git is asked about repositories: clean, changed, strange and hostile ones."""

from __future__ import annotations

import os
import subprocess
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.provenance import git as asking, repository as finding
from archive.provenance.git import NoAnswerError, State, state_of
from tests.unit.git_repositories import NOBODY, git, repository

SECONDS = 60.0


@pytest.fixture(autouse=True)
def _nothing_of_the_user(
    monkeypatch: pytest.MonkeyPatch, require_program: Callable[[str], str]
) -> None:
    require_program("git")
    for name, value in NOBODY.items():
        monkeypatch.setenv(name, value)


def diff_of(state: State) -> str:
    assert state.diff is not None
    return zlib.decompress(state.diff).decode()


def test_clean(tmp_path: Path) -> None:
    root = repository(tmp_path / "lab")
    (root / "notes.txt").write_text("untracked")
    found = state_of(root, SECONDS)
    assert found.commit == git(root, "rev-parse", "HEAD")
    assert (found.branch, found.remote, found.dirty) == ("main", None, False)
    assert (found.diff, found.diff_size, found.missing) == (None, None, ())
    assert found.untracked == ("notes.txt",)


def test_a_diff_can_be_applied(tmp_path: Path) -> None:
    root = repository(tmp_path / "lab", data_bin="a\0b")
    (root / "model.py").write_text("tau = 20\n")
    (root / "data.bin").write_bytes(b"\0\1\2" * 50)
    found = state_of(root, SECONDS)
    assert found.dirty
    text = diff_of(found)
    assert found.diff_size == len(text.encode())
    git(root, "stash", "-q")
    subprocess.run(["git", "-C", root, "apply", "-"], input=text.encode(), check=True)
    assert (root / "model.py").read_text() == "tau = 20\n"
    assert (root / "data.bin").read_bytes() == b"\0\1\2" * 50


def test_no_commit_detached_and_worktrees(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "-q", "-b", "main")
    (empty / "a.py").write_text("")
    git(empty, "add", "a.py")
    found = state_of(empty, SECONDS)
    assert (found.commit, found.branch, found.dirty, found.diff) == (None, "main", True, None)
    assert dict(found.missing) == {"diff": "there is no commit yet"}

    root = repository(tmp_path / "lab")
    commit = git(root, "rev-parse", "HEAD")
    git(root, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))
    found = state_of(tmp_path / "tree", SECONDS)
    assert (found.commit, found.branch) == (commit, "other")
    git(root, "checkout", "-q", "--detach")
    assert state_of(root, SECONDS).branch is None
    for folder, branch in ((root, None), (tmp_path / "tree", "other")):
        place = finding.place_of(folder)
        assert place is not None
        read = finding.read_state(place, "git is not installed")
        assert (read.commit, read.branch, read.dirty) == (commit, branch, None)
    git(root, "pack-refs", "--all")
    place = finding.place_of(tmp_path / "tree")
    assert place is not None
    assert finding.read_state(place, "").commit == commit


def test_submodules_are_not_looked_into(tmp_path: Path) -> None:
    inner = repository(tmp_path / "inner")
    root = repository(tmp_path / "lab")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    git(root, "commit", "-q", "-m", "with a part")
    mark = tmp_path / "mark"
    git(root / "sub", "config", "core.fsmonitor", f"touch {mark}; false")
    (root / "sub" / "model.py").write_text("tau = 30\n")
    found = state_of(root, SECONDS)
    assert not found.dirty
    assert "submodules" in dict(found.missing)
    assert not mark.exists()
    place = finding.place_of(root / "sub")
    assert place is not None
    assert place.root == root / "sub"
    git(root / "sub", "commit", "-q", "-a", "-m", "second")
    assert state_of(root, SECONDS).dirty
    assert state_of(root / "sub", SECONDS).commit == git(root / "sub", "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://anna:hunter2@lab.example/a.git", "https://lab.example/a.git"),
        ("https://ghp_abcdefghijklmnopqrstuvwxyz0123456789@github.com/a", "https://github.com/a"),
        ("ssh://git@lab.example:22/a.git", "ssh://lab.example:22/a.git"),
        ("git@github.com:lab/a.git", "github.com:lab/a.git"),
        ("https://lab.example/a.git?private_token=abc&x=1",
         "https://lab.example/a.git?private_token=***&x=1"),
        ("/srv/git/a@b.git", "/srv/git/a@b.git"),
    ],
)  # fmt: skip
def test_remotes_have_no_credentials(tmp_path: Path, url: str, told: str) -> None:
    root = repository(tmp_path / "lab")
    git(root, "remote", "add", "other", "https://elsewhere.example")
    git(root, "remote", "add", "up", url)
    git(root, "config", "branch.main.remote", "up")
    assert state_of(root, SECONDS).remote == told


def test_nothing_of_a_hostile_configuration_is_run(tmp_path: Path) -> None:
    root = repository(tmp_path / "lab", _gitattributes="*.py filter=evil diff=evil\n")
    mark = tmp_path / "mark"
    command = f"sh -c 'touch {mark}; cat'"
    for name, value in {
        "core.fsmonitor": f"touch {mark}; false",
        "core.pager": command,
        "core.hooksPath": str(tmp_path / "hooks"),
        "core.sshCommand": command,
        "core.editor": command,
        "diff.external": command,
        "diff.evil.command": command,
        "diff.evil.textconv": command,
        "filter.evil.clean": command,
        "filter.evil.smudge": command,
        "filter.evil.process": command,
        "filter.evil.required": "true",
        "diff.submodule": "log",
        "color.ui": "always",
        "diff.noprefix": "true",
        "alias.status": f"!touch {mark}",
        "alias.diff": f"!touch {mark}",
    }.items():
        git(root, "config", name, value)
    (tmp_path / "hooks").mkdir()
    for name in ("post-index-change", "fsmonitor-watchman"):
        hook = tmp_path / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
        hook.chmod(0o755)
    (root / "model.py").write_text("tau = 20\n")
    found = state_of(root, SECONDS)
    assert found.dirty
    assert "\n-tau = 10\n+tau = 20\n" in diff_of(found)
    assert "a/model.py b/model.py" in diff_of(found)
    assert not mark.exists()
    subprocess.run(  # the attack is one, where git is asked without care
        ["git", "-C", root, "diff", "HEAD"], capture_output=True, check=False, timeout=SECONDS
    )
    assert mark.exists()


def test_a_filter_that_cannot_be_turned_off(tmp_path: Path) -> None:
    root = repository(tmp_path / "lab")
    with (root / ".git/config").open("a") as file:
        file.write('[filter "a=b"]\n\tclean = false\n')
    with pytest.raises(NoAnswerError, match="turned off"):
        state_of(root, SECONDS)


def test_another_work_tree_is_not_read(tmp_path: Path) -> None:
    root = repository(tmp_path / "lab")
    (tmp_path / "private").mkdir()
    (tmp_path / "private/model.py").write_text("not for others")
    git(root, "config", "core.worktree", str(tmp_path / "private"))
    with pytest.raises(NoAnswerError, match=r"another folder|outside"):
        state_of(root, SECONDS)


def test_a_repository_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "lab")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    monkeypatch.setattr(asking, "_KEPT", (*asking._KEPT, "GIT_TEST"))
    with pytest.raises(NoAnswerError, match="dubious ownership"):
        state_of(root, SECONDS)


def test_secrets_in_a_diff(tmp_path: Path) -> None:
    root = repository(tmp_path / "lab")
    secret = "ghp_" + "a1B2" * 9
    (root / "model.py").write_text(f"token = '{secret}'\ntau = 20\n")
    found = state_of(root, SECONDS)
    assert secret not in diff_of(found)
    assert "+tau = 20" in diff_of(found)
    assert "1 replaced" in dict(found.missing)["secrets in diff"]


def test_a_long_diff_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "lab")
    (root / "model.py").write_bytes(os.urandom(20_000).hex().encode())
    for name, limit in (("DIFF_LIMIT", 10_000), ("READ_LIMIT", 10_000)):
        with monkeypatch.context() as patched:
            patched.setattr(asking, name, limit)
            found = state_of(root, SECONDS)
        assert (found.diff, found.dirty) == (None, True)
        assert "are too many; SHA-256 " in dict(found.missing)["diff"]
    monkeypatch.setattr(asking, "NAMES", 2)
    for name in "abc":
        (root / name).write_text("")
    found = state_of(root, SECONDS)
    assert found.untracked == ("a", "b")
    assert dict(found.missing)["untracked"] == "1 more are not named"


def hanging(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another git, which never answers, and leaves a process that holds its output."""
    program = folder / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 60 &\nsleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr(asking, "program", lambda: str(program))


def test_git_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "lab")
    hanging(tmp_path, monkeypatch)
    began = time.monotonic()
    with pytest.raises(NoAnswerError, match="too long"):
        state_of(root, 0.2)
    assert time.monotonic() - began < 20
    monkeypatch.setattr(finding, "PATIENCE", 0.2)
    place = finding.place_of(root)
    assert place is not None
    inquiry = finding.Inquiry(place, ())
    assert inquiry.answer(0) is None
    answer = inquiry.answer(SECONDS)
    assert answer is not None
    assert answer.commit == git(root, "rev-parse", "HEAD")
    assert dict(answer.missing) == {"repository": "git took too long"}


def test_no_git_and_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert finding.place_of(tmp_path) is None
    root = repository(tmp_path / "lab")
    monkeypatch.setattr(asking, "program", lambda: None)
    with pytest.raises(NoAnswerError, match="not installed"):
        state_of(root, SECONDS)


def test_what_shows_a_change(tmp_path: Path) -> None:
    root = repository(tmp_path / "lab")
    place = finding.place_of(root)
    assert place is not None
    inquiry = finding.Inquiry(place, finding.stamp_of(place))
    assert inquiry.serves(place, finding.stamp_of(place))
    git(root, "commit", "-q", "--allow-empty", "-m", "second")
    assert not inquiry.serves(place, finding.stamp_of(place))
    inquiry.answer(SECONDS)
    git(root, "checkout", "-q", "-b", "other")
    assert finding.stamp_of(place) != inquiry.stamp
