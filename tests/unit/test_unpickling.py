"""Pickles: what is plain comes back as it was, and what is not is refused and not run."""

from __future__ import annotations

import collections
import contextlib
import datetime
import pickle
import struct
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from archive.adapters.pickle_machine import Limits
from archive.adapters.unpickling import StandIn, unpickled, unpickled_all
from archive.errors import FormatError

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

ARRAYS = [
    np.array(["a", "bc"]),
    np.array([b"x"]),
    np.zeros((0, 3)),
    np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    np.array(1.5),
    np.array(["2020-01-01"], "M8[D]"),
    np.array([3, 4], "m8[25s]"),
    np.zeros(2, [("a", "i4"), ("b", "f8")]),
    np.arange(4, dtype=">i2"),
    np.array([True]),
    np.zeros(3, "c8"),
    np.arange(12).reshape(3, 4)[::2, ::2],
    np.array([[1, 2], None, "a"], object),
    np.empty((2, 0), object),
    np.array([np.zeros(2), np.zeros(3)], object),
]

VALUES: list[Any] = [
    *(None, True, 1, 2**70, -5, 300, 70000, -(2**31), 1.5, float("inf"), 2 + 3j),
    *("é\x00\n'\\", "", "\ud800", b"a\xff", b"", bytearray(b"x"), {1, 2}, frozenset("ab")),
    *((1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), (), [], {}, {"a": {(1, "b"): 2}}),
    datetime.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=datetime.UTC),
    datetime.datetime(2020, 1, 2),
    datetime.date(2020, 1, 1),
    datetime.time(1, 2),
    datetime.timedelta(1, 2),
    *(np.float32(3), np.int64(4), np.bool_(True), np.str_("abc"), np.dtype(">f4")),
]


def equal(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        if one.dtype.hasobject:
            return all(map(equal, one.ravel(), other.ravel()))
        return bool(one.tobytes() == other.tobytes())
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other) or bool(one != one and other != other)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_plain_values_come_back(protocol: int) -> None:
    assert equal(unpickled(pickle.dumps(VALUES, protocol), "x"), VALUES)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_come_back_and_can_be_written_to(protocol: int) -> None:
    found = unpickled(pickle.dumps(ARRAYS, protocol), "x")
    assert equal(found, ARRAYS)
    assert all(array.flags.writeable for array in found)


def test_containers_with_a_behaviour_become_dicts() -> None:
    ordered = collections.OrderedDict(b=1, a=2)
    default = collections.defaultdict(list, a=[1])
    assert unpickled(pickle.dumps([ordered, default]), "x") == [{"b": 1, "a": 2}, {"a": [1]}]


def test_what_is_shared_stays_shared() -> None:
    one = np.zeros(3)
    found = unpickled(pickle.dumps([one, one, [1]]), "x")
    assert found[0] is found[1]


def test_numbers_in_long_runs() -> None:
    rows = [[0.5] * 3, list(range(1000)), [70000, 1, 300, 2.5, -1], [[7]], [ord("K"), ord("G")]]
    for protocol in PROTOCOLS:
        assert unpickled(pickle.dumps(rows, protocol), "x") == rows


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
KEYS = st.text() | st.integers(-(2**59), 2**59) | st.none() | st.binary()


@given(
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner),
        max_leaves=20,
    ),
    st.sampled_from(PROTOCOLS),
)
def test_any_value_comes_back(value: Any, protocol: int) -> None:
    assert equal(unpickled(pickle.dumps(value, protocol), "x"), value)


# What Python 2.7 writes, by protocol 0 and 2, for {'a': 'caf\xe9', 'n': 3L, 'u': u'caf\xe9'}.
PYTHON_2 = [
    b"(dp0\nS'a'\np1\nS'caf\\xe9'\np2\nsS'u'\np3\nVcaf\xe9\np4\nsS'n'\np5\nL3L\ns.",
    b"\x80\x02}q\x01(U\x01aU\x04caf\xe9q\x02U\x01uX\x05\x00\x00\x00caf\xc3\xa9q\x03U\x01nK\x03u.",
]


@pytest.mark.parametrize("data", PYTHON_2)
def test_texts_of_python_2(data: bytes) -> None:
    with pytest.raises(FormatError, match="latin1"):
        unpickled(data, "x")
    assert unpickled(data, "x", encoding="latin1") == {"a": "café", "u": "café", "n": 3}
    assert unpickled(data, "x", encoding="bytes")[b"a"] == b"caf\xe9"


def test_arrays_of_python_2() -> None:
    data = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b"
        b"\x87Rq\x03(K\x01K\x02\x85cnumpy\ndtype\nq\x04U\x02f4K\x00K\x01\x87Rq\x05(K\x03U\x01<NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\x80?\x00\x00\x00\xc0tb."
    )
    found = unpickled(data, "x", encoding="latin1")
    assert equal(found, np.array([1, -2], "f4"))


class Runs:
    def __init__(self, call: Any, *args: Any) -> None:
        self.made = (call, args)

    def __reduce__(self) -> Any:
        return self.made


def touching(mark: Path) -> list[bytes]:
    """Pickles that make a file, if anything in them is run."""
    import os
    import subprocess

    attacks = [
        Runs(os.system, f"touch {mark}"),
        Runs(eval, f"open({str(mark)!r}, 'w')"),
        Runs(exec, f"open({str(mark)!r}, 'w')"),
        Runs(subprocess.call, ["touch", str(mark)]),
        Runs(open, str(mark), "w"),
        Runs(getattr, os, "system"),
        Runs(__import__, "os"),
        Runs(np.save, str(mark), [1]),
        Runs(np.memmap, str(mark), "u1", "w+", 0, (9,)),
        Runs(Path.touch, mark),
    ]
    made = [
        pickle.dumps({"a": [attack]}, protocol)
        for attack in attacks[:5] + attacks[6:]
        for protocol in PROTOCOLS
    ]
    name = str(mark).encode()
    made += [
        b"(S'touch " + name + b"'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch " + name + b"'\no.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85\x81.",
        b"cbuiltins\ngetattr\n(cos\nsystem\nS'__call__'\ntR.",
        b"\x80\x04\x8c\x05numpy\x8c\x0edtype.__init__\x93.",
        b"\x80\x04\x8c\x05numpy\x8c\x05dtype\x93\x8c\x09__class__\x93.",
    ]
    return made


def test_nothing_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    attacks = touching(mark)
    assert len(attacks) > 50
    for data in attacks:
        with pytest.raises(FormatError) as caught:
            unpickled(data, "net.data")
        assert caught.value.path == "net.data"
    assert not mark.exists()


def test_the_error_names_what_was_asked_for() -> None:
    with pytest.raises(FormatError, match=r"posix\.system|nt\.system"):
        unpickled(pickle.dumps(Runs(__import__("os").system, "true")), "x")


FLAGS = b"(K\x03U\x01|NNNK\x08K\x08K?tb"  # a state of dtype that claims to hold objects
DTYPE = b"cnumpy\ndtype\n"
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
F8 = DTYPE + b"U\x02f8\x89\x88\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
REFUSED = {
    "extension 1": b"\x82\x01.",
    "extension 2": b"\x83\x01\x00.",
    "extension 4": b"\x84\x01\x00\x00\x00.",
    "persistent text": b"P1\n.",
    "persistent": b"K\x01Q.",
    "buffer outside": b"\x80\x05\x97.",
    "names that are no text": b"\x80\x04K\x01K\x02\x93.",
    "name of bytes": b"\x80\x04C\x05numpyC\x05dtype\x93.",
    "state of a class": DTYPE + b"}U\x08__call__K\x01sb.",
    "state of a list": b"]}U\x01aK\x01sb.",
    "state of a set": b"cbuiltins\nset\n)R}b.",
    "class as value": b"cnumpy\nndarray\n.",
    "class in a list": b"]cbuiltins\nset\na.",
    "subclass of array":
    b"cnumpy.core.multiarray\n_reconstruct\ncbuiltins\nset\nK\x00\x85U\x01b\x87R.",
    "array without state": ARRAY + b".",
    "array in itself": ARRAY + b"q\x00(K\x01K\x01\x85"
    + DTYPE + b"U\x02O8\x89\x88\x87R\x89]h\x00atb.",
    "list in itself": b"]q\x00h\x00a.",
    "pointers": ARRAY + b"(K\x01K\x01\x85" + DTYPE + b"U\x02O8\x89\x88\x87R\x89U\x08ABCDEFGHtb.",
    "dtype of pointers": ARRAY + b"(K\x01K\x01\x85" + DTYPE + b"U\x02V8\x89\x88\x87R(K\x03U\x01|N"
    b"U\x01a\x85}U\x01a"
    + DTYPE + b"U\x02O8\x89\x88\x87RK\x00\x86sK\x08K\x01K?tb\x89U\x08ABCDEFGHtb.",
    "dtype of text": DTYPE + b"U\x0df8,(99999)f8,\x89\x88\x87R.",
    "more than given": ARRAY + b"(K\x01J\xff\xff\xff\x7f\x85" + F8 + b"\x89U\x08ABCDEFGHtb.",
    "less than given": ARRAY + b"(K\x01K\x00\x85" + F8 + b"\x89U\x08ABCDEFGHtb.",
    "negative shape": ARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + F8 + b"\x89U\x08ABCDEFGHtb.",
    "no bytes, many":
    ARRAY + b"(K\x01J\xff\xff\xff\x7f\x85" + DTYPE + b"U\x02S0\x89\x88\x87R\x89U\x00tb.",
    "buffer of a number":
    b"cnumpy.core.numeric\n_frombuffer\n(J\xff\xff\xff\x7f" 
    + F8 + b"K\x01\x85U\x01CtR.",
    "bytearray of a number": b"cbuiltins\nbytearray\nJ\xff\xff\xff\x7f\x85R.",
    "bytes of a number": b"cbuiltins\nbytes\nJ\xff\xff\xff\x7f\x85R.",
    "other encoding": b"c_codecs\nencode\nU\x01aU\x03zip\x86R.",
    "object of no class": b"ccopy_reg\n_reconstructor\n(cbuiltins\nobject\ncbuiltins\nobject\nNtR.",
    "call of a number": b"K\x01K\x02\x85R.",
    "call of an array": F8 + b")R.",
    "long number": b"I" + b"9" * 100_000 + b"\n.",
    "memo index": b"Nr\xff\xff\xff\x7f.",
    "memo of nothing": b"h\x07.",
    "nothing": b"",
    "no stop": b"N",
    "empty stack": b".",
    "no mark": b"e.",
    "unknown": b"\xff.",
    "key without value": b"(K\x01d.",
    "unhashable key": b"(]Nd.",
    "nested key": b"()\x85\x85Nd.",
    "bytes that are not there": b"\x8e" + struct.pack("<Q", 2**60) + b"x.",
    "bytearray not there": b"\x96" + struct.pack("<Q", 2**40) + b"x.",
    "deep": b"]" * 500 + b"a" * 499 + b".",
    "deep tuples": b")" + b"\x85" * 100_000 + b".",
    "marks": b"(" * 100_000 + b".",
    "tree of 2**60": b")" + b"2\x86" * 60 + b".",
    "lists of 2**60":
    b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (i, i, i + 1) for i in range(60)) + b".",
    "one array, many times":
    ARRAY + b"(K\x01M\x10'\x85" + F8 + b"\x89B\x80\x38\x01\x00" + bytes(80000)
    + b"tbq\x00](" + b"h\x00" * 200_000 + b"e.",
    "one set, many times": b"](" + b"K\x01" * 50_000
    + b"eq\x000" + b"cbuiltins\nset\nh\x00\x85R0" * 9999 + b"N.",
}  # fmt: skip
MERELY_DAMAGED = {"long number", "memo of nothing", "nothing", "no stop", "empty stack", "no mark"}


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_instructions_are_refused_at_once(name: str) -> None:
    start = time.process_time()
    with pytest.raises(FormatError) as caught:
        unpickled(REFUSED[name], "x", encoding="latin1")
    assert time.process_time() - start < 5
    # a rule of ours refuses it, not an accident on the way
    assert ("damaged" in str(caught.value)) == (name in MERELY_DAMAGED)


def test_limits() -> None:
    many = pickle.dumps([[] for _ in range(1000)])
    assert len(unpickled(many, "x")) == 1000
    with pytest.raises(FormatError, match="objects"):
        unpickled(pickle.dumps([[] for _ in range(20_000)]), "x", limits=Limits(objects=15_000))
    with pytest.raises(FormatError, match="objects"):
        unpickled(pickle.dumps([0.5] * 20_000), "x", limits=Limits(objects=15_000))
    with pytest.raises(FormatError, match="bytes"):
        unpickled(many, "x", limits=Limits(size=10))
    with pytest.raises(FormatError, match="more than 0 s"):
        unpickled(pickle.dumps([[] for _ in range(20_000)]), "x", limits=Limits(seconds=0))


class Quantity(StandIn):
    def build(self, state: Any) -> object:
        return (self.args[0], state)


class Thing:
    def __init__(self) -> None:
        self.a = 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_others_add_constructors(protocol: int) -> None:
    data = pickle.dumps([Thing()], protocol)
    with pytest.raises(FormatError, match="Thing"):
        unpickled(data, "x")
    found = unpickled(data, "x", allowed={(Thing.__module__, "Thing"): StandIn})
    assert found[0].state == {"a": 1}
    data = b"ca.b\nQ\nK\x01\x85Rq\x00K\x02b0h\x00."
    assert unpickled(data, "x", allowed={("a.b", "Q"): Quantity}) == (1, 2)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.data"
    path.write_bytes(pickle.dumps([1]))
    assert unpickled(path, path) == [1]
    with pytest.raises(FormatError, match="cannot be read"):
        unpickled(tmp_path / "none", "none")


@settings(max_examples=200)
@given(st.data())
def test_damage_is_said(data: st.DataObject) -> None:
    whole = bytearray(pickle.dumps([VALUES[:30], ARRAYS], data.draw(st.sampled_from(PROTOCOLS))))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        unpickled(bytes(whole), "x", encoding="latin1")


def shared(depth: int) -> bytes:
    """A pickle of lists that hold the next one twice."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value, value]
    return pickle.dumps(value)


def test_pickles_in_one_file_share_the_limits() -> None:
    data = b"N." * 20_000
    assert unpickled_all(data, "x") == [None] * 20_000
    with pytest.raises(FormatError, match="objects"):
        unpickled_all(data, "x", limits=Limits(objects=15_000))
    assert len(unpickled_all(shared(15), "x")) == 1
    with pytest.raises(FormatError, match="far larger unfolded"):
        unpickled_all(shared(15) * 8, "x")
    assert unpickled(shared(3) * 2, "x") == unpickled(shared(3), "x")


def test_small_pickles_before_a_large_one_take_no_time() -> None:
    data = b"N." * 3000 + pickle.dumps(bytes(1 << 25))
    start = time.process_time()
    assert len(unpickled_all(data, "x")) == 3001
    assert time.process_time() - start < 2


def test_pickles_do_not_know_what_those_before_remembered() -> None:
    with pytest.raises(FormatError, match="damaged"):
        unpickled_all(b"]q\x00.h\x00.", "x")
