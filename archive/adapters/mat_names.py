"""Names that MATLAB can have, for names that it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterable

LIMIT = 63

# The keywords of MATLAB and of Octave; neither may name a variable.
KEYWORDS = {
    "__FILE__", "__LINE__", "break", "case", "catch", "classdef", "continue", "do", "else",
    "elseif", "end", "end_try_catch", "end_unwind_protect", "endclassdef", "endenumeration",
    "endevents", "endfor", "endfunction", "endif", "endmethods", "endparfor", "endproperties",
    "endswitch", "endwhile", "enumeration", "events", "for", "function", "global", "if", "methods",
    "otherwise", "parfor", "persistent", "properties", "return", "spmd", "switch", "try", "until",
    "unwind_protect", "unwind_protect_cleanup", "while",
}  # fmt: skip

_VALID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def is_valid(name: str) -> bool:
    """Whether MATLAB and Octave accept the name for a variable or a field."""
    return _VALID.fullmatch(name) is not None and name not in KEYWORDS


def _nearest(name: str) -> str:
    text = re.sub(r"[^A-Za-z0-9_]", "_", name)
    if not text[:1].isalpha():
        text = f"x{text}"
    return f"{text}_" if text in KEYWORDS else text[:LIMIT]


def matlab_names(
    names: Iterable[tuple[str, int]], taken: Iterable[str] = ()
) -> dict[tuple[str, int], str]:
    """A name for each (name, occurrence), no two alike and none of them `taken`.

    A valid name stays as it is at its first occurrence (0); all others get the nearest valid
    one, with a number behind it where that is needed to tell them apart.
    """
    wanted = list(dict.fromkeys(names))
    used = set(taken)
    mapped: dict[tuple[str, int], str] = {}
    for name, occurrence in wanted:
        if occurrence == 0 and is_valid(name) and name not in used:
            mapped[name, occurrence] = name
    used.update(mapped.values())
    for key in wanted:
        if key in mapped:
            continue
        nearest = candidate = _nearest(key[0])
        number = 0
        while candidate in used:
            number += 1
            tail = f"_{number}"
            candidate = nearest[: LIMIT - len(tail)] + tail
        used.add(candidate)
        mapped[key] = candidate
    return {key: mapped[key] for key in wanted}
