"""Growing heaps of bytes: JSON documents, blobs, and the dictionary of texts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from archive.container import digests, layout
from archive.container.tables import of_type
from archive.errors import ContractError, CorruptArchive
from archive.storage import Growing, Session, Transaction

BYTE = np.dtype(np.uint8)
# The longest document, in bytes: read as JSON, the shortest lists take 25 times their text.
DOCUMENT_LIMIT = 1 << 24
# Blobs that were written lately, to store equal ones once.
_REMEMBERED = 4096
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def places(table: npt.NDArray[np.void]) -> list[tuple[int, int]]:
    """Where the documents of a table's rows lie in the records."""
    return list(zip(table["record"].tolist(), table["length"].tolist(), strict=True))


def _bytes(heap: Growing, start: int, length: int) -> bytes:
    return heap.read(start, start + length).tobytes()


class Records:
    """One JSON document per line, with a digest that also depends on the line before. A document
    is known by its first byte and its length."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # how long the heap was after the last line of this session, and the digest of that line
        self._last = (0, digests.BEGINNING)

    @property
    def _heap(self) -> Growing:
        return of_type(self._session.dataset("data_arrays", layout.RECORDS), BYTE)

    def append(
        self, transaction: Transaction, document: Mapping[str, Any], rows: bytes = b""
    ) -> tuple[int, int]:
        """Add a document; the digest of its line also covers `rows`, which come with it."""
        return self.append_many(transaction, [to_json(document)], [rows])[0]

    def _digest(self) -> bytes:
        """The digest of the last line: from the file, unless this session wrote it."""
        length = len(self._heap)
        if length != self._last[0]:
            last = max(0, length - digests.TRAILER + 1)
            self._last = (length, _bytes(self._heap, last, length - 1 - last))
        return self._last[1]

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._heap)

    def content(self) -> bytes:
        """The whole heap."""
        return _bytes(self._heap, 0, len(self._heap))

    def read(self, start: int, length: int) -> dict[str, Any]:
        """The document there. CorruptArchive if there is none."""
        try:
            return self._parse(_bytes(self._heap, start, self._checked(length)))
        except (ValueError, RecursionError) as error:
            raise self._damaged(start, error) from error

    def append_many(
        self, transaction: Transaction, documents: Sequence[bytes], rows: Sequence[bytes]
    ) -> list[tuple[int, int]]:
        """Many documents that are JSON already, each with the rows that come with it; returns
        their places."""
        places, lines = [], []
        start, before = len(self._heap), self._digest()
        for document, own in zip(documents, rows, strict=True):
            if len(document) > DOCUMENT_LIMIT:
                raise ContractError(
                    f"a document of {len(document)} bytes is too long, {DOCUMENT_LIMIT} are the "
                    "most",
                    path=self._session.path,
                    hint="give long lists as arrays, which are kept outside of documents",
                )
            line = digests.line(before, document, own)
            places.append((start, len(document)))
            lines.append(line)
            start, before = start + len(line), line[-digests.TRAILER + 1 : -1]
        transaction.append(self._heap, np.frombuffer(b"".join(lines), np.uint8))
        self._last = (start, before)
        return places

    def read_many(self, places: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        """Many documents; those that lie near one another are read together."""
        lines = self.lines(places)
        found = []
        for place, line in zip(places, lines, strict=True):
            try:
                found.append(self._parse(line))
            except (ValueError, RecursionError) as error:
                raise self._damaged(place[0], error) from error
        return found

    def lines(self, places: Sequence[tuple[int, int]]) -> list[bytes]:
        """The JSON of many documents. CorruptArchive if they are longer than all there are."""
        total = sum(self._checked(length) for _, length in places)
        if total > len(self._heap):
            raise CorruptArchive(
                f"{len(places)} documents of {total} bytes share the {len(self._heap)} there are",
                path=self._session.path,
                entry=layout.RECORDS,
                hint="'neuroarchive check' lists what is damaged",
            )
        found = [b""] * len(places)
        order = sorted(range(len(places)), key=lambda at: places[at][0])
        at = 0
        while at < len(order):
            first = at
            start = places[order[at]][0]
            stop = start
            while at < len(order) and places[order[at]][0] < stop + (1 << 16):
                stop = max(stop, sum(places[order[at]]))
                at += 1
            slab = _bytes(self._heap, start, stop - start)
            for place in order[first:at]:
                offset, length = places[place]
                found[place] = slab[offset - start : offset - start + length]
        return found

    def _checked(self, length: int) -> int:
        if not 0 <= length <= DOCUMENT_LIMIT:
            raise CorruptArchive(
                f"a document cannot have {length} bytes",
                path=self._session.path,
                entry=layout.RECORDS,
                hint="'neuroarchive check' lists what is damaged",
            )
        return length

    def _parse(self, line: bytes) -> dict[str, Any]:
        document = json.loads(line)
        if not isinstance(document, dict):
            raise ValueError("not a document")
        return document

    def _damaged(self, start: int, error: Exception) -> CorruptArchive:
        return CorruptArchive(
            f"the document at byte {start} of the records cannot be read ({error})",
            path=self._session.path,
            hint="'neuroarchive check' lists what is damaged",
        )


class Blobs:
    """Bytes that are too long for a document, each stored once per session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, tuple[int, int]] = {}

    @property
    def _heap(self) -> Growing:
        return of_type(self._session.dataset("data_arrays", layout.BLOBS), BYTE)

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._heap)

    def append(self, transaction: Transaction, content: bytes) -> Any:
        digest = hashlib.sha256(content).hexdigest()
        known = self._known.get(digest)
        if known is None:
            start = transaction.append(self._heap, np.frombuffer(content, np.uint8))
            known = (start, len(content))
            self._remember(digest, known)
        return [*known, digest]

    def remember(self, reference: Any) -> None:
        """Let a blob of an earlier session stand for equal ones to come."""
        start, length, _ = reference
        self._remember(hashlib.sha256(self.read(reference)).hexdigest(), (start, length))

    def _remember(self, digest: str, place: tuple[int, int]) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.pop(next(iter(self._known)))
        self._known[digest] = place

    def read(self, reference: Any) -> bytes:
        """The bytes of a reference. Raises ValueError for what is none."""
        start, length, _ = reference
        if type(start) is not int or type(length) is not int:
            raise ValueError(f"{reference!r:.60} is no place among the blobs")
        return _bytes(self._heap, start, length)

    def is_sound(self, reference: Any) -> bool:
        """Whether a blob is what the digest in its reference says."""
        return bool(hashlib.sha256(self.read(reference)).hexdigest() == reference[2])


class TextHeap:
    """Texts by code: the offset at which they start. Serves queries as `query.column.Texts`."""

    def __init__(self, session: Session, heap: str) -> None:
        self._session = session
        self._array = heap
        self._codes: dict[bytes, int] | None = None
        self._content: bytes | None = None

    @property
    def _heap(self) -> Growing:
        return of_type(self._session.dataset("data_arrays", self._array), BYTE)

    def append(self, transaction: Transaction, texts: Sequence[str]) -> list[int]:
        """The codes of these texts, after adding those that are new."""
        if self._codes is None:
            self._codes = self._all()
        new: list[bytes] = []
        end = len(self._heap)
        codes = []
        for text in texts:
            line = digests.packed([text])
            code = self._codes.get(line)
            if code is None:
                code = self._codes[line] = end
                new.append(line)
                end += len(line)
            codes.append(code)
        if new:
            transaction.append(self._heap, np.frombuffer(b"".join(new), np.uint8))
        return codes

    def code(self, text: str) -> int | None:
        """The code of exactly this text; None if nothing has it."""
        line = digests.packed([text])
        if self._codes is not None:
            return self._codes.get(line)
        content = self._read()
        if content.startswith(line):
            return 0
        at = content.find(b"\0" + line)
        return None if at < 0 else at + 1

    def decode(self, codes: npt.NDArray[np.int64]) -> list[str]:
        """The texts of some codes. CorruptArchive for what is none."""
        if len(codes) == 1:
            return [self._one(int(codes[0]))]
        content = self._read()
        # each text once: a million rows may well have the same long one
        known = {at: self._text(content, at) for at in set(codes.tolist())}
        return [known[at] for at in codes.tolist()]

    def _one(self, code: int) -> str:
        if not 0 <= code < len(self._heap):
            raise self._no_text(code)
        first, step = max(0, code - 1), layout.TEXT_LIMIT
        line = b""
        while line.find(b"\0", code - first) < 0 and first + len(line) < len(self._heap):
            stop = min(first + len(line) + step, len(self._heap))
            line += self._heap.read(first + len(line), stop).tobytes()
            step *= 2
        return self._text(line, code - first)

    def _text(self, content: bytes, at: int) -> str:
        """The text that begins there. One that begins in the middle of another is none: else a
        short heap could hold more text than there is memory."""
        begins = 0 <= at < len(content) and (at == 0 or content[at - 1] == 0)
        end = content.find(b"\0", at) if begins else -1
        if end < 0:
            raise self._no_text(at)
        try:
            return _unpack(content[at:end])
        except UnicodeDecodeError as error:
            raise self._no_text(at) from error

    def _no_text(self, code: int) -> CorruptArchive:
        return CorruptArchive(
            f"at {code} begins no text",
            path=self._session.path,
            entry=self._array,
            hint="'neuroarchive check' lists what is damaged",
        )

    def _read(self) -> bytes:
        if self._content is None or len(self._content) != len(self._heap):
            self._content = self._heap.read().tobytes()
        return self._content

    def _all(self) -> dict[bytes, int]:
        codes: dict[bytes, int] = {}
        at = 0
        for line in self._read().split(b"\0")[:-1]:
            codes[line + b"\0"] = at
            at += len(line) + 1
        return codes


def to_json(document: Mapping[str, Any]) -> bytes:
    """A document as it lies in the records."""
    return _ENCODER.encode(document).encode()


def _unpack(line: bytes) -> str:
    return line.replace(b"\xc0\x80", b"\0").decode()
