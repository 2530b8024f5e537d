"""Which archives this version can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import schemas
from archive.container import layout
from archive.container.documents import parse_contract
from archive.errors import CorruptArchive, VersionError


def check_versions(path: Path, stamp: Mapping[str, str | int]) -> None:
    """Raise VersionError for an archive of a later layout or contract than is known, and
    CorruptArchive for one that does not say which it follows. `stamp` is what its file says."""
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
