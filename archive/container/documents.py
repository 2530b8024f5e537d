"""Models as documents in the container: long arrays and bytes go to the heap of blobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import schemas
from archive.container import layout
from archive.container.heaps import Blobs, Records, TextHeap
from archive.errors import CorruptArchive
from archive.storage import Session, Transaction

# What a document that is none of the contract may raise where it is decoded.
BREACHES: Final = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
# So many bytes of blobs may a document have though others refer to the same ones.
FREE: Final = 1 << 26
# The attributes that the file and every entity in it carry.
STAMPS: Final = ("archive_layout", "archive_contract", "archive_writer")


def parse_contract(stamp: Mapping[str, str | int]) -> tuple[int, int]:
    """Major and minor version of the contract that a file was written by.

    Raises KeyError or ValueError if it does not say so.
    """
    major, _, minor = str(stamp["archive_contract"]).partition(".")
    return int(major), int(minor)


class Documents:
    """The heaps of an archive, and models in and out of them."""

    def __init__(self, session: Session) -> None:
        self.records = Records(session)
        self.blobs = Blobs(session)
        self.texts = TextHeap(session, layout.TEXTS)
        self.names = TextHeap(session, layout.NAMES)
        self._contract = parse_contract(session.stamp)
        self.path = session.path

    def dump(self, transaction: Transaction, model: schemas.Model) -> dict[str, Any]:
        """The JSON document of a model; what is long is put among the blobs."""
        failed: list[BaseException] = []

        def keep(content: bytes) -> Any:
            try:
                return self.blobs.append(transaction, content)
            except BaseException as error:
                failed.append(error)
                raise

        try:
            return schemas.dump(model, keep=keep)
        except ValueError:
            if failed:
                raise failed[0] from None  # pydantic makes an error of its own out of any other
            raise

    def load(self, document: Mapping[str, Any]) -> schemas.Model:
        """The model of a document. CorruptArchive if it is not what the contract says."""
        with self._as_contract_says():
            return schemas.load(document, contract=self._contract, fetch=self._fetch())

    def load_all(self, documents: Sequence[Mapping[str, Any]]) -> list[schemas.Model]:
        """The models of documents that lie in one, and so share what blobs they may have."""
        fetch = self._fetch()
        with self._as_contract_says():
            return [
                schemas.load(document, contract=self._contract, fetch=fetch)
                for document in documents
            ]

    def _fetch(self) -> Callable[[Any], bytes]:
        """Reads the blobs of one document, which together are no longer than all there are."""
        left = FREE + self.blobs.size

        def fetch(reference: Any) -> bytes:
            nonlocal left
            left -= reference[1]
            if left < 0:
                raise ValueError("it refers to more bytes than there are")
            return self.blobs.read(reference)

        return fetch

    @contextmanager
    def _as_contract_says(self) -> Iterator[None]:
        try:
            yield
        except CorruptArchive:
            raise
        except BREACHES as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> CorruptArchive:
        return CorruptArchive(
            f"a document breaks the contract ({error})",
            path=self.path,
            hint="'neuroarchive check' lists what is damaged",
        )

    def values(self, document: Mapping[str, Any]) -> dict[str, schemas.Value]:
        """Annotation values from their JSON form."""
        with self._as_contract_says():
            fetch = self._fetch()
            return {key: schemas.decode(v, fetch=fetch) for key, v in document.items()}

    def write(self, transaction: Transaction, model: schemas.Model, rows: bytes) -> tuple[int, int]:
        """Append a model to the records; returns its place. See `Records.append`."""
        return self.records.append(transaction, self.dump(transaction, model), rows)

    def read(self, place: tuple[int, int]) -> dict[str, Any]:
        """The JSON document at a place."""
        return self.records.read(*place)

    def read_many(self, places: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
        """The JSON documents at many places."""
        return self.records.read_many(places)

    def annotations(
        self, document: Mapping[str, Any], changes: Iterable[Mapping[str, Any]]
    ) -> dict[str, schemas.Value]:
        """The annotations of a document after its changes, the oldest first."""
        with self._as_contract_says():
            current: dict[str, Any] = dict(document.get("annotations", {}))
            for change in changes:
                for key in change.get("removed", ()):
                    current.pop(key, None)
                current.update(change.get("annotations", {}))
        return self.values(current)
