"""How an archive file comes into being, and goes."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from archive.errors import (
    AlreadyExists,
    ArchiveError,
    ArchiveNotFound,
    Busy,
    Refused,
    TransactionError,
)
from archive.storage import files as files_, nix
from archive.storage.files import Files
from archive.storage.hdf5 import create_hdf5
from archive.storage.held_back import held_back
from archive.storage.locking import lock_log
from archive.storage.log import log_path
from archive.storage.openable import require_plain
from archive.storage.paged_file import PagedFile
from archive.storage.transaction import Transaction

BLOCK_TYPE = "archive.experiment"


def create(
    path: Path,
    name: str,
    fill: Callable[[Transaction], None],
    *,
    stamp: Mapping[str, str | int],
    files: Files | None = None,
) -> None:
    """A new archive with what `fill` puts in; all of it appears under `path` at once.

    Raises AlreadyExists, Refused where the folder cannot be written to, and TransactionError
    when the system fails; then nothing is left of it.
    """
    files = files or files_.system()
    if path.exists():
        raise AlreadyExists(
            "the file exists already",
            path=path,
            hint="mode='a' appends to an archive; mode='r' reads it",
        )
    staged = path.with_name(f".{uuid.uuid4().hex}.new")
    try:
        main = files.open(staged, create=True)
    except FileNotFoundError as error:
        raise ArchiveNotFound("the folder does not exist", path=path.parent) from error
    except OSError as error:
        raise Refused(
            f"cannot write in the folder ({error.strerror or error})",
            path=path.parent,
            hint="choose a folder that you may write to",
        ) from error
    try:
        with held_back():
            _fill(PagedFile(files, main, main), staged, name, fill, stamp)
        files.sync(main)
        _remove_old_log(path, files)
        publish(staged, path, files)
    except (OSError, RuntimeError) as error:
        if isinstance(error, ArchiveError):
            raise
        raise TransactionError(
            f"the archive could not be created ({error})",
            path=path,
            hint="see that the disk has room and is sound, then repeat the last step",
        ) from error
    finally:
        files.close(main)
        with contextlib.suppress(OSError):  # it harms nobody
            files.remove(staged)


def _fill(
    file: PagedFile,
    staged: Path,
    name: str,
    fill: Callable[[Transaction], None],
    stamp: Mapping[str, str | int],
) -> None:
    try:
        with create_hdf5(staged, file) as made:
            nix.create_header(made, name, BLOCK_TYPE)
            for holder in (made, made["data"][name], made["data"][name]["metadata"]):
                nix.set_stamp(holder, stamp)
            fill(Transaction(made["data"][name], stamp))
    finally:
        if file.error is not None:
            raise file.error
    file.write_out()


def _remove_old_log(path: Path, files: Files) -> None:
    """A log whose archive somebody has removed would be taken for the new archive's."""
    require_plain(path)
    if not log_path(path).exists():
        return
    try:
        descriptor = lock_log(path, files, timeout=0)
    except Busy as error:
        raise _just_now(path) from error
    try:
        # Under the lock nobody can begin to write: the log is old if there is no archive even now.
        if path.exists():
            raise _just_now(path)
        files.remove(log_path(path))
        files.sync_folder(path.parent)
    finally:
        files.close(descriptor)


def _just_now(path: Path) -> AlreadyExists:
    return AlreadyExists(
        "another process created the file just now", path=path, hint="open it with mode='a'"
    )


def publish(staged: Path, path: Path, files: Files | None = None) -> None:
    """Give a finished file the name that it shall have. AlreadyExists if that is taken."""
    files = files or files_.system()
    try:
        files.link(staged, path)  # unlike a rename, never takes the place of another file
    except FileExistsError as error:
        raise _just_now(path) from error
    try:
        files.sync_folder(path.parent)
    except OSError:
        files.remove(path)
        raise


def remove_file(path: Path, files: Files | None = None) -> None:
    """Remove an archive for good."""
    files = files or files_.system()
    files.remove(path)
    files.sync_folder(path.parent)
