"""People as they are written, and what is known of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_ORCID = re.compile(r"(?:https?://orcid\.org/)?([0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X])")
# Ada Lovelace <0000-0001-2345-6789> (University of London); all but the name may be missing
_WRITTEN = re.compile(r"([^<>()]*[^<>()\s])\s*(?:<([^<>]*)>)?\s*(?:\(([^()]*)\))?\s*")


class Somebody(NamedTuple):
    """A person as far as is known."""

    name: str
    orcid: str | None = None
    email: str | None = None
    affiliation: str | None = None


def somebody(text: str) -> Somebody:
    """Who is written as ``Ada Lovelace <her ORCID or address> (her affiliation)``; of a text in
    another form all is the name."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return Somebody(text)
    name, known, affiliation = match.groups()
    if known is None:
        return Somebody(name, affiliation=affiliation)
    orcid = checked_orcid(known)
    email = known if orcid is None and re.fullmatch(r"[^@\s]+@[^@\s]+", known) else None
    if orcid is None and email is None:
        return Somebody(text)
    return Somebody(name, orcid, email, affiliation)


def checked_orcid(text: str) -> str | None:
    """The digits of an ORCID, if its check digit is right (ISO 7064, mod 11-2)."""
    match = _ORCID.fullmatch(text.strip())
    if match is None:
        return None
    total = 0
    for digit in match[1].replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return match[1] if match[1][-1] == ("X" if check == 10 else str(check)) else None


def named(given: object) -> list[Somebody]:
    """Those of an option: a text with semicolons between them, or several texts."""
    texts = given.split(";") if isinstance(given, str) else list(_texts(given))
    return [somebody(text.strip()) for text in texts if text.strip()]


def _texts(given: Any) -> Iterable[str]:
    return (str(one) for one in given)


def known(people: Iterable[str], annotations: Mapping[str, Any]) -> list[Somebody]:
    """The people of an experiment, with what its annotations ``orcid`` and ``affiliation`` say of
    them: by name, or of all."""
    found = []
    for text in people:
        one = somebody(text)
        orcid, affiliation = (
            _of(annotations.get(key), one.name) for key in ("orcid", "affiliation")
        )
        found.append(
            one._replace(
                orcid=one.orcid or (orcid and checked_orcid(orcid)),
                affiliation=one.affiliation or affiliation,
            )
        )
    return found


def _of(said: Any, name: str) -> str | None:
    value = said.get(name) if isinstance(said, dict) else said
    return value if isinstance(value, str) else None
