"""Writing a foreign file whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from archive.errors import AlreadyExists, FormatError


def _refuse_existing(path: Path) -> None:
    if os.path.lexists(path):
        raise AlreadyExists("the file exists", path=path, hint="overwrite=True replaces it")


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a new path in the same folder; what was written there takes the place of `path` when
    the block ends, and is removed if it fails.

    Raises AlreadyExists if the file exists and `overwrite` is False, FormatError if the
    operating system refuses to write.
    """
    if not overwrite:
        _refuse_existing(path)
    # A file from tempfile would keep its private mode; this one gets what the umask says.
    staged = path.with_name(f".{uuid4().hex}.tmp")
    try:
        yield staged
        with staged.open("rb+") as file:
            os.fsync(file.fileno())
        if not overwrite:
            _refuse_existing(path)
        staged.replace(path)
    except AlreadyExists:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise FormatError(f"the file cannot be written: {reason}", path=path) from error
    finally:
        staged.unlink(missing_ok=True)
