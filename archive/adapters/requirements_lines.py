"""Recorded distributions as pip's requirements, and what cannot be one.

The names and versions that pip takes are those of PEP 508 and PEP 440.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?", re.ASCII)
# Of public releases, in whatever spelling; what follows a + tells a build that no index has.
_VERSION: Final = re.compile(
    r"v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*"
    r"(?:[-_.]?(?:a|b|c|rc|alpha|beta|pre|preview)[-_.]?[0-9]*)?"
    r"(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?"
    r"(?:[-_.]?dev[-_.]?[0-9]*)?",
    re.ASCII | re.IGNORECASE,
)
_UNPRINTED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def requirements(packages: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The lines ``name==version`` in the order of the names, and a text for each distribution that
    no index can be asked for."""
    pinned: list[str] = []
    others: list[str] = []
    for name, version in sorted(packages.items(), key=lambda one: (one[0].lower(), one)):
        fault = _fault(name, version)
        if fault:
            others.append(one_line(f"{name} {version}: {fault}"))
        else:
            pinned.append(f"{name}=={version}")
    return pinned, others


def _fault(name: str, version: str) -> str | None:
    if not _NAME.fullmatch(name):
        return "this is no name of a distribution"
    if _VERSION.fullmatch(version):
        return None
    public, plus, _ = version.partition("+")
    if plus and _VERSION.fullmatch(public):
        return "a build of its own, which no index has under this version"
    if "file:" in version or "/" in version or "\\" in version or "editable" in version.lower():
        return "it was installed from a folder or file, and not from an index"
    return "its version is not known"


def one_line(text: str) -> str:
    """The text without what could end a line, or print as something else."""
    return _UNPRINTED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def python_version(said: str | None) -> str | None:
    """The number of the version in what was recorded of Python, such as ``CPython 3.12.3``."""
    found = re.search(r"(?<![0-9.])[23]\.[0-9]+(?:\.[0-9]+)?", said or "", re.ASCII)
    return found[0] if found else None


def commented(texts: Sequence[str]) -> list[str]:
    """As lines of comment."""
    return [f"# {one_line(text)}" for text in texts]
