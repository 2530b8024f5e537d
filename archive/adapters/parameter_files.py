"""Files of parameter sets: which adapter reads one, and which writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from archive.adapters.annarchy_parameters import AnnarchyParameters, looks_like
from archive.adapters.json_parameters import JsonParameters
from archive.adapters.json_text import parse_json
from archive.adapters.parameter_file import ParameterFile, made, save, text_of
from archive.adapters.yaml_parameters import YamlParameters
from archive.entry import Loss
from archive.errors import FormatError
from schemas.v1.parameters import ParameterSet

FORMATS: Final[dict[str, type[ParameterFile]]] = {
    "json": JsonParameters,
    "yaml": YamlParameters,
    "annarchy": AnnarchyParameters,
}
_BY_SUFFIX: Final = {".json": "json", ".yaml": "yaml", ".yml": "yaml"}


def read(path: Path, format: str | None = None) -> ParameterSet:
    """The parameter set in a file: of the format named; else of that of the suffix, where a JSON
    document that is laid out as ANNarchy's is taken for one of these.

    Raises ArchiveNotFound, FormatError and MissingPackage.
    """
    adapter = _chosen(path, format)
    text = text_of(path, adapter.limit)
    if format is None and isinstance(adapter, JsonParameters):
        document = parse_json(text, path)
        adapter = AnnarchyParameters() if looks_like(document) else adapter
        return made(adapter.values(document, path), path)
    return made(adapter.parse(text, path), path)


def write(
    model: ParameterSet,
    path: Path,
    format: str | None = None,
    *,
    overwrite: bool = False,
    strict: bool = False,
) -> list[Loss]:
    """Write a set, in the format named or that of the suffix; returns what it could not carry.

    With `strict` that is a FormatError, and nothing is written. Raises FormatError, MissingPackage
    and AlreadyExists.
    """
    text, losses = _chosen(path, format).format(model)
    if losses and strict:
        raise FormatError(
            f"{len(losses)} losses: " + "; ".join(map(str, losses[:5])),
            path=path,
            hint="leave out strict to write the file without these",
        )
    save(text, path, overwrite=overwrite)
    return losses


def _chosen(path: Path, format: str | None) -> ParameterFile:
    known = ", ".join(FORMATS)
    if format is None:
        format = _BY_SUFFIX.get(path.suffix.lower())
        if format is None:
            raise FormatError(
                f"no format of parameters has the suffix {path.suffix!r}",
                path=path,
                hint=f"name one as the format: {known}",
            )
    if format not in FORMATS:
        raise FormatError(
            f"there is no format {format!r} of parameters", path=path, hint=f"known are {known}"
        )
    return FORMATS[format]()
