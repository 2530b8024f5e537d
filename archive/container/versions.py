"""Whether this version of the library can deal with an archive."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import schemas
from archive.container import layout
from archive.container.documents import parse_contract
from archive.errors import CorruptArchive, VersionError


def check_versions(stamp: Mapping[str, str | int], path: Path) -> None:
    """Raises VersionError for a layout or contract from later than this version, CorruptArchive
    for a stamp that names none."""
    try:
        found, contract = int(stamp["archive_layout"]), parse_contract(stamp)
    except (KeyError, ValueError) as error:
        raise CorruptArchive(
            f"the file does not say what layout and contract it follows ({error})",
            path=path,
            hint="its attributes archive_layout and archive_contract are missing or damaged",
        ) from error
    if found > layout.LAYOUT:
        raise VersionError(
            f"the archive has layout {found}, this version knows up to {layout.LAYOUT}",
            path=path,
            hint=f"written by {stamp.get('archive_writer')}: install that version or a newer "
            "one (pip install -U neuroarchive)",
        )
    if contract[0] > schemas.CONTRACT[0]:
        raise VersionError(
            f"the archive follows contract {contract[0]}.{contract[1]}",
            path=path,
            hint=f"install neuroarchive {contract[0]}.{contract[1]} or newer",
        )
