"""Texts in ANNarchy's files: of Python, of NumPy, and the padded ones of MATLAB."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from archive.errors import ArchiveWarning, FormatError

# Our own writer adds this; ANNarchy looks for the names of its objects only.
EXTRA = "neuroarchive"


def text(value: Any, where: str) -> str:
    """One text. Raises FormatError for what is none."""
    found = texts(value, where)
    if len(found) != 1:
        raise FormatError("it is no text", entry=where)
    return found[0]


def texts(value: Any, where: str) -> list[str]:
    """A list of texts. Raises FormatError for what is none."""
    if isinstance(value, str):
        return [str(value)]
    if isinstance(value, np.ndarray):
        value = value.reshape(-1).tolist()  # of none at all, NumPy makes an array of floats
    if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
        raise FormatError("it is no list of texts", entry=where)
    return [str(each) for each in value]


def attributes(item: Mapping[str, Any], where: str) -> tuple[list[str], list[str], list[str]]:
    """Names of all attributes, of the parameters and of the variables, each once and in order.

    ANNarchy names a weight twice that is both. One that is named and not there is left out with
    a warning: ANNarchy writes it so when it cannot read it.
    """
    names = texts(item["attributes"], f"{where}: attributes")
    parameters = texts(item.get("parameters", []), f"{where}: parameters")
    variables = texts(item.get("variables", []), f"{where}: variables")
    found = list(dict.fromkeys([*names, *parameters, *variables]))
    for name in found:
        if name not in item:
            warnings.warn(
                f"{where}: {name!r:.80} is listed and not in the file", ArchiveWarning, stacklevel=2
            )
    return (
        [name for name in found if name in item],
        list(dict.fromkeys(parameters)),
        list(dict.fromkeys(variables)),
    )
