"""Names of populations and variables made of what a foreign file calls its columns."""

from __future__ import annotations

import re
from collections import Counter

from schemas.v1.model import NAME_LIMIT

_FORBIDDEN = re.compile(r"[/\x00-\x1f\x7f\ud800-\udfff]")


def name_of(text: str, default: str) -> str:
    """The text as a name: what none can have is ``_``, and it ends where a name must."""
    return _FORBIDDEN.sub("_", text)[:NAME_LIMIT] or default


def population_and_variable(text: str, default: str) -> tuple[str | None, str]:
    """The two names of a text ``population/variable``, as our writers call a column; of any other
    text there is a variable only."""
    population, slash, variable = text.partition("/")
    if slash and population.strip() and variable.strip():
        return name_of(population, default), name_of(variable, default)
    return None, name_of(text, default)


class Distinct:
    """Gives a name as it is the first time, and with a number after it the next."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def __call__(self, name: str) -> str:
        self._seen[name] += 1
        if self._seen[name] == 1:
            return name
        number = f" {self._seen[name]}"
        return self(name[: NAME_LIMIT - len(number)] + number)
