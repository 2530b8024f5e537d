"""The disk that the proof assumes is what it is said to be."""

from __future__ import annotations

from pathlib import Path
from random import Random

from hypothesis import given, strategies as st

from tests.crash.disk import SECTOR, Chance, Disk, all_kept, all_lost, at_random
from tests.crash.recording import (
    Create,
    FailedSync,
    Link,
    Operation,
    RecordingFiles,
    Remove,
    Sync,
    SyncFolder,
    Truncate,
    Write,
    held,
)

START = {"file": bytes(range(250)) * 8}  # almost four sectors


def disk_after(*operations: Operation) -> Disk:
    disk = Disk(START)
    for operation in operations:
        disk.do(operation)
    return disk


def states(disk: Disk, number: int = 200) -> list[dict[str, bytes]]:
    loss = disk.loss()
    return [loss.state(at_random(Random(seed))) for seed in range(number)]


def whole_sectors(disk: Disk) -> list[dict[str, bytes]]:
    """States in which no sector is torn."""
    loss = disk.loss()
    return [loss.state(Chance(Random(seed), 0.5, 0.5)) for seed in range(200)]


# -- one rule after the other ------------------------------------------------------------------


def test_what_is_synced_is_there() -> None:
    disk = disk_after(Write(0, 100, b"new"), Sync(0, 1))
    expected = START["file"][:100] + b"new" + START["file"][103:]
    assert disk.loss().certain()
    assert all(state == {"file": expected} for state in states(disk))


def test_a_sync_says_nothing_of_what_was_written_while_it_went_on() -> None:
    disk = disk_after(Write(0, 0, b"a"), Write(0, 1, b"b"), Sync(0, 1))
    assert {state["file"][:2] for state in whole_sectors(disk)} == {b"a\x01", b"ab"}


def test_sectors_are_dropped_and_kept_each_for_itself() -> None:
    disk = disk_after(Write(0, 0, b"x" * 3 * SECTOR))
    found = {state["file"][::SECTOR][:3] for state in whole_sectors(disk)}
    assert len(found) == 8


def test_a_sector_may_hold_any_of_its_contents() -> None:
    disk = disk_after(Write(0, 0, b"a" * SECTOR), Write(0, 0, b"b"), Write(0, 1, b"c"))
    found = {state["file"][:3] for state in whole_sectors(disk)}
    assert found == {START["file"][:3], b"aaa", b"baa", b"bca"}


def test_sectors_are_torn_even_where_little_is_written() -> None:
    disk = disk_after(Write(0, 10, b"x"))
    before = START["file"]
    after = before[:10] + b"x" + before[11:]
    torn = [state["file"] for state in states(disk) if state["file"] not in (before, after)]
    assert torn
    assert all(content[SECTOR:] == before[SECTOR:] for content in torn)


def test_the_length_waits_for_no_sector() -> None:
    disk = disk_after(Write(0, 2000, b"x" * 48))  # the rest of the fourth sector
    ends = {state["file"][2000:] for state in whole_sectors(disk)}
    assert ends == {b"", b"x" * 48, bytes(48)}


def test_a_truncation_happens_as_a_whole_or_not_at_all() -> None:
    disk = disk_after(Truncate(0, 700))
    found = {state["file"] for state in states(disk)}
    assert found == {START["file"], START["file"][:700]}


def test_what_comes_after_a_truncation_does_not_bring_back_what_it_took() -> None:
    disk = disk_after(Truncate(0, 0), Write(0, 1000, b"x"), Sync(0, 2), Write(0, 1, b"y"))
    for state in whole_sectors(disk):
        assert state["file"][2:] == bytes(998) + b"x"


def test_a_failed_sync_loses_what_it_was_to_write() -> None:
    disk = disk_after(Write(0, 0, b"lost"), FailedSync(0), Write(0, 600, b"kept"), Sync(0, 3))
    (content,) = {state["file"] for state in states(disk)}
    assert content[:4] == START["file"][:4]
    assert content[600:604] == b"kept"


def test_names_come_and_go_without_waiting_for_one_another() -> None:
    disk = disk_after(Create("new", 1), Link("linked", 0), Remove("file"))
    found = {tuple(sorted(state)) for state in states(disk)}
    assert len(found) == 8


def test_a_name_keeps_the_order_of_its_changes() -> None:
    disk = disk_after(Create("name", 1), Write(1, 0, b"1"), Sync(1, 2), Remove("name"))
    disk.do(Create("name", 2))
    found = {state.get("name") for state in whole_sectors(disk)}
    assert found == {None, b"1", b""}


def test_names_that_are_synced_are_there() -> None:
    disk = disk_after(Create("new", 1), Remove("file"), SyncFolder(1))
    assert {tuple(sorted(state)) for state in states(disk)} == {("file", "new"), ("new",)}


# -- all of it together ------------------------------------------------------------------------

writes = st.builds(Write, st.just(0), st.integers(0, 3000), st.binary(min_size=1, max_size=1500))
truncations = st.builds(Truncate, st.just(0), st.integers(0, 3000))
syncs = st.just("sync")


@given(st.lists(writes | truncations | syncs, max_size=8), st.integers(0, 99))
def test_the_extremes(steps: list[Operation | str], seed: int) -> None:
    """Kept is all that was done, lost is all but what was synced; and what is random lies, sector
    by sector, among the contents that a sector has had since."""
    disk = Disk(START)
    now = bytearray(START["file"])
    synced = bytes(now)
    since = [synced]
    for number, step in enumerate(steps):
        operation = Sync(0, number) if isinstance(step, str) else step
        disk.do(operation)
        match operation:
            case Write(_, offset, data):
                now.extend(bytes(max(0, offset - len(now))))
                now[offset : offset + len(data)] = data
                since.append(bytes(now))
            case Truncate(_, length):
                now = now[:length].ljust(length, b"\0")
                since.append(bytes(now))
            case _:
                synced = bytes(now)
                since = [synced]
    loss = disk.loss()
    assert loss.state(all_kept()) == {"file": bytes(now)}
    assert loss.state(all_lost()) == {"file": synced}
    content = loss.state(Chance(Random(seed), 0.5, 0.5))["file"]
    assert len(content) in {len(one) for one in since}
    if not any(isinstance(step, Truncate) for step in steps):
        for at in range(0, len(content), SECTOR):
            had = {one[at : at + SECTOR].ljust(SECTOR, b"\0") for one in since}
            sector = content[at : at + SECTOR]
            assert any(one.startswith(sector) for one in had)


# -- recording ---------------------------------------------------------------------------------


def test_a_recording_is_what_was_done(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"before")
    files = RecordingFiles(tmp_path)
    there = files.open(tmp_path / "there", write=True)
    made = files.open(tmp_path / "made", create=True)
    again = files.open(tmp_path / "made", create=True)
    assert files.write(there, b"xyz", 3) == 3
    files.truncate(made, 5)
    files.write(again, memoryview(b"a"), 1)
    files.sync(made)
    files.link(tmp_path / "made", tmp_path / "second")
    files.remove(tmp_path / "made")
    files.sync_folder(tmp_path)
    for descriptor in (there, made, again):
        files.close(descriptor)
    assert files.operations == [
        Create("made", 1),
        Write(0, 3, b"xyz"),
        Truncate(1, 5),
        Write(1, 1, b"a"),
        Sync(1, 4),
        Link("second", 1),
        Remove("made"),
        SyncFolder(7),
    ]
    disk = Disk(files.start)
    for operation in files.operations:
        disk.do(operation)
    assert disk.loss().state(all_kept()) == held(tmp_path)
    assert disk.loss().state(all_lost()) == {"there": b"before", "second": b"\0a\0\0\0"}
