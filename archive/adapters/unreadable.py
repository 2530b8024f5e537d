"""Files that the system does not let be read."""

from __future__ import annotations

from pathlib import Path

from archive.errors import FormatError


def unreadable(path: Path, error: OSError) -> FormatError:
    """What is raised for such a file, with what the system says of it."""
    return FormatError(f"the file cannot be read: {error.strerror or error}", path=path)


def check_readable(path: Path) -> None:
    """Raises FormatError for a file that cannot be opened."""
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise unreadable(path, error) from error
