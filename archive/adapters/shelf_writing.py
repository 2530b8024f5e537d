"""Shelves written: the files of ``dbm.dumb``, which every Python has, of pickles of protocol 2,
which Python 2 reads too."""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import schemas
from archive.adapters.entry_documents import plain_name
from archive.adapters.replacing import replacing
from archive.adapters.staged_folder import replacing_folder
from archive.entry import Entry, Loss, ways
from archive.errors import FormatError
from archive.values import from_schema, to_schema
from schemas.v1.value import identical

_BLOCK = 512  # where a value begins, as the writer of this format lays it
Kept = list[tuple[str, Any]]


def write_shelf(root: Entry, path: Path, session: str | None, overwrite: bool) -> list[Loss]:
    """Write the values of one session; see `Shelves.write`."""
    found, losses = _values(root, path)
    if session is None and len(found) > 1:
        names = ", ".join(repr(name) for name in found)
        raise FormatError(
            f"one shelf has the values of one session, and there are {len(found)}",
            path=path,
            hint=f"name one as the session ({names}), or write to a folder: x.data",
        )
    if session is not None and session not in found:
        raise FormatError(f"there is no session {session!r:.60} with values", path=path)
    for name, values in found.items():
        if session not in (None, name):
            losses += [Loss(key, "keyed-value", "it is of another session") for key, _ in values]
    chosen = found[session] if session is not None else next(iter(found.values()))
    _write(chosen, path, overwrite)
    return losses


def write_folder(root: Entry, path: Path, overwrite: bool) -> list[Loss]:
    """Write a folder with a shelf for each session; see `Shelves.write`."""
    found, losses = _values(root, path)
    with replacing_folder(path, overwrite=overwrite) as staged:
        for session, values in found.items():
            name = plain_name(session)
            if name != session:
                losses += [Loss(key, "session", f"it is called {name!r}") for key, _ in values]
            if (staged / f"{name}.dat").exists():
                raise FormatError(f"two sessions would both be called {name!r}", path=path)
            _write(values, staged / name, overwrite=False)
    return losses


def _values(root: Entry, path: Path) -> tuple[dict[str, Kept], list[Loss]]:
    """The values of each session by key, and the losses; those of no session are of one that is
    called after the file."""
    found: dict[str, Kept] = {}
    losses: list[Loss] = []
    lost = None  # the way to what was lost last; what is in it follows at once
    for way, entry in ways(root):
        model = entry.model
        if isinstance(model, schemas.KeyedValue):
            losses.append(Loss(way, "at", "shelves do not say when a value was set"))
            if model.author is not None:
                losses.append(Loss(way, "author", "shelves do not say who set a value"))
            if model.session is None:
                losses.append(Loss(way, "session", f"it is called {path.stem!r}"))
            value = from_schema(model.value)
            if not identical(to_schema(value, way), model.value):
                losses.append(
                    Loss(way, "value", "of numbers that Python has, that they were NumPy's")
                )
            value = _portable(value, way, losses)
            found.setdefault(model.session or path.stem, []).append((model.key, value))
        elif lost is None or not way.startswith(f"{lost}/"):
            lost = way
            losses.append(Loss(way, model.kind, "shelves have keyed values alone"))
    if not found:
        raise FormatError(
            "there is no keyed value to write", path=path, hint='set one: session["key"] = …'
        )
    return found, losses


def _portable(value: Any, way: str, losses: list[Loss]) -> Any:
    """The value with times that are at most so far from UTC, not in a zone of this machine."""
    if isinstance(value, list):
        return [_portable(item, way, losses) for item in value]
    if isinstance(value, dict):
        return {key: _portable(item, way, losses) for key, item in value.items()}
    if not isinstance(value, datetime):
        return value
    if value.fold:  # which pickles have from protocol 4 on
        losses.append(Loss(way, "value", "which of two equal times it was, when clocks went back"))
        value = value if isinstance(value.tzinfo, ZoneInfo) else value.replace(fold=0)
    if not isinstance(value.tzinfo, (timezone, type(None))):
        losses.append(Loss(way, "value", "a time has its distance from UTC, and no zone"))
        return value.replace(tzinfo=timezone(value.utcoffset() or timedelta()), fold=0)
    return value


def _write(values: Kept, stem: Path, overwrite: bool) -> None:
    """The two files of a shelf, both or neither."""
    data, index = (stem.with_name(stem.name + suffix) for suffix in (".dat", ".dir"))
    lines: list[bytes] = []
    with ExitStack() as stack:
        index_staged = stack.enter_context(replacing(index, overwrite=overwrite))
        data_staged = stack.enter_context(replacing(data, overwrite=overwrite))
        place = 0
        with data_staged.open("xb") as file:
            for key, value in values:
                pickled = _pickled(value, stem, key)
                file.write(bytes(-place % _BLOCK))
                place += -place % _BLOCK
                lines.append(_line(key, place, len(pickled)))
                file.write(pickled)
                place += len(pickled)
        index_staged.write_bytes(b"".join(lines))


def _line(key: str, place: int, size: int) -> bytes:
    """A line of the index: the bytes of the key as characters, as Python writes a text."""
    return f"{key.encode().decode('latin1')!r}, ({place}, {size})\n".encode("latin1")


def _pickled(value: Any, path: Path, key: str) -> bytes:
    """A pickle that NumPy 1 and Python 2 load: in which NumPy's functions have their old names."""
    try:
        data = pickle.dumps(value, 2)
    except (pickle.PicklingError, TypeError, ValueError, RecursionError) as error:
        raise FormatError(f"it cannot be pickled: {error!s:.200}", path=path, entry=key) from error
    return b"".join(_old_names(data)) if b"cnumpy._core." in data else data


def _old_names(data: bytes) -> Iterator[bytes]:
    start = 0
    for code, arg, place in pickletools.genops(data):
        if code.name == "GLOBAL" and str(arg).startswith("numpy._core."):
            assert place is not None
            yield data[start:place]
            yield b"cnumpy.core."
            start = place + len(b"cnumpy._core.")
    yield data[start:]
