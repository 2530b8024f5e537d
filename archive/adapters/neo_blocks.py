"""What the readers of Neo give, as entries. All of it happens in the process of `neo_process`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import schemas
from archive.adapters.neo_mending import check_unit
from archive.adapters.neo_nix_reading import nix_entries
from archive.adapters.neo_runs import block_runs
from archive.entry import Entry, Loss
from archive.errors import ArchiveError, FormatError
from archive.hooks.neo_groups import CONTAINERS
from archive.storage.inspection import inspect as faults_of
from archive.values import from_schema

HDF5 = b"\x89HDF\r\n\x1a\n"
# A reader that is asked for these looks for what Python has pickled beside the file.
NEVER = {"use_cache", "cache_path", "filename", "dirname", "file", "self"}


class Request(NamedTuple):
    """What is to be read: the class of neo.io, options for it as JSON values of the contract, and
    what the one run of a file without runs is called."""

    reader: str
    options: Mapping[str, Any]
    name: str


def block_files(path: Path) -> Iterator[Path]:
    """The files that a reader of Neo may look into: all in a folder; else the file, and those
    beside it with the same stem, as headers and data of one recording have."""
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file())
    else:
        yield path
        stem = path.name.partition(".")[0]
        for file in path.parent.iterdir():
            if file != path and file.name.partition(".")[0] == stem and file.is_file():
                yield file


def entries_of(path: Path, request: Request, losses: list[Loss]) -> Iterator[Entry]:
    """A run for each block that Neo finds, as an entry. Raises what Neo raises."""
    import neo.io

    kind = getattr(neo.io, request.reader)
    options = {name: from_schema(schemas.decode(v)) for name, v in request.options.items()}
    _check_options(kind, options)
    if path.is_file():
        _check_hdf5(path)
    if kind is neo.io.NixIO:
        with kind(str(path), mode="ro") as nix:
            yield from nix_entries(nix, request.name, losses)
        return
    io = kind(str(path), **options)
    blocks = io.read(lazy=True) if io.support_lazy else io.read()
    blocks = [block for block in blocks if block is not None]
    if not any(map(_has_data, blocks)):
        raise FormatError(f"{request.reader} finds nothing in it", hint="is it such a file?")
    yield from block_runs(blocks, len(blocks), request.name, losses)


def _has_data(block: Any) -> bool:
    return any(len(getattr(segment, held)) for segment in block.segments for held in CONTAINERS)


def _check_options(kind: type, options: Mapping[str, Any]) -> None:
    known = {
        name
        for one in kind.__mro__
        for name, parameter in inspect.signature(one.__init__).parameters.items()  # type: ignore[misc]
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    } - NEVER
    wrong = [name for name in options if name not in known]
    if wrong:
        raise FormatError(
            f"{kind.__name__} has no option {wrong[0]!r}",
            hint=f"known are {', '.join(sorted(known)) or 'none'}",
        )


def _check_hdf5(path: Path) -> None:
    with path.open("rb") as file:
        if file.read(len(HDF5)) != HDF5:
            return
    try:
        faults = faults_of(path, check_unit)
    except ArchiveError as error:
        raise FormatError(error.message) from error
    for fault in faults:
        raise FormatError(f"{fault.name}: {fault.what}")
