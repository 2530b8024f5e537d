"""The file object below HDF5 against a plain byte array: writes, commits, roll backs, readers."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from archive.storage import paged_file, store as store_
from archive.storage.files import SystemFiles
from archive.storage.log import PAGE, log_path
from archive.storage.snapshot import Snapshot
from archive.storage.store import Store

LENGTH = 40 * PAGE


class PagedFileMachine(RuleBasedStateMachine):
    """What is read is what was written; what others read is what was committed."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "file"
        self.patch = pytest.MonkeyPatch()
        for name, limit in {
            "DIRECT": 4 * PAGE,
            "LITTLE": 2 * PAGE,
            "WAITING": 8,
            "KEPT": 20,
        }.items():
            self.patch.setattr(paged_file, name, limit)
        self.patch.setattr(store_, "LIMIT", 30 * PAGE)
        self.readers: list[tuple[Snapshot, bytes]] = []

    @initialize(content=st.binary(min_size=1, max_size=100), times=st.integers(1, 200))
    def begin(self, content: bytes, times: int) -> None:
        self.path.write_bytes(content * times)
        self.committed = bytearray(content * times)
        self.now = bytearray(self.committed)
        self.store = Store(self.path, SystemFiles(), 0)

    @rule(
        offset=st.integers(0, LENGTH),
        piece=st.binary(min_size=1, max_size=300),
        times=st.integers(1, 100),
    )
    def write(self, offset: int, piece: bytes, times: int) -> None:
        data = piece * times
        offset = min(offset, len(self.now))  # HDF5 reads nothing that it has not written
        self.store.file.seek(offset)
        assert self.store.file.write(memoryview(data)) == len(data)
        self.now[offset : offset + len(data)] = data

    @rule(offset=st.integers(0, 40), pages=st.integers(3, 12), value=st.integers(0, 255))
    def write_large(self, offset: int, pages: int, value: int) -> None:
        self.write(offset * PAGE, bytes([value]), pages * PAGE)

    @rule(whole=st.booleans())
    def commit(self, whole: bool) -> None:
        self.store.commit(whole=whole)
        assert self.store.file.error is None
        self.committed = bytearray(self.now)

    @rule()
    def roll_back(self) -> None:
        self.store.roll_back()
        self.now = bytearray(self.committed)

    @rule()
    def crash(self) -> None:
        """The process ends; another one opens the file."""
        self.store.drop()
        self.now = bytearray(self.committed)
        self.open_again()

    def open_again(self) -> None:
        self.store = Store(self.path, SystemFiles(), 0)
        # what was written behind the end may be there still; HDF5 knows where its file ends
        assert self.store.file.end >= len(self.now)
        self.store.file.truncate(len(self.now))
        self.store.commit()

    @rule()
    def close(self) -> None:
        plain = self.store.close()
        self.committed = bytearray(self.now)
        assert plain or self.readers
        if plain:
            left = self.path.read_bytes()
            assert left[: len(self.committed)] == self.committed
            assert len(left) < len(self.committed) + PAGE
            assert not log_path(self.path).exists()
        self.open_again()

    @precondition(lambda self: len(self.readers) < 3)
    @rule()
    def read_beside(self) -> None:
        self.readers.append((Snapshot(self.path, SystemFiles(), 0), bytes(self.committed)))

    @precondition(lambda self: self.readers)
    @rule()
    def reader_ends(self) -> None:
        reader, content = self.readers.pop()
        assert seen_by(reader, len(content)) == content
        reader.close()

    @invariant()
    def what_is_read(self) -> None:
        if hasattr(self, "store"):
            there = bytearray(len(self.now))
            self.store.file.seek(0)
            self.store.file.readinto(memoryview(there))
            assert there == self.now
            assert self.store.file.end == len(self.now)
            for reader, content in self.readers:
                assert seen_by(reader, len(content)) == content

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.drop()
        for reader, _ in self.readers:
            reader.close()
        self.patch.undo()
        self.folder.cleanup()


def seen_by(reader: Snapshot, length: int) -> bytes:
    there = bytearray(length)
    if reader.file is None:
        return reader.path.read_bytes()[:length]
    assert reader.file.end >= length
    reader.file.fetch(there, 0)
    return bytes(there)


TestPagedFile = PagedFileMachine.TestCase
TestPagedFile.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


def test_a_page_behind_a_shortened_file_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1" * PAGE)
    store = Store(path, SystemFiles(), 0)
    store.file.seek(3 * PAGE)
    store.file.write(memoryview(b"2" * PAGE))
    store.file.truncate(PAGE)
    store.commit()
    store.file.seek(PAGE)
    store.file.write(memoryview(b"3" * paged_file.DIRECT))
    there = bytearray(PAGE)
    store.file.seek(3 * PAGE)
    store.file.readinto(memoryview(there))
    assert there == b"3" * PAGE
    store.drop()
