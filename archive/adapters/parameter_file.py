"""What the files of parameter sets have in common: read with a limit, written whole or not."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

from archive.adapters.left_out import left_out
from archive.adapters.replacing import replacing
from archive.entry import Entry, Loss, Source, ways
from archive.errors import ArchiveNotFound, FormatError
from schemas.v1.parameters import ParameterSet
from schemas.v1.value import Value, identical

SIZE_LIMIT: Final = 1 << 24  # bytes; a parameter set for people to read has some thousands


class ParameterFile:
    """Base of the adapters: text that holds one parameter set.

    They are never chosen by the suffix of a whole experiment, which most often has many sets.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str | None] = None
    limit: ClassVar[int] = SIZE_LIMIT

    @abstractmethod
    def parse(self, text: str, path: Path) -> dict[str, Value]:
        """The values that the text of a file holds. Raises FormatError."""

    @abstractmethod
    def format(self, model: ParameterSet) -> tuple[str, list[Loss]]:
        """The text of a file, and what it could not carry. Raises FormatError."""

    def read(self, path: Path, /) -> Iterator[Entry]:
        """The one parameter set of a file."""
        path = Path(path)
        yield Entry(made(self.parse(text_of(path, self.limit), path), path))

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        """Write the one parameter set of a source, and return what could not be carried.

        Raises FormatError if the source has several, or none; AlreadyExists.
        """
        path = Path(path)
        way, model = _only_set(source, path)
        text, lost = self.format(model)
        save(text, path, overwrite=overwrite)
        losses = left_out(way, Entry(model), ("values",), "the file has the values only")
        losses += [
            Loss(way, f"values.{loss.entry}", f"{loss.field}: {loss.reason}") for loss in lost
        ]
        return losses


def text_of(path: Path, limit: int) -> str:
    """The text of a file in UTF-8. Raises ArchiveNotFound, and FormatError for what is no text or
    longer than `limit` bytes."""
    if not path.exists():
        raise ArchiveNotFound("there is no such file", path=path)
    if not path.is_file():
        raise FormatError("it is no file", path=path)
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise FormatError(f"it cannot be read: {error.strerror or error}", path=path) from error
    if len(content) > limit:
        raise FormatError(
            f"a file of parameters has at most {limit} bytes, this one is longer",
            path=path,
            hint="arrays belong into a snapshot, or under a key of the archive",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"it is no text in UTF-8 (byte {error.start})",
            path=path,
            hint="a file that ANNarchy's save() wrote holds the whole network, not parameters",
        ) from None


def made(values: dict[str, Value], path: Path) -> ParameterSet:
    """A parameter set of these values. Raises FormatError for names that the contract forbids."""
    try:
        return ParameterSet(values=values)
    except ValueError as broken:
        problems = [str(one["msg"]) for one in getattr(broken, "errors", list)()]
        raise FormatError("; ".join(problems) or str(broken), path=path) from None


def save(text: str, path: Path, *, overwrite: bool) -> None:
    """Write a text file whole or not at all."""
    with replacing(path, overwrite=overwrite) as staged:
        staged.write_bytes(text.encode())


def _only_set(source: Source, path: Path) -> tuple[str, ParameterSet]:
    """The set, and the way to it."""
    found: list[tuple[str, ParameterSet]] = []
    root = source.entry()
    for way, entry in ((root.model.kind, root), *ways(root)):
        model = entry.model
        if isinstance(model, ParameterSet) and not any(
            identical(model.values, other.values) for _, other in found
        ):
            found.append((way, model))
    if len(found) != 1:
        raise FormatError(
            f"such a file holds one parameter set, and there are {len(found)}",
            path=path,
            hint="write one of them: exp.parameters[name].export(path)",
        )
    return found[0]
