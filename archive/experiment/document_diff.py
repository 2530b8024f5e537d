"""In what the documents of two things differ, field by field, whatever models they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np

import schemas
from archive import values
from archive.experiment.display import value_text
from archive.experiment.parameter_diff import items_differing
from archive.experiment.snapshot_diff import FactDiff
from archive.experiment.value_keys import path_text, value_key
from archive.experiment.verdict import DIFFERENT, EQUAL, Verdict

RECORDED: Final = "recorded"


def facts(
    one: schemas.Facts | Mapping[str, Any] | None,
    other: schemas.Facts | Mapping[str, Any] | None,
    ignored: Collection[str] = (),
) -> Iterator[FactDiff]:
    """Fields in which two documents differ; what is in mappings by the keys that lead to it, as
    ``packages.numpy``. Where there is but one document, that is the only difference."""
    if one is None or other is None:
        if one is not other:
            yield FactDiff(RECORDED, one is not None, other is not None)
        return
    before, after = _fields(one), _fields(other)
    for name in dict.fromkeys([*before, *after]):
        if name not in ignored:
            yield from _unequal((name,), before.get(name), after.get(name))


def verdict_of(fact: FactDiff) -> Verdict:
    """Whether two values are the same but for their unit or type, as 10 ms and 0.01 s."""
    pair = fact.first, fact.second
    try:
        same = None not in pair and value_key(fact.first) == value_key(fact.second)
    except (TypeError, ValueError, AttributeError):  # a model, or another thing that is no value
        same = False
    return EQUAL if same else DIFFERENT


def fact_text(fact: FactDiff) -> str:
    """``tau_m: 10.0 ms -> 20.0 ms``, in one line."""
    pair = [_plain(value) for value in (fact.first, fact.second)]
    said = f"{fact.name}: {shown(fact.first)} -> {shown(fact.second)}"
    if all(isinstance(one, np.ndarray) for one in pair):
        said += items_differing(*pair)
    return one_line(said)


def shown(value: Any) -> str:
    """A value of a document in few characters; "none" where there is none."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return one_line(value_text(_plain(value)))


def one_line(text: str) -> str:
    """The text with what would break a line, or command a terminal, made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def plain_fact(fact: FactDiff) -> dict[str, Any]:
    """The fact as a dict of what the user holds, with units."""
    return {"name": fact.name, "first": _plain(fact.first), "second": _plain(fact.second)}


def _plain(value: Any) -> Any:
    if isinstance(value, schemas.Facts):
        return {name: _plain(item) for name, item in _fields(value).items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return values.from_schema(value)


def _fields(document: schemas.Facts | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(document, schemas.Facts):
        return dict(document)
    names = [name for name in type(document).model_fields if name != "kind"]
    return {name: getattr(document, name) for name in names} | (document.model_extra or {})


def _unequal(path: tuple[str, ...], one: Any, other: Any) -> Iterator[FactDiff]:
    if _is_nested(one) and _is_nested(other) and (one or other):
        before, after = _fields(one), _fields(other)
        for key in dict.fromkeys([*before, *after]):
            yield from _unequal((*path, key), before.get(key, _ABSENT), after.get(key, _ABSENT))
    elif not _same(one, other):
        pair = [None if value is _ABSENT else value for value in (one, other)]
        yield FactDiff(path_text(path), *pair)


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | schemas.Facts)


_ABSENT: Final = object()


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one == other and one.utcoffset() == other.utcoffset()
    return schemas.identical(one, other)
