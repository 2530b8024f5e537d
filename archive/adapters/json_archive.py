"""A whole archive as one JSON document; docs/reference/format/json-1.md has its layout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar, Literal

import schemas
from archive.adapters.bounded import whole
from archive.adapters.entry_documents import OURS, contract_of, entry_of
from archive.adapters.json_arrays import array_of, written
from archive.adapters.json_text import parse_json
from archive.adapters.replacing import replacing
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError, VersionError
from schemas.v1.experiment import Experiment

FORMAT = "neuroarchive"
VERSION = 1
LIMIT = 1 << 30  # bytes of a file; read, it takes a few times as much
_MARK = re.compile(
    rb'(?:\xef\xbb\xbf)?[ \t\r\n]*\{[ \t\r\n]*"format"[ \t\r\n]*:[ \t\r\n]*"neuroarchive"'
    rb'[ \t\r\n]*,[ \t\r\n]*"version"[ \t\r\n]*:[ \t\r\n]*[0-9]'
)


class JsonArchive:
    """Reads and writes whole experiments as JSON; nothing is lost either way."""

    name: ClassVar[str] = "json"
    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether the file begins with the mark of the format."""
        try:
            with Path(path).open("rb") as file:
                return _MARK.match(file.read(512)) is not None
        except OSError:
            return False

    def read(self, path: Path, /, *, limit: int = LIMIT) -> Iterator[Entry]:
        """The experiment of a file of at most `limit` bytes; all of it is checked before.

        Raises FormatError, with the way to the entry, for what is no such document, and
        VersionError for one of a later version.
        """
        path = Path(path)
        try:
            text = whole(path, limit).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise FormatError(f"it is no text in UTF-8 (byte {error.start})", path=path) from None
        document = parse_json(text, path)
        del text
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise FormatError(f'it does not say "format": "{FORMAT}"', path=path)
        version = document.get("version")
        if type(version) is not int or version < 1:
            raise FormatError(f"{version!r:.40} is no version of this format", path=path)
        if version > VERSION:
            raise VersionError(
                f"it is of version {version} of this format, and known are those up to {VERSION}",
                path=path,
                hint="install a newer neuroarchive",
            )
        entry = entry_of(document.get("experiment"), array_of, path, document.get("contract"))
        if not isinstance(entry.model, Experiment):
            raise FormatError(f"a {entry.model.kind} is no experiment", path=path)
        yield entry

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        arrays: Literal["base64", "inline"] = "base64",
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write an experiment, a piece at a time; nothing is lost.

        `arrays` says how their items are written: "base64", or "inline" as numbers, which people
        can read and which takes twice the space. Raises AlreadyExists if the file exists and
        `overwrite` is False, and FormatError if an array has no place in it.
        """
        path = Path(path)
        if arrays not in ("base64", "inline"):
            raise FormatError(
                f"arrays cannot be {arrays!r}", path=path, hint='known are "base64" and "inline"'
            )
        with (
            replacing(path, overwrite=overwrite) as staged,
            staged.open("x", encoding="utf-8", newline="\n") as file,
        ):
            for piece in _document(source.entry(), arrays == "inline", path):
                file.write(piece)
        return []


def _document(experiment: Entry, inline: bool, path: Path) -> Iterator[str]:
    head = {"format": FORMAT, "version": VERSION, "contract": OURS}
    yield f'{json.dumps(head)[:-1]},\n"experiment": '
    yield from _entry(experiment, inline, path, "experiment")
    yield "}\n"


def _entry(entry: Entry, inline: bool, path: Path, way: str) -> Iterator[str]:
    contract = contract_of(entry.model)
    yield '{"model": ' if contract == OURS else f'{{"contract": "{contract}", "model": '
    try:
        yield schemas.to_json(schemas.dump(entry.model)).decode()
    except ValueError as error:
        raise FormatError(f"it has no place in JSON: {error}", path=path, entry=way) from error
    if entry.arrays:
        yield ', "arrays": {'
        for number, (name, array) in enumerate(entry.arrays.items()):
            yield f"{', ' if number else ''}{json.dumps(name)}: "
            try:
                yield from written(array, inline)
            except FormatError as error:
                raise FormatError(error.message, path=path, entry=f"{way}: {name}") from None
        yield "}"
    yield from _parts(entry.parts, inline, path, way)
    yield "}"


def _parts(parts: Iterable[Entry], inline: bool, path: Path, way: str) -> Iterator[str]:
    begun = False
    for number, part in enumerate(parts, 1):
        yield ",\n" if begun else ', "parts": [\n'
        begun = True
        yield from _entry(part, inline, path, f"{way}/{part.model.kind} {number}")
    if begun:
        yield "]"
