"""Reads the instructions of a pickle, protocols 0 to 5, and makes nothing but what a table allows.

The instructions are those that ``pickletools`` of the standard library describes. The unpickler
of the standard library is not used: a memo index in the file makes it reserve gigabytes, names in
the registry of extensions pass by ``find_class``, and states go to whatever object takes them.
"""

from __future__ import annotations

import codecs
import re
import struct
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from archive.adapters.pickle_values import Constructor, Global, StandIn, checked_key
from archive.errors import FormatError

_MARKS = 2000  # containers that may be open at one time
_CHECKED = 1 << 14  # instructions between two looks at the clock
_FLOATS = re.compile(rb"(?:G.{8})++", re.DOTALL)
_BYTE_INTS = re.compile(rb"(?:K.)++", re.DOTALL)
_SHORT_INTS = re.compile(rb"(?:M..)++", re.DOTALL)
_INTS = re.compile(rb"(?:J.{4})++", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a pickle may ask for: bytes after decompression, objects, containers within
    containers, and seconds."""

    size: int = 1 << 32
    objects: int = 50_000_000
    depth: int = 100
    seconds: float = 600.0


class Machine:
    """One reading of pickles that follow one another; each `run` gives the object of the next.
    The limits are those of all together. FormatErrors are without a path."""

    def __init__(
        self,
        data: bytes,
        constructors: Mapping[tuple[str, str], Constructor],
        limits: Limits,
        encoding: str,
    ) -> None:
        self.objects = 0
        self.position = 0
        self._data = data
        self._constructors = constructors
        self._limits = limits
        self._encoding = encoding
        self._stack: list[Any] = []
        self._under: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._places: dict[int, list[int]] = {}  # of stand-ins that may yet become something else
        self._made = 0
        # Bytes that constructors may make anew; a file can name the same bytes a million times.
        self._spare = 2 * len(data) + (4 << 20)
        self._until = time.monotonic() + limits.seconds

    def run(self) -> Any:
        """Follow the instructions up to STOP. Raises FormatError, or what damage leads to."""
        self._stack, self._under, self._memo, self._places = [], [], {}, {}
        self.check()
        handlers = _HANDLERS
        data, steps = self._data, 0
        while True:
            code = data[self.position]
            self.position += 1
            if code == 0x2E:  # STOP
                return self._stack.pop()
            handler = handlers[code]
            if handler is None:
                raise FormatError(f"the instruction {code:#04x} of a pickle is not followed")
            handler(self)
            self.objects += 1
            steps += 1
            if steps % _CHECKED == 0:
                self.check()

    def check(self) -> None:
        """Raise FormatError if the limits are passed."""
        if self.objects > self._limits.objects:
            raise FormatError(
                f"a pickle of more than {self._limits.objects} objects",
                hint="give higher limits if you trust it",
            )
        if time.monotonic() > self._until:
            raise FormatError(
                f"to read the pickle takes more than {self._limits.seconds} s",
                hint="give higher limits if you trust it",
            )

    # reading

    def _take(self, count: int) -> bytes:
        start = self.position
        if count < 0 or start + count > len(self._data):
            raise FormatError("the pickle ends too early")
        self.position = start + count
        return self._data[start : start + count]

    def _number(self, form: str) -> int:
        number: int = struct.unpack(form, self._take(struct.calcsize(form)))[0]
        return number

    def _line(self) -> bytes:
        end = self._data.find(b"\n", self.position)
        if end < 0:
            raise FormatError("the pickle ends too early")
        line = self._data[self.position : end]
        self.position = end + 1
        return line

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _marked(self) -> list[Any]:
        items = self._stack
        self._stack = self._under.pop()
        return items

    # plain values

    def _mark(self) -> None:
        if len(self._under) > _MARKS:
            raise FormatError("the containers of a pickle are nested too deep")
        self._under.append(self._stack)
        self._stack = []

    def _floats(self) -> None:
        self._numbers(_FLOATS, ">f8")

    def _byte_ints(self) -> None:
        self._numbers(_BYTE_INTS, "u1")

    def _short_ints(self) -> None:
        self._numbers(_SHORT_INTS, "<u2")

    def _ints(self) -> None:
        self._numbers(_INTS, "<i4")

    def _numbers(self, pattern: re.Pattern[bytes], dtype: str) -> None:
        """All numbers that follow one another, of which lists have millions."""
        run = pattern.match(self._data, self.position - 1)
        if run is None:
            raise FormatError("the pickle ends too early")
        self.position = run.end()
        items = np.frombuffer(run[0], np.dtype([("code", "u1"), ("value", dtype)]))
        self._extend(items["value"].tolist())

    def _extend(self, values: list[Any]) -> None:
        self._stack.extend(values)
        self.objects += len(values) - 1
        self.check()

    def _text_int(self) -> None:
        text = self._line()
        if text in (b"00", b"01"):
            self._push(text == b"01")
        else:
            self._push(int(text.rstrip(b"L")))

    def _text_float(self) -> None:
        self._push(float(self._line()))

    def _long(self, form: str) -> None:
        self._push(int.from_bytes(self._take(self._number(form)), "little", signed=True))

    def _text_string(self) -> None:
        text = self._line().strip()
        if len(text) < 2 or text[0] != text[-1] or text[0] not in b"'\"":
            raise FormatError("a text in the pickle has no quotes")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an unknown escape stays as it stands
            decoded = codecs.escape_decode(text[1:-1])[0]
        self._push_string(decoded)

    def _push_string(self, data: bytes) -> None:
        """What Python 2 called a string."""
        if self._encoding == "bytes":
            self._push(data)
            return
        try:
            self._push(data.decode(self._encoding))
        except UnicodeDecodeError:
            raise FormatError(
                f"a text of Python 2 is not {self._encoding}", hint='give encoding="latin1"'
            ) from None

    def _string(self, form: str) -> None:
        self._push_string(self._take(self._number(form)))

    def _text_unicode(self) -> None:
        self._push(self._line().decode("raw-unicode-escape"))

    def _unicode(self, form: str) -> None:
        self._push(self._take(self._number(form)).decode("utf-8", "surrogatepass"))

    def _bytes(self, form: str) -> None:
        self._push(self._take(self._number(form)))

    def _bytearray(self) -> None:
        self._push(bytearray(self._take(self._number("<Q"))))

    # containers

    def _tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise FormatError("the pickle takes what is not there")
        self._stack[-count:] = [tuple(self._stack[-count:])]

    def _append(self) -> None:
        item = self._stack.pop()
        self._add_items([item])

    def _add_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is list:
            target.extend(items)
        elif isinstance(target, StandIn):
            target.items.extend(items)
        else:
            raise FormatError(f"a pickle appends to a {type(target).__name__}")

    def _add_members(self) -> None:
        items = self._marked()
        target = self._stack[-1]
        if type(target) is not set:
            raise FormatError(f"a pickle adds members to a {type(target).__name__}")
        target.update(map(checked_key, items))

    def _set_pairs(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if len(items) % 2:
            raise FormatError("a dict in the pickle has a key without a value")
        pairs = zip(items[::2], items[1::2], strict=True)
        if type(target) is dict:
            target.update((checked_key(key), value) for key, value in pairs)
        elif isinstance(target, StandIn):
            target.pairs.extend(pairs)
        else:
            raise FormatError(f"a pickle sets items of a {type(target).__name__}")

    def _set_pair(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set_pairs([key, value])

    def _dict(self) -> None:
        items = self._marked()
        self._push({})
        self._set_pairs(items)

    # the memo

    def _put(self, index: int) -> None:
        # Whoever writes pickles counts; a dict takes any index, this only finds damage early.
        if not 0 <= index <= len(self._data):
            raise FormatError(f"a pickle remembers something as number {index}")
        top = self._memo[index] = self._stack[-1]
        if isinstance(top, StandIn):
            self._places.setdefault(id(top), []).append(index)

    def _get(self, index: int) -> None:
        self._push(self._memo[index])

    # objects

    def _global(self, module: Any, name: Any) -> Global:
        if type(module) is not str or type(name) is not str:
            raise FormatError("a name in the pickle is no text")
        constructor = self._constructors.get((module, name))
        if constructor is None:
            raise FormatError(
                f"the pickle asks for {f'{module}.{name}':.120}, which is not among what is made"
                " of files",
                hint="nothing of the file was run; export the data from the program that wrote it",
            )
        return Global(module, name, constructor)

    def _text_global(self) -> None:
        module, name = self._line().decode("utf-8"), self._line().decode("utf-8")
        self._push(self._global(module, name))

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._push(self._global(module, name))

    def _make(self, what: Any, args: Any, kwargs: Any = None) -> None:
        if not isinstance(what, Global):
            raise FormatError(f"the pickle calls a {type(what).__name__}")
        if type(args) is not tuple or type(kwargs or {}) is not dict:
            raise FormatError("the pickle calls something without arguments")
        for given in (*args, *(kwargs or {}).values()):
            if isinstance(given, (str, bytes, bytearray)):
                self._spend(len(given))
            elif isinstance(given, (list, tuple, set, frozenset, dict)):
                self._spend(8 * len(given))
        self._push(what.constructor(*args, **(kwargs or {})))
        # a stand-in is known by its id, which must not be given to a second one
        if isinstance(self._stack[-1], StandIn):
            self._places[id(self._stack[-1])] = []

    def _spend(self, count: int) -> None:
        self._spare -= count
        if self._spare < 0:
            raise FormatError("a pickle makes far more bytes than it has")

    def _reduce(self) -> None:
        args, what = self._stack.pop(), self._stack.pop()
        self._make(what, args)

    def _new_with_names(self) -> None:
        kwargs, args, what = self._stack.pop(), self._stack.pop(), self._stack.pop()
        self._make(what, args, kwargs)

    def _inst(self) -> None:
        module, name = self._line().decode("ascii"), self._line().decode("ascii")
        args = tuple(self._marked())
        self._make(self._global(module, name), args)

    def _obj(self) -> None:
        what, *args = self._marked()
        self._make(what, tuple(args))

    def _build(self) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if not isinstance(target, StandIn):
            raise FormatError(f"a pickle gives a state to a {type(target).__name__}")
        if isinstance(state, tuple):
            # the data of an array stand last, those of a quantity before its unit
            for data in state[-3:]:
                if isinstance(data, (str, bytes, bytearray, list)):
                    self._spend(len(data))
        built = target.build(state)
        if built is not target:
            self._stack[-1] = built
            for index in self._places.pop(id(target), ()):
                if self._memo.get(index) is target:
                    self._memo[index] = built

    def _refused(self) -> None:
        raise FormatError(
            "the pickle refers to objects outside itself, which are not looked up",
            hint="nothing of the file was run",
        )


def _handlers() -> list[Callable[[Machine], object] | None]:
    m = Machine
    table: dict[bytes, Callable[[Machine], object]] = {
        b"(": m._mark,
        b"0": lambda s: s._stack.pop() if s._stack else s._marked(),
        b"1": m._marked,
        b"2": lambda s: s._push(s._stack[-1]),
        b"N": lambda s: s._push(None),
        b"\x88": lambda s: s._push(True),
        b"\x89": lambda s: s._push(False),
        b"F": m._text_float, b"I": m._text_int, b"L": m._text_int, b"G": m._floats,
        b"J": m._ints, b"K": m._byte_ints, b"M": m._short_ints,
        b"\x8a": lambda s: s._long("<B"), b"\x8b": lambda s: s._long("<i"),
        b"S": m._text_string, b"T": lambda s: s._string("<i"), b"U": lambda s: s._string("<B"),
        b"V": m._text_unicode, b"X": lambda s: s._unicode("<I"),
        b"\x8c": lambda s: s._unicode("<B"), b"\x8d": lambda s: s._unicode("<Q"),
        b"B": lambda s: s._bytes("<I"), b"C": lambda s: s._bytes("<B"),
        b"\x8e": lambda s: s._bytes("<Q"), b"\x96": m._bytearray,
        b"]": lambda s: s._push([]), b"}": lambda s: s._push({}), b")": lambda s: s._push(()),
        b"\x8f": lambda s: s._push(set()),
        b"l": lambda s: s._push(s._marked()), b"t": lambda s: s._push(tuple(s._marked())),
        b"\x91": lambda s: s._push(frozenset(map(checked_key, s._marked()))),
        b"\x85": lambda s: s._tuple_of(1), b"\x86": lambda s: s._tuple_of(2),
        b"\x87": lambda s: s._tuple_of(3),
        b"a": m._append, b"e": lambda s: s._add_items(s._marked()),
        b"d": m._dict, b"s": m._set_pair, b"u": lambda s: s._set_pairs(s._marked()),
        b"\x90": m._add_members,
        b"p": lambda s: s._put(int(s._line())), b"q": lambda s: s._put(s._number("<B")),
        b"r": lambda s: s._put(s._number("<I")), b"\x94": lambda s: s._put(len(s._memo)),
        b"g": lambda s: s._get(int(s._line())), b"h": lambda s: s._get(s._number("<B")),
        b"j": lambda s: s._get(s._number("<I")),
        b"c": m._text_global, b"\x93": m._stack_global,
        b"R": m._reduce, b"\x81": m._reduce, b"\x92": m._new_with_names,
        b"i": m._inst, b"o": m._obj, b"b": m._build,
        b"\x80": lambda s: s._number("<B"), b"\x95": lambda s: s._number("<Q"),
        b"P": m._refused, b"Q": m._refused,
        b"\x82": m._refused, b"\x83": m._refused, b"\x84": m._refused,
        b"\x97": m._refused, b"\x98": m._refused,
    }  # fmt: skip
    return [table.get(bytes([code])) for code in range(256)]


_HANDLERS = _handlers()
