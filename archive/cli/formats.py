"""``neuroarchive formats``: what can be imported and exported."""

from __future__ import annotations

from dataclasses import asdict

from archive.adapters import OURS
from archive.adapters.listing import Format, formats as all_formats
from archive.cli.arguments import Json, examples
from archive.cli.console import print_json, print_table

EPILOG = examples("neuroarchive formats", "neuroarchive formats --json | jq '.[].name'")


def formats(as_json: Json = False) -> None:
    """List the formats that can be imported and exported, those of other packages too.

    --json: a list of name, reads, writes, suffixes, extra, installed, about, package, version,
    problem (why it cannot be used).
    """
    found = all_formats()
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [(one.name, _directions(one), " ".join(one.suffixes), _about(one)) for one in found]
    print_table("formats", ("name", "", "suffixes", "what it is"), rows)


def _about(one: Format) -> str:
    """What it is, and what it needs and of whom it is where that is not nothing and us."""
    said = one.about.replace("``", "") or one.problem or ""
    if one.extra is not None:
        missing = ", which is not installed" if one.installed is False else ""
        said += f" (extra {one.extra}{missing})"
    return said if one.package == OURS else f"{said} [{one.package} {one.version}]"


def _directions(one: Format) -> str:
    said = [verb for verb, can in (("in", one.reads), ("out", one.writes)) if can]
    return ", ".join(said) or "cannot be loaded"
