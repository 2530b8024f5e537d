"""The redo log beside an archive: what its bytes are, how it is written and read.

docs/explanation/transactions.md describes the format. A record is one committed transaction;
each names the digest of the one before, so that a chain of valid records is what was committed,
and a torn last one is recognised.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xxhash

from archive.errors import CorruptArchive
from archive.storage.files import Buffer, Files, read_whole, write_whole

PAGE = 4096
SECTOR = 512  # what disks write as a whole, or not at all
SECTORS = PAGE // SECTOR

MAGIC = b"neuroarchive 1\r\n"
RECORD_MAGIC = b"record\r\n"
HEADER = struct.Struct("<16s16s16s")  # magic, salt, digest of both
RECORD = struct.Struct("<8s16sQQII16s")  # magic, salt, number, end, pages, flags, former digest
FRAME = np.dtype([("page", "<u8"), ("checked", "<u8"), ("sectors", "<u4", (SECTORS,))])
DIGEST = 16
CHECKPOINT = 1  # flag: the pages may have begun to go to the main file

PIECE = 1 << 20  # so many bytes are read at a time
# Behind a torn record lies what one crash has left, not more such beginnings of records.
MOST_BEGINNINGS = 64

FIRST = PAGE  # where records begin; before it lie the header and who holds the archive


def log_path(path: Path) -> Path:
    """The log of an archive."""
    return path.with_name(path.name + "-wal")


def _digest(*parts: Iterable[Buffer]) -> bytes:
    digest = xxhash.xxh3_128()
    for part in chain(*parts):
        digest.update(part)
    return digest.digest()


def _padded(length: int) -> int:
    return -(-length // SECTOR) * SECTOR


class Record(NamedTuple):
    """One committed transaction, as it lies in the log."""

    number: int
    end: int  # the length of the main file
    flags: int
    frames: npt.NDArray[Any]  # FRAME: which pages, and the CRCs of the sectors they replace
    data: int  # where in the log the pages lie, one after the other
    stop: int  # where in the log the record ends
    digest: bytes


@dataclass
class Log:
    """A log, and how far it is valid."""

    path: Path
    files: Files
    descriptor: int
    salt: bytes = b""
    number: int = 0
    stop: int = FIRST
    former: bytes = b""

    def start(self) -> None:
        """Begin anew: with another salt, whatever lies behind the header is of no account.

        Raises OSError; then nobody knows what header the log has, and it must be started again.
        """
        self.salt, self.number, self.stop = b"", 0, FIRST
        salt = os.urandom(16)
        header = MAGIC + salt + _digest([MAGIC, salt])
        write_whole(self.files, self.descriptor, header.ljust(SECTOR, b"\0"), 0)
        self.files.sync(self.descriptor)
        self.salt = self.former = salt

    def append(
        self,
        pages: Mapping[int, bytes | bytearray],
        replaced: Mapping[int, list[int]],
        end: int,
        *,
        flags: int = 0,
    ) -> Record:
        """Write a record and make it permanent: the moment of the commit.

        `replaced` has the CRCs of the eight sectors that a page replaces in the main file, where
        it replaces any. Raises OSError; then the record is not valid, unless the system refuses
        that too.
        """
        frames = np.zeros(len(pages), FRAME)
        frames["page"] = list(pages)
        if replaced:  # in most records nothing is
            for number, page in enumerate(pages):
                if page in replaced:
                    frames[number] = (page, 1, replaced[page])
        head = RECORD.pack(
            RECORD_MAGIC, self.salt, self.number, end, len(pages), flags, self.former
        )
        table = frames.tobytes()
        digest = _digest([head, table], pages.values())
        head = (head + digest + table).ljust(_padded(len(head) + DIGEST + len(table)), b"\0")
        try:
            write_whole(self.files, self.descriptor, b"".join([head, *pages.values()]), self.stop)
            self.files.sync(self.descriptor)
        except OSError:
            self._invalidate()
            raise
        start = self.stop + len(head)
        stop = start + len(pages) * PAGE
        made = Record(self.number, end, flags, frames, start, stop, digest)
        self._follow(made)
        return made

    def _invalidate(self) -> None:
        """What a failed sync may have written must not be found valid by a recovery."""
        try:
            write_whole(self.files, self.descriptor, bytes(SECTOR), self.stop)
            self.files.sync(self.descriptor)
        except OSError:
            return  # the disk refuses everything: whether the record is there, it alone knows

    def _follow(self, record: Record) -> None:
        self.number, self.stop, self.former = record.number + 1, record.stop, record.digest

    def read(self, *, settled: bool = True) -> Iterator[Record]:
        """The valid records, from the first on; afterwards the log goes on behind them.

        A torn last record is passed over. Raises CorruptArchive if an intact record lies behind
        a damaged one, which a crash cannot leave; not if the log is not `settled`, because its
        writer is at work.
        """
        head = bytearray(HEADER.size)
        self.salt, self.number, self.stop = b"", 0, FIRST
        if read_whole(self.files, self.descriptor, head, 0) < len(head):
            return
        magic, salt, digest = HEADER.unpack(head)
        if magic != MAGIC or digest != _digest([magic, salt]):
            return
        self.salt = self.former = salt
        size = self.files.size(self.descriptor)
        while (record := self._record(self.stop, size)) is not None:
            self._follow(record)
            yield record
        if settled:
            self._check_behind(size)

    def torn(self) -> bool:
        """Whether a record begins where the valid ones end, as a crash leaves it."""
        mark = RECORD_MAGIC + self.salt
        there = bytearray(len(mark))
        read_whole(self.files, self.descriptor, there, self.stop)
        return bool(self.salt) and there == mark

    def _record(self, at: int, size: int, *, chained: bool = True) -> Record | None:
        head = bytearray(RECORD.size + DIGEST)
        if read_whole(self.files, self.descriptor, head, at) < len(head):
            return None
        magic, salt, number, end, pages, flags, former = RECORD.unpack_from(head)
        if magic != RECORD_MAGIC or salt != self.salt:
            return None
        if chained and (number != self.number or former != self.former):
            return None
        start = at + _padded(len(head) + pages * FRAME.itemsize)
        stop = start + pages * PAGE
        if stop > size:
            return None
        table = bytearray(pages * FRAME.itemsize)
        read_whole(self.files, self.descriptor, table, at + len(head))
        digest = bytes(head[RECORD.size :])
        content = (piece for _, piece in self._pieces(start, stop))
        if digest != _digest([memoryview(head)[: RECORD.size], table], content):
            return None
        return Record(number, end, flags, np.frombuffer(table, FRAME), start, stop, digest)

    def _pieces(self, start: int, stop: int) -> Iterator[tuple[int, bytearray]]:
        """What lies in a range of the log, and where; a piece at a time, as it may be much."""
        for at in range(start, stop, PIECE):
            piece = bytearray(min(PIECE, stop - at))
            read_whole(self.files, self.descriptor, piece, at)
            yield at, piece

    def _check_behind(self, size: int) -> None:
        for number, at in enumerate(self._beginnings(self.stop + SECTOR, size)):
            intact = self._record(at, size, chained=False) is not None
            if intact or number == MOST_BEGINNINGS:
                what = "a committed transaction behind it is intact"
                raise CorruptArchive(
                    f"the log is damaged at byte {self.stop}: "
                    f"{what if intact else 'and so is much of what lies behind it'}",
                    path=self.path,
                    hint="keep a copy of the archive and its log; 'neuroarchive recover' says "
                    "what can be had",
                )

    def _beginnings(self, start: int, stop: int) -> Iterator[int]:
        """Where in a range of the log records begin, be they valid or not."""
        mark = np.frombuffer(RECORD_MAGIC + self.salt, np.uint8)
        for at, piece in self._pieces(start, stop // SECTOR * SECTOR):
            sectors = np.frombuffer(piece, np.uint8).reshape(-1, SECTOR)
            begins = (sectors[:, : len(mark)] == mark).all(axis=1)
            yield from (at + number * SECTOR for number in np.flatnonzero(begins).tolist())
