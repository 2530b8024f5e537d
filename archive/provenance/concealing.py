"""Secrets in texts that are recorded: what has the shape of one is replaced.

The shapes are those that services give to their tokens, so that they can be found, and words that
say of what follows them that it is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

HIDDEN: Final = "***"

_NAME = r"pass(?:word|wd|phrase)|api[_-]?key|secret(?:[_-]?(?:access[_-]?)?key)?"
_NAME += r"|(?:auth|access|api|refresh|bearer|github|gitlab|slack|hf)[_-]?token"
# Those with a group keep what is in it.
_SHAPES: Final = tuple(
    re.compile(shape)
    for shape in (
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
        r"(?s:.{0,20000}?-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
        r"|(?:[\s+\-\\nr\"']{0,12}[A-Za-z0-9+/=]{16,})*)",
        r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|hf_[A-Za-z0-9]{30,}"
        r"|xox[abeoprs]-[\w-]{10,}|sk-[\w-]{20,}|[sr]k_(?:live|test)_\w{16,}|npm_\w{30,}"
        r"|pypi-[\w-]{30,}|AIza[\w-]{30,}|(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b"
        r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*|ya29\.[\w-]{20,}|dop_v1_\w{30,})",
        r"(?i:(\b(?:bearer|authorization: *basic)\s+))[\w.~+/-]{16,}=*",
        r"((?:\w|[+.-]){2,20}://)[^\s/:@'\"]*:[^\s/@'\"]+(?=@)",
        rf"(?i:([\w-]*(?:{_NAME})[\"']?\s{{0,3}}(?:=|:)\s{{0,3}}[bruf]{{0,2}}[\"']))"
        r"(?=[^\s\"']{6})[^\s\"']+(?=[\"'])",
    )
)
# Before it is looked at closer, a text has one of these.
_HINT: Final = re.compile(
    r"PRIVATE KEY|gh[pousr]_|github_pat_|glpat-|hf_|xox|sk-|[sr]k_|npm_|pypi-|AIza|A[KSBC][ICP]A"
    rf"|eyJ|ya29|dop_|://[^\s/]*@|(?i:bearer|basic|{_NAME})"
)
# Words of an option or variable: its value is a secret.
_WORDS: Final = {
    "token", "password", "passwd", "passphrase", "pwd", "pw", "secret", "apikey", "credential",
    "credentials", "auth", "authorization", "bearer", "pat",
}  # fmt: skip
_PAIRS: Final = {("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key")}
_OPTION: Final = re.compile(r"(--?[A-Za-z][\w.-]*|[A-Za-z_][\w.-]*)(=|:)(.*)", re.DOTALL)
_PARAMETER: Final = re.compile(
    r"(?i:([?&;](?:[\w-]*(?:token|secret|password|signature|apikey)|api[_-]?key|sig|key|auth)=))"
    r"[^&;#\s'\"]+"
)


def concealed(text: str) -> tuple[str, int]:
    """The text with each secret as ``***``, and how many these were."""
    if _HINT.search(text) is None:
        return text, 0
    found = 0
    for shape in _SHAPES:
        text, count = shape.subn(rf"\1{HIDDEN}" if shape.groups else HIDDEN, text)
        found += count
    return text, found


def concealed_bytes(content: bytes) -> tuple[bytes, int]:
    """The same of bytes, whatever their encoding is."""
    text, found = concealed(content.decode("latin-1"))
    return (text.encode("latin-1"), found) if found else (content, 0)


def safe_arguments(arguments: Sequence[str]) -> list[str]:
    """A command line with the secrets in it as ``***``."""
    safe: list[str] = []
    is_value = False  # of an option that has a secret
    for argument in arguments:
        if is_value and not argument.startswith("-"):
            safe.append(HIDDEN)
            is_value = False
            continue
        option = _OPTION.fullmatch(argument)
        is_value = argument.startswith("-") and option is None and _tells_secret(argument)
        if option is not None and _tells_secret(option[1]) and option[3]:
            safe.append(f"{option[1]}{option[2]}{HIDDEN}")
        else:
            safe.append(without_user(_PARAMETER.sub(rf"\1{HIDDEN}", concealed(argument)[0])))
    return safe


def _tells_secret(name: str) -> bool:
    spread = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).lower()
    words = re.findall(r"[a-z0-9]+", spread)
    if words[:1] == ["no"]:
        return False
    return bool(_WORDS & set(words)) or bool(_PAIRS & set(pairwise(words)))


def without_user(text: str) -> str:
    """Addresses without what stands before the ``@``: often it is a token."""
    return re.sub(r"((?:\w|[+.-]){2,20}://)[^\s/@'\"]*@", r"\1", text)


def safe_remote(address: str) -> str:
    """Where a repository comes from, without user name, password and what may be a token."""
    address = without_user(_PARAMETER.sub(rf"\1{HIDDEN}", address))
    if "://" not in address:  # anna@server:repository
        address = re.sub(r"\A[^\s/@:]+(?::[^\s/@]*)?@(?=[^/]*:)", "", address)
    return concealed(address)[0]
