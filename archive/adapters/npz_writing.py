"""An experiment written as named arrays, of which a document says what they are."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.entry_documents import described, plain_name
from archive.entry import ArrayLike, Entry
from archive.errors import FormatError
from archive.values import from_schema
from schemas.v1.value import itemsize

DOCUMENT = "neuroarchive"
FORMAT = "neuroarchive-npz 1\n"
_SPACE = 64  # characters of an array of texts that one of its own characters may cost
_PLAIN_SPACE = 1 << 20


class NpzWriting:
    """One ``.npz`` file that is written, an array at a time."""

    def __init__(self, path: Path, *, compressed: bool) -> None:
        method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
        self._zip = zipfile.ZipFile(path, "x", method, allowZip64=True)
        self._taken = {DOCUMENT}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._zip.close()

    def put_all(self, entry: Entry) -> None:
        """Write the entry, and the document last."""
        document = schemas.to_json(described(entry, self._put, before=self._put_values))
        self._member(DOCUMENT, np.array(FORMAT.encode() + document))

    def _put(self, way: str, name: str, array: ArrayLike) -> Any:
        """Write an array; what stands for it in the document: the name of a member, or, of texts
        that NumPy keeps as objects, an object."""
        if array.dtype.kind == "O":
            return self._put_texts(way, name, np.asarray(array))
        try:
            itemsize(array.dtype.newbyteorder("<").str)
        except ValueError as error:
            raise FormatError(str(error), entry=f"{way}: {name}") from None
        member = self._free(f"{way}/{name}" if way else name)
        self._member(member, np.asarray(array))
        return member

    def _put_texts(self, way: str, name: str, array: npt.NDArray[Any]) -> dict[str, Any]:
        texts = array.ravel().tolist()
        if not all(isinstance(text, str) for text in texts):
            raise FormatError("an array of objects has what is no text", entry=f"{way}: {name}")
        longest = max(map(len, texts), default=0)
        fits = longest * len(texts) <= _PLAIN_SPACE + _SPACE * sum(map(len, texts))
        # NumPy cannot tell a text with zeros behind from one without
        if fits and not any(text.endswith("\0") for text in texts):
            member = self._free(f"{way}/{name}" if way else name)
            self._member(member, array.astype(f"<U{longest or 1}"))
            return {"texts": member}
        return {"texts": texts, "shape": list(array.shape)}

    def _put_values(self, way: str, model: schemas.Model) -> None:
        """Numbers and texts of a parameter set under their names, for other programs: the
        document has them too."""
        if isinstance(model, schemas.ParameterSet):
            for key, value in model.values.items():
                self._leaf(f"{way}/{key}", value)

    def _leaf(self, way: str, value: Any) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                self._leaf(f"{way}/{key}", item)
            return
        if isinstance(value, schemas.Quantity):
            value = value.value
        if isinstance(value, (schemas.Array, schemas.Scalar)):
            value = from_schema(value)
        if isinstance(value, list) and not all(type(item) in (int, float) for item in value):
            return
        try:
            array = np.asarray(value)
        except (ValueError, OverflowError):
            return
        if array.dtype.kind in "biufcU":
            self._member(self._free(way), array)

    def _free(self, name: str) -> str:
        """A name that no member has; zip files, and what unpacks them, know no odd characters."""
        plain = "/".join(plain_name(part) for part in name.split("/"))[:1000]
        found, number = plain, 1
        while found in self._taken:
            number += 1
            found = f"{plain}-{number}"
        self._taken.add(found)
        return found

    def _member(self, name: str, array: npt.NDArray[Any]) -> None:
        info = zipfile.ZipInfo(f"{name}.npy")
        info.compress_type = self._zip.compression
        with self._zip.open(info, "w", force_zip64=True) as member:
            np.save(member, array, allow_pickle=False)


def text_array(place: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Any:
    """The array of texts that the document has in the place of one. Raises KeyError, TypeError
    or ValueError for what is none."""
    texts = place["texts"]
    if isinstance(texts, str):
        found = arrays[texts]
        if found.dtype.kind != "U":
            raise ValueError("texts are of another kind")
        return found.astype(object)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError("a text is none")
    made = np.empty(len(texts), object)
    made[:] = texts
    return made.reshape(place["shape"])
