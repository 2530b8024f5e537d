"""What MATLAB does not tell in ANNarchy's files: one value for all from one for each of one.

There it has a single number as a matrix of one element, and so has it the list of such values
of one neuron, or of the only connection. Our own writer therefore names those that are for all.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from archive.adapters.annarchy_rows import is_single, single
from archive.adapters.annarchy_texts import EXTRA, texts
from archive.errors import ArchiveWarning

_SINGLE = "single"


def marked(item: Mapping[str, Any]) -> dict[str, Any]:
    """The dict of a network or a part of it, each part with the names of its single values."""
    found = {
        key: marked(value) if isinstance(value, dict) and key != EXTRA else value
        for key, value in item.items()
    }
    names = [
        name
        for name in dict.fromkeys([*item.get("attributes", ()), "w"])
        if isinstance(item.get(name), (bool, int, float))
        or (isinstance(item.get(name), np.ndarray) and item[name].ndim == 0)
    ]
    if names:
        found[EXTRA] = {**item.get(EXTRA, {}), _SINGLE: names}
    return found


def told(item: Mapping[str, Any], where: str = "file") -> dict[str, Any]:
    """What a MATLAB file holds, with single values that are marked as Python's numbers.

    Of a file without marks, as ANNarchy's own are, an ArchiveWarning names the values that may
    be one for all as well as one for each; they are taken for the latter.
    """
    found = {
        key: told(value, key) if isinstance(value, dict) and key != EXTRA else value
        for key, value in item.items()
    }
    ours = item.get(EXTRA)
    if isinstance(ours, dict) and _SINGLE in ours:
        for name in texts(ours[_SINGLE], f"{where}: {EXTRA}"):
            if is_single(item.get(name)):
                found[name] = single(item[name])
    elif not isinstance(ours, dict) and "attributes" in item and _is_of_one(item):
        named = texts(item["attributes"], f"{where}: attributes")
        either = set(named) - {"w", *texts(item.get("variables", []), f"{where}: variables")}
        for name in sorted(either):
            if is_single(item.get(name)):
                warnings.warn(
                    f"{where}: {name!r:.80} is one number, and MATLAB does not tell whether that"
                    " is for all or for each of one; it is taken as one for each",
                    ArchiveWarning,
                    stacklevel=2,
                )
    return found


def _is_of_one(item: Mapping[str, Any]) -> bool:
    """Whether it is a population of one neuron, or a projection with one connection in all."""
    if "pre_ranks" in item:
        return np.size(item.get("post_ranks", ())) == 1 and is_single(item["pre_ranks"])
    return is_single(item.get("size")) and single(item["size"]) == 1
