"""A check that reads everything, in a process that a damaged file may end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from archive.container.check import check
from archive.container.check_report import Finding, Report
from archive.container.container import Container
from archive.container.isolation import PATIENCE, Watch, isolated
from archive.storage import probe

OBJECT_HINT = "what the findings on runs and segments do not name can be read"


def check_deeply(
    path: Path,
    on_segment: Callable[[], object] = lambda: None,
    *,
    patience: float = PATIENCE,
    allowed: Path | None = None,
    files: bool = False,
) -> Report:
    """All that `check` looks at, and every object, attribute and chunk of the file, all digests,
    and what NIX is told of each entity. Where HDF5 ends the process, or is silent for `patience`
    seconds, that is a finding. Raises CorruptArchive if the file cannot be opened at all.
    """

    def on_place(place: str) -> None:
        if place.startswith("segment "):
            on_segment()

    signers = None if allowed is None else str(allowed.absolute())
    arguments = {"path": str(path.absolute()), "allowed": signers, "files": files}
    found = isolated(_examine, arguments, path, on_place=on_place, patience=patience)
    return Report.from_said(found)


def _examine(arguments: dict[str, Any], watch: Watch) -> dict[str, Any]:
    watch.at("the file")
    container = Container(Path(arguments["path"]), writable=False)
    findings = [
        Finding(place, fault, OBJECT_HINT) for place, fault in probe(container.session, watch.at)
    ]
    allowed = arguments["allowed"]
    report = check(
        container,
        deep=True,
        at=watch.at,
        allowed=None if allowed is None else Path(allowed),
        files=arguments["files"],
    )
    said = asdict(report)
    return {**said, "findings": [asdict(f) for f in dict.fromkeys([*findings, *report.findings])]}
