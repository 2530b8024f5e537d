"""What formats there are: of whom, in which directions, and whether they can be used here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from archive.adapters import OURS, announced

_EXTRA = re.compile(r"""\bextra\s*==\s*['"]([^'"]+)['"]""")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Format:
    """One format. Behind its suffixes stand whole names of files that it is chosen by; `installed`
    says whether its `extra` is, None where nobody knows; `about` is one line, and `problem` what
    keeps the adapter from being loaded."""

    name: str
    reads: bool
    writes: bool
    suffixes: tuple[str, ...]
    extra: str | None
    installed: bool | None
    about: str
    package: str
    version: str
    problem: str | None = None


def formats() -> list[Format]:
    """All formats by name, those too whose adapter cannot be loaded."""
    return [_format(name, found) for name, found in announced().items()]


def _format(name: str, found: Any) -> Format:
    package, version = found.package, version_of(found.package, found.version)
    try:
        adapter = found.load()
    except Exception as error:  # whatever a foreign package does must not hide the others
        return Format(name, False, False, (), None, False, "", package, version, repr(error))
    extra = getattr(adapter, "extra", None)
    return Format(
        name,
        callable(getattr(adapter, "read", None)),
        callable(getattr(adapter, "write", None)),
        (*getattr(adapter, "suffixes", ()), *getattr(adapter, "file_names", ())),
        extra,
        True if extra is None else has_extra(OURS, extra),
        _first_line(adapter),
        package,
        version,
    )


def _first_line(adapter: object) -> str:
    """The first sentence, or line, of what the class says of itself."""
    text = " ".join((inspect.getdoc(type(adapter)) or "").partition("\n\n")[0].split())
    return re.split(r"[.:;] ", text, maxsplit=1)[0].rstrip(".:;")


def owner(name: str, found: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """The package that has the adapter of a format, or of a kind of it, and its version."""
    known = announced() if found is None else found
    one = known.get(name.partition(":")[0])
    return ("?", "") if one is None else (one.package, version_of(one.package, one.version))


@cache
def version_of(package: str, said: str = "") -> str:
    """The version of a package; empty where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return said or version(package)
    except PackageNotFoundError:
        return ""


@cache
def has_extra(package: str, extra: str) -> bool | None:
    """Whether all that an extra of a package needs is installed; None if the package does not
    say what that is."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        needed = requires(package) or []
    except PackageNotFoundError:
        return None
    wanted = [one for one in needed if extra in _EXTRA.findall(one)]
    names = [found[0] for one in wanted if (found := _NAME.match(one)) is not None]
    return all(version_of(name) for name in names) if names else None
