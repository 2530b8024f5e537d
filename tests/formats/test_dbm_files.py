"""The database files below shelves, in layouts that no sample has."""

from __future__ import annotations

import sqlite3
import struct
import time
from contextlib import closing
from pathlib import Path

import pytest

from archive.adapters import dbm_gnu, dbm_sqlite
from archive.errors import FormatError

DATA = Path(__file__).parent.parent / "data" / "shelves"


@pytest.mark.parametrize("page", [512, 4096])
def test_values_of_any_size_come_out_of_sqlite(tmp_path: Path, page: int) -> None:
    given = {b"%d" % size: bytes([size % 251]) * size for size in range(0, 3 * page, page // 60)}
    with closing(sqlite3.connect(tmp_path / "x")) as database:
        database.execute(f"PRAGMA page_size = {page}")
        database.execute("CREATE TABLE Dict (key BLOB UNIQUE NOT NULL, value BLOB NOT NULL)")
        database.executemany("INSERT INTO Dict VALUES (?, ?)", given.items())
        database.commit()
    assert dict(dbm_sqlite.pairs((tmp_path / "x").read_bytes())) == given


def narrowed(data: bytes, order: str, magic: int) -> bytes:
    """A file of GNU dbm with offsets of 32 bits and in a byte order, of one with 64, little."""
    block, directory, size, bits, bucket, slots = struct.unpack_from("<iqiiii", data, 4)
    places = struct.unpack_from(f"<{size // 8}q", data, directory)
    made = bytearray(data)  # keys and values stay where they are
    head = (block, directory, size // 2, bits, bucket, slots)
    struct.pack_into(f"{order}I6i", made, 0, magic, *head)
    struct.pack_into(f"{order}{len(places)}i", made, directory, *places)
    for place in set(places):
        (count,) = struct.unpack_from("<i", data, place + 108)
        struct.pack_into(f"{order}i", made, place + 56, count)
        for slot in range(slots):
            hashed, start, at, key, value = struct.unpack_from(
                "<i4sqii", data, place + 112 + 24 * slot
            )
            struct.pack_into(
                f"{order}i4siii", made, place + 60 + 20 * slot, hashed, start, at, key, value
            )
        # of a narrower slot more fit into a bucket; the rest are empty
        for slot in range(slots, (bucket - 60) // 20):
            struct.pack_into(f"{order}i", made, place + 60 + 20 * slot, -1)
    struct.pack_into(f"{order}i", made, 24, (bucket - 60) // 20)
    return bytes(made)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("magic", [0x13579ACE, 0x13579ACD])
def test_gnu_dbm_of_32_bits_is_read(order: str, magic: int) -> None:
    data = (DATA / "gdbm123").read_bytes()
    assert dict(dbm_gnu.pairs(narrowed(data, order, magic))) == dict(dbm_gnu.pairs(data))


def test_buckets_of_gnu_dbm_that_lie_in_one_another_take_no_time() -> None:
    count = 4000
    first = -(-(64 + 8 * count) // 24) * 24
    head = struct.pack("<Iiqiiii", 0x13579ACF, 512, 64, 8 * count, 3, 112 + count * 24, count)
    places = struct.pack(f"<{count}q", *(first + 24 * number for number in range(count)))
    empty = bytes(16) + b"\xff" * 4 + bytes(4)  # a slot, and the count of one, 112 bytes on
    data = head.ljust(64, b"\0") + places
    start = time.process_time()
    with pytest.raises(FormatError, match="again and again"):
        list(dbm_gnu.pairs(data.ljust(first, b"\0") + empty * (2 * count + 10)))
    assert time.process_time() - start < 2
