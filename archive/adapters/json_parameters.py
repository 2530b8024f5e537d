"""Parameter sets as plain JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from archive.adapters.json_text import parse_json
from archive.adapters.measured import from_plain, to_plain
from archive.adapters.parameter_file import ParameterFile
from archive.entry import Loss
from archive.errors import FormatError
from schemas.v1.parameters import ParameterSet
from schemas.v1.value import Value


class JsonParameters(ParameterFile):
    """One object, nested as the set is; see `archive.adapters.measured` for its values. All that a
    parameter set can hold comes back the same."""

    name: ClassVar[str] = "json-parameters"

    def parse(self, text: str, path: Path) -> dict[str, Value]:
        return self.values(parse_json(text, path), path)

    def values(self, document: Any, path: Path) -> dict[str, Value]:
        """The values of a document that was read."""
        return top_level(document, path)

    def format(self, model: ParameterSet) -> tuple[str, list[Loss]]:
        return json_of(to_plain(model.values)), []


def top_level(found: Any, path: Path) -> dict[str, Value]:
    """The values of a document. FormatError, naming the file, if it is no object of values."""
    if not isinstance(found, dict):
        raise FormatError(
            f"a file of parameters holds names and values, not a {type(found).__name__}", path=path
        )
    try:
        values = from_plain(found)
    except FormatError as error:
        raise FormatError(error.message, path=path, entry=error.entry, hint=error.hint) from None
    if not isinstance(values, dict):
        raise FormatError("it holds a single value, and no names", path=path)
    return values


def json_of(document: Any, *, ascii: bool = False) -> str:
    """JSON for people, as ANNarchy has it: four blanks, one key a line."""
    return json.dumps(document, indent=4, ensure_ascii=ascii, allow_nan=False) + "\n"
