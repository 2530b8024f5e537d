"""Damaged copies of archives, each made from a number alone, so that any can be made again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py

from tests.unit import rich_archive

# What HDF5 writes before its own structures; behind them lie sizes, addresses and counts.
SIGNATURES = (
    b"\x89HDF", b"TREE", b"SNOD", b"HEAP", b"GCOL", b"OHDR", b"OCHK", b"FRHP", b"FHDB", b"FHIB",
    b"BTHD", b"BTLF", b"BTIN", b"FADB", b"EAHD", b"EADB", b"FAHD",
)  # fmt: skip
NEAR = 512  # so many bytes behind a signature are its structure, more or less
NUMBERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16, 2**31 - 1, 2**32, 2**40, 2**62, 2**63, 2**64 - 1)
BLOCK = 512

Random = random.Random


def originals(folder: Path) -> list[Path]:
    """Sound archives: as this library writes them, and repacked with all that HDF5 has since."""
    folder.mkdir(parents=True, exist_ok=True)
    plain, newest = folder / "plain.nix", folder / "newest.nix"
    if not plain.exists():
        rich_archive.write(plain, segments=2)
    if not newest.exists():
        _repacked(plain, newest)
    return [plain, newest]


def _repacked(source: Path, target: Path) -> None:
    """The same content with the newest structures of HDF5, gzip and checksums of chunks."""
    with h5py.File(source) as old, h5py.File(target, "w", libver="latest", track_order=True) as new:
        copies: dict[int, h5py.Group] = {}

        def copy(one: h5py.Group, other: h5py.Group) -> None:
            other.attrs.update(one.attrs)
            for name, item in one.items():
                address = h5py.h5o.get_info(item.id).addr
                if address in copies:
                    other[name] = copies[address]
                elif isinstance(item, h5py.Group):
                    made = copies[address] = other.create_group(name, track_order=True)
                    copy(item, made)
                else:
                    packed = {"compression": "gzip", "fletcher32": True} if item.chunks else {}
                    made = copies[address] = other.create_dataset(
                        name, data=item[()], dtype=item.dtype, maxshape=item.maxshape,
                        chunks=item.chunks, **packed,
                    )  # fmt: skip
                    made.attrs.update(item.attrs)

        copy(old, new)


class Mutations:
    """Damaged copies of some files."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._contents = [path.read_bytes() for path in paths]
        self._used = [[at for at, byte in enumerate(c) if byte] for c in self._contents]
        self._structures = [_structures(content) for content in self._contents]

    def make(self, number: int) -> bytes:
        """The damaged copy of that number."""
        random = Random(number)
        which = random.randrange(len(self._contents))
        content = bytearray(self._contents[which])
        for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
            place = random.choice((self._used[which], self._structures[which]))
            random.choice(_WAYS)(random, content, random.choice(place))
        return bytes(content)


def _structures(content: bytes) -> list[int]:
    found: list[int] = []
    for signature in SIGNATURES:
        at = content.find(signature)
        while at >= 0:
            found += range(at, min(at + NEAR, len(content)))
            at = content.find(signature, at + 1)
    return found


def _flip(random: Random, content: bytearray, at: int) -> None:
    if at < len(content):
        content[at] ^= 1 << random.randrange(8)


def _byte(random: Random, content: bytearray, at: int) -> None:
    if at < len(content):
        content[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))


def _number(random: Random, content: bytearray, at: int) -> None:
    size = random.choice((2, 4, 8))
    number = random.choice((*NUMBERS, len(content), random.randrange(len(content))))
    _put(content, at, (number % 256**size).to_bytes(size, "little"))


def _run(random: Random, content: bytearray, at: int) -> None:
    length = random.choice((4, 16, 64, 512, 4096))
    _put(content, at, random.choice((bytes(length), b"\xff" * length, random.randbytes(length))))


def _swap(random: Random, content: bytearray, at: int) -> None:
    one, other = at // BLOCK * BLOCK, random.randrange(len(content)) // BLOCK * BLOCK
    first, second = content[one : one + BLOCK], content[other : other + BLOCK]
    _put(content, one, second)
    _put(content, other, first)


def _splice(random: Random, content: bytearray, at: int) -> None:
    """One structure over another."""
    places = [place for place in (content.find(s) for s in SIGNATURES) if place >= 0]
    source = random.choice((random.randrange(len(content)), random.choice(places or [0])))
    _put(content, at, content[source : source + random.choice((8, 24, 64, 256))])


def _cut(random: Random, content: bytearray, at: int) -> None:
    if random.random() < 0.2:  # a truncated file is refused at once: the others tell more
        del content[at:]
    else:
        _flip(random, content, at)


def _put(content: bytearray, at: int, what: bytes | bytearray) -> None:
    what = what[: max(0, len(content) - at)]
    content[at : at + len(what)] = what


_WAYS: tuple[Callable[[Random, bytearray, int], None], ...] = (
    _flip, _byte, _number, _number, _run, _swap, _splice, _cut,
)  # fmt: skip
