"""Writing a foreign folder whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from archive.errors import AlreadyExists, FormatError


@contextmanager
def replacing_folder(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a new folder beside `path`; it takes the place of `path` when the block ends, and is
    removed with all that is in it if it fails.

    Raises AlreadyExists if there is something and `overwrite` is False, FormatError if the
    operating system refuses to write.
    """
    if path.exists() and not overwrite:
        raise AlreadyExists("the folder exists", path=path, hint="overwrite=True replaces it")
    staged, old = (path.with_name(f".{uuid4().hex}.tmp") for _ in range(2))
    try:
        staged.mkdir()
        yield staged
        _put_in_place(staged, path, old)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FormatError(f"the folder cannot be written: {reason}", path=path) from error
    finally:
        for left in (staged, old):
            if left.is_symlink() or left.is_file():
                left.unlink()
            shutil.rmtree(left, ignore_errors=True)


def _put_in_place(staged: Path, path: Path, old: Path) -> None:
    """Let a folder take the place of `path`, which is `old` from then on; or let all be as it
    was."""
    if not path.exists():
        staged.rename(path)
        return
    path.rename(old)
    try:
        staged.rename(path)
    except BaseException:
        old.rename(path)
        raise
