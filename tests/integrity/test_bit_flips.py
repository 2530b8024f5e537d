"""Single bits of an archive changed at random: every change of content is found, nothing that HDF5
does with a damaged file ends or keeps us, and all that can be read is saved."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integrity.flipping import Outcome, flips, outcome, without_nixio
from tests.integrity.whole_archive import content, make

pytestmark = pytest.mark.damaged
EACH = 20  # flips per test: a busy machine needs seconds for each


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("sound") / "sound.nix")


def flip(sound: Path, folder: Path, count: int, seed: int) -> list[Outcome]:
    known = content(sound)
    assert any(name.endswith("part 5") for name in known)
    return [outcome(sound, known, byte, bit, folder) for byte, bit in flips(sound, count, seed)]


def check(outcomes: list[Outcome]) -> None:
    changed = [one for one in outcomes if one.changed]
    assert [one for one in changed if not one.found] == []
    assert [one for one in outcomes if one.lost] == []
    assert changed  # about two in five: the places are well chosen


def test_some_flips(sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_nixio(monkeypatch)
    check(flip(sound, tmp_path, EACH // 4, seed=0))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 55))
def test_a_thousand_flips(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    without_nixio(monkeypatch)
    check(flip(sound, tmp_path, EACH, seed))
