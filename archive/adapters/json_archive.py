"""A whole archive as one JSON document; docs/reference/format/json-1.md has its layout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import schemas
from archive.adapters.bounded import whole
from archive.adapters.json_arrays import array_of, written
from archive.adapters.json_text import parse_json
from archive.adapters.replacing import replacing
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError, VersionError
from schemas.v1.experiment import Experiment
from schemas.v1.unknown import Unknown
from schemas.versions import CONTRACT, TooNew, parse_contract

FORMAT = "neuroarchive"
VERSION = 1
LIMIT = 1 << 30  # bytes of a file; read, it takes a few times as much
DEPTH = 16  # of entries in entries; an experiment has four
_MARK = re.compile(
    rb'(?:\xef\xbb\xbf)?[ \t\r\n]*\{[ \t\r\n]*"format"[ \t\r\n]*:[ \t\r\n]*"neuroarchive"'
    rb'[ \t\r\n]*,[ \t\r\n]*"version"[ \t\r\n]*:[ \t\r\n]*[0-9]'
)
# Of what contract documents with unknown fields are: of a later one, nobody knows which.
_LATER = f"{CONTRACT[0]}.{CONTRACT[1] + 1}"


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
        entry = _Reader(path).entry(document.get("experiment"), document.get("contract"), ())
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
    head = {"format": FORMAT, "version": VERSION, "contract": f"{CONTRACT[0]}.{CONTRACT[1]}"}
    yield f'{json.dumps(head)[:-1]},\n"experiment": '
    yield from _entry(experiment, inline, path, "experiment")
    yield "}\n"


def _entry(entry: Entry, inline: bool, path: Path, way: str) -> Iterator[str]:
    later = bool(entry.model.model_extra) or isinstance(entry.model, Unknown)
    yield f'{{"contract": "{_LATER}", "model": ' if later else '{"model": '
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


class _Reader:
    """Makes entries of the objects of one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def entry(self, document: Any, contract: Any, way: tuple[str, ...]) -> Entry:
        """The entry of an object, whose document follows the contract of that text, if it does
        not name another."""
        if not isinstance(document, dict) or not isinstance(document.get("model"), dict):
            raise self._error("an entry is an object with a model", way)
        unknown = document.keys() - {"model", "arrays", "parts", "contract"}
        if unknown:
            raise self._error(f"an entry has no {sorted(unknown)[0]!r:.60}", way)
        own = document.get("contract", contract)
        model = self._model(document["model"], own, way)
        arrays, parts = document.get("arrays", {}), document.get("parts", [])
        if not isinstance(arrays, dict) or not isinstance(parts, list):
            raise self._error("arrays are an object, and parts a list", way)
        if len(way) > DEPTH:
            raise self._error("it is nested too deeply", way)
        way = (*way, f"{model.kind} {getattr(model, 'name', '') or ''}".strip()[:60])
        return Entry(
            model,
            {name: self._array(name, array, way) for name, array in arrays.items()},
            [self.entry(part, contract, (*way, f"part {at}")) for at, part in enumerate(parts, 1)],
        )

    def _model(self, document: Any, contract: Any, way: tuple[str, ...]) -> schemas.Model:
        try:
            if not isinstance(contract, str):
                raise ValueError("it does not say of which contract it is")
            return schemas.load(document, contract=parse_contract(contract))
        except TooNew as error:
            raise VersionError(str(error), path=self._path, entry="/".join(way)) from error
        except ValueError as error:
            raise self._error(_problems(error), way) from error

    def _array(self, name: str, document: Any, way: tuple[str, ...]) -> Any:
        try:
            return array_of(document)
        except (FormatError, OverflowError, ValueError) as error:
            message = error.message if isinstance(error, FormatError) else str(error)
            raise self._error(f"{name:.60}: {message}", way) from error

    def _error(self, message: str, way: tuple[str, ...]) -> FormatError:
        return FormatError(message, path=self._path, entry="/".join(way) or None)


def _problems(error: ValueError) -> str:
    listed: list[Any] = getattr(error, "errors", list)()
    told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in listed]
    return "; ".join(told)[:500] or str(error)[:500]
