"""Where documents refer to blobs: in the payloads of bytes, arrays and NumPy numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Reference = Any  # a list: start, length and digest


def references(document: Any) -> Iterator[Reference]:
    """All references to blobs inside a document."""
    if isinstance(document, dict):
        found = _reference(document)
        if found is not None:
            yield found
        else:
            for value in document.values():
                yield from references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def moved(document: Any, move: Callable[[Reference], Any]) -> Any:
    """The document with other references."""
    if isinstance(document, dict):
        found = _reference(document)
        if found is None:
            return {key: moved(value, move) for key, value in document.items()}
        payload = {"blob": move(found)}
        if "$bytes" in document:
            return {"$bytes": payload}
        return {tag: {**fields, "data": payload} for tag, fields in document.items()}
    if isinstance(document, list):
        return [moved(value, move) for value in document]
    return document


def _reference(node: dict[str, Any]) -> Reference | None:
    """The reference in a value whose payload is a blob. A user's own dict never looks like it:
    keys that begin with ``$`` are written otherwise."""
    if len(node) != 1:
        return None
    ((tag, payload),) = node.items()
    if tag in ("$array", "$scalar") and isinstance(payload, dict):
        payload = payload.get("data")
    elif tag != "$bytes":
        return None
    if isinstance(payload, dict) and set(payload) == {"blob"}:
        found: Reference = payload["blob"]
        return found
    return None
