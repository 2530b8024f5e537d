"""Whose MATLAB file it is, by what is in it, and the entries that are made of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import schemas
from archive.adapters.mat_found import Found, Opaque
from archive.adapters.mat_neo_reading import is_neos, neo_entries
from archive.adapters.mat_own_reading import experiment, is_ours
from archive.adapters.mat_values_reading import Values
from archive.adapters.models import model_of
from archive.entry import Entry, Loss
from archive.errors import ContractError, FormatError


def entries(found: Mapping[str, Found], path: Path, losses: list[Loss]) -> list[Entry]:
    """The entries of a file, given its variables. Raises FormatError, with file and entry."""
    try:
        if is_ours(found):
            return [experiment(found)]
        theirs = {name for name in ("block", "segment") if is_neos(found.get(name))}
        made = neo_entries(found, losses) if theirs else []
        left = {name: variable for name, variable in found.items() if name not in theirs}
        return [*made, *keyed(left, path, losses)]
    except (FormatError, ContractError) as error:
        raise FormatError(error.message, path=path, entry=error.entry, hint=error.hint) from error


def keyed(found: Mapping[str, Found], path: Path, losses: list[Loss]) -> list[Entry]:
    """Each variable as a value under its name, set when the file was."""
    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    made = []
    for name, variable in found.items():
        values = Values(name, losses)
        if isinstance(variable, Opaque):
            values.lose("value", f"{variable.what}, which only MATLAB can read")
            continue
        value = values.value(variable, name)
        made.append(Entry(model_of(schemas.KeyedValue, name, key=name, value=value, at=at)))
    return made
