"""Damaged copies of a file, each made from a number alone, so that any can be made again."""

from __future__ import annotations

import random
from collections.abc import Callable

NUMBERS = (0, 1, 2**7, 2**8 - 1, 2**15, 2**16, 2**31 - 1, 2**32, 2**40, 2**62, 2**63, 2**64 - 1)
WORDS = (
    b"-1", b"1e999", b"99999999999999999999", b"nan", b"null", b"\xff", b"\0", b'"', b"\\u0000",
    b"[[[[[[[[", b"{}", b"]", b"}", b",", b":", b"\n", b"\r", b"%", b"\x80\x04", b"../..",
)  # fmt: skip

Random = random.Random


def damaged(content: bytes, number: int) -> bytes:
    """A copy of the content with that number: cut short, or with bytes, numbers or words changed,
    moved, doubled or taken away."""
    chosen = Random(number)
    if chosen.random() < 0.15:
        return content[: chosen.randrange(len(content) + 1)]
    made = bytearray(content)
    for _ in range(chosen.choice((1, 1, 1, 2, 4, 8))):
        # what says how the rest is laid out lies mostly near the beginning or the end
        near = chosen.choice((len(made), len(made), 512, 64))
        at = chosen.randrange(min(len(made), near) or 1)
        if chosen.random() < 0.1:
            at = max(0, len(made) - at - 1)
        chosen.choice(_WAYS)(chosen, made, at)
    return bytes(made)


def _flip(chosen: Random, made: bytearray, at: int) -> None:
    if at < len(made):
        made[at] ^= 1 << chosen.randrange(8)


def _byte(chosen: Random, made: bytearray, at: int) -> None:
    made[at : at + 1] = bytes([chosen.choice((0, 1, 0x7F, 0x80, 0xFF, chosen.randrange(256)))])


def _number(chosen: Random, made: bytearray, at: int) -> None:
    size = chosen.choice((1, 2, 4, 8))
    number = chosen.choice((*NUMBERS, len(made), chosen.randrange(len(made) or 1)))
    order = chosen.choice(("little", "big"))
    made[at : at + size] = (number % 256**size).to_bytes(
        size, "big" if order == "big" else "little"
    )


def _digit(chosen: Random, made: bytearray, at: int) -> None:
    """The next digit, or any other character that a number may have."""
    for place in range(at, min(at + 200, len(made))):
        if 48 <= made[place] < 58:
            made[place : place + 1] = chosen.choice((b"9", b"0", b"-", b"e", b".", b"999999999"))
            return


def _word(chosen: Random, made: bytearray, at: int) -> None:
    word = chosen.choice(WORDS)
    made[at : at + chosen.choice((0, len(word)))] = word


def _run(chosen: Random, made: bytearray, at: int) -> None:
    length = chosen.choice((4, 16, 64, 512))
    fill = chosen.choice((bytes(length), b"\xff" * length, chosen.randbytes(length)))
    made[at : at + length] = fill[: len(made) - at]


def _remove(chosen: Random, made: bytearray, at: int) -> None:
    del made[at : at + chosen.choice((1, 2, 4, 8, 16, 64, 512))]


def _double(chosen: Random, made: bytearray, at: int) -> None:
    made[at:at] = made[at : at + chosen.choice((1, 4, 8, 16, 64, 512))]


def _swap(chosen: Random, made: bytearray, at: int) -> None:
    other, length = chosen.randrange(len(made) or 1), chosen.choice((1, 4, 16, 64))
    one, two = made[at : at + length], made[other : other + length]
    made[at : at + length] = two
    made[other : other + length] = one


_WAYS: tuple[Callable[[Random, bytearray, int], None], ...] = (
    _flip, _byte, _number, _number, _digit, _digit, _word, _word, _run, _remove, _double, _swap,
)  # fmt: skip
