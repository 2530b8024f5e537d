"""Whether user, host and home folder are told, and how what may name them is written."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import Literal

Privacy = Literal["normal", "strict"]

# Tells all programs that are started with it what `archive.open(privacy=...)` tells one.
VARIABLE = "NEUROARCHIVE_PRIVACY"


def chosen(privacy: Privacy | None = None) -> Privacy:
    """What was asked for, or what the environment says; any word but 'normal' there is 'strict',
    so that a mistake tells too little, not too much."""
    if privacy is not None:
        return privacy
    return "normal" if os.environ.get(VARIABLE, "") in ("", "normal") else "strict"


def user(privacy: Privacy) -> str | None:
    """The name of the account, if the system knows it and it may be told."""
    return None if privacy == "strict" else _account()


def host(privacy: Privacy) -> str | None:
    """The name of the computer, if the system knows it and it may be told."""
    return None if privacy == "strict" else _node()


def shown(text: str | Path, privacy: Privacy) -> str:
    """A path, or a text with paths in it, as a document can hold it.

    Bytes that are no UTF-8 are shown by their numbers. Under strict privacy the home folder is
    ``~``, and a folder that is called as the account or the computer is ``***``.
    """
    said = _unicode(str(text))
    if privacy != "strict":
        return said
    for pattern, instead in _hidden(str(Path.home()) if _has_home() else "", _account(), _node()):
        said = pattern.sub(instead, said)
    return said


def _unicode(text: str) -> str:
    if text.isascii():
        return text
    try:
        return text.encode(errors="surrogateescape").decode(errors="backslashreplace")
    except UnicodeEncodeError:  # half a pair that stands for no byte: a name on Windows
        return text.encode(errors="backslashreplace").decode()


@functools.cache
def _hidden(home: str, *names: str | None) -> tuple[tuple[re.Pattern[str], str], ...]:
    found = []
    if len(home) > 1:  # the home of a service may be /
        found.append((re.compile(rf"{re.escape(home)}(?![\w-])"), "~"))
    found += [
        (re.compile(rf"(?<=[/\\]){re.escape(name)}(?=[/\\]|\Z)"), "***") for name in names if name
    ]
    return tuple(found)


def _has_home() -> bool:
    try:
        Path.home()
    except (RuntimeError, KeyError, OSError):
        return False
    return True


def _account() -> str | None:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return None


def _node() -> str | None:
    import platform

    return platform.node() or None
