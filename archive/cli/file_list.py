"""Which files are meant by folders, patterns and names on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

from archive.errors import ArchiveError, ArchiveNotFound, FormatError
from archive.experiment.importing import is_of_archive

# Beside a database that is open, or was not closed: they are read with it.
BESIDE = ("-wal", "-shm", "-journal")


class Found(NamedTuple):
    """A file, and whether it was named itself: not as one of a folder or a pattern."""

    path: Path
    named: bool


def files_of(
    given: Iterable[str], archive: Path, *, recursive: bool, is_one: Callable[[Path], bool]
) -> list[Found]:
    """The files, each once, those of a folder in the order of their names.

    A folder of which `is_one` is true counts as a file. Of others and of patterns are left out:
    hidden files, what lies beside a database, and the archive itself with its parts. Raises
    ArchiveNotFound for what is not there, and FormatError for what the system does not show.
    """
    try:
        return _files_of(given, archive, recursive=recursive, is_one=is_one)
    except ArchiveError:
        raise  # some are errors of the system as well
    except OSError as error:
        reason = error.strerror or error
        raise FormatError(f"it cannot be looked at: {reason}", path=error.filename) from error


def _files_of(
    given: Iterable[str], archive: Path, *, recursive: bool, is_one: Callable[[Path], bool]
) -> list[Found]:
    found: dict[Path, Found] = {}
    for text in given:
        path = Path(text)
        named = False
        if path.is_dir():
            named = is_one(path)
            listed = [path] if named else _chosen(_in_folder(path, recursive, is_one), archive)
        elif path.exists() or path.is_symlink():
            listed, named = [path], True
        elif has_magic(text):
            names = glob(text, recursive=True)  # noqa: PTH207  # ** of Path finds no files till 3.13
            matching = sorted(map(Path, names))
            if not matching:
                raise ArchiveNotFound("no file is called like this", path=text)
            folders = [one for one in matching if one.is_dir() and is_one(one)]
            files = [
                one for one in matching if one.is_file() and not set(folders) & set(one.parents)
            ]
            listed = _chosen([*folders, *files], archive)
        else:
            raise ArchiveNotFound("there is no such file", path=path)
        for one in listed:
            found.setdefault(one.absolute(), Found(one, named))
    return list(found.values())


def _in_folder(folder: Path, recursive: bool, is_one: Callable[[Path], bool]) -> Iterator[Path]:
    """The files in a folder, and with `recursive` in those below, but for hidden folders."""
    below = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            below.append(path)
        else:
            yield path
    for path in below:
        if path.name.startswith("."):
            continue
        if is_one(path):
            yield path
        elif recursive and not path.is_symlink():
            yield from _in_folder(path, recursive, is_one)


def _chosen(paths: Iterable[Path], archive: Path) -> Iterator[Path]:
    for path in paths:
        if path.name.startswith(".") or is_of_archive(path, archive) or _lies_beside(path):
            continue
        yield path


def _lies_beside(path: Path) -> bool:
    return any(
        path.name.endswith(end) and path.with_name(path.name.removesuffix(end)).exists()
        for end in BESIDE
    )
