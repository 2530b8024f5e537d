"""Between models and JSON documents."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from math import copysign
from typing import Any

from pydantic import JsonValue
from pydantic_core import to_json as _to_json

from schemas.v1 import KINDS, Model
from schemas.v1.unknown import Unknown
from schemas.v1.value import Fetch, Keep
from schemas.versions import CONTRACT, is_newer_minor


def load(
    document: Mapping[str, JsonValue],
    *,
    contract: tuple[int, int] = CONTRACT,
    fetch: Fetch | None = None,
) -> Model:
    """The model of a document that was written under `contract`.

    `fetch` gives the bytes that ``dump`` gave to `keep`. Of a newer minor version, unknown fields
    are kept, and an unknown kind becomes an ``Unknown``. Raises TooNew for a newer major version,
    ValueError (pydantic's ValidationError) for what breaks the contract.
    """
    newer_minor = is_newer_minor(contract)
    kind = document.get("kind")
    model: type[Model] | None = KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        if not newer_minor:
            raise ValueError(f"unknown kind {kind!r:.60}; known are {', '.join(KINDS)}")
        model = Unknown
    # pydantic is strict about Python objects, where a date must be a datetime; only in text does
    # it expect what JSON can say.
    context = {"newer_minor": newer_minor, "fetch": fetch}
    return model.model_validate_json(to_json(document), context=context)


def dump(model: Model, *, keep: Keep | None = None) -> dict[str, Any]:
    """The document of a model, for ``load``: its kind, and all fields that differ from their
    default. Payloads of more than 1024 bytes are given to `keep`, if there is one."""
    fields = model.model_dump(mode="json", exclude_defaults=True, context={"keep": keep})
    for name, value in model.__dict__.items():
        # equal to a default of 0.0, and yet another number
        if value.__class__ is float and value == 0 and copysign(1, value) < 0:
            fields[name] = value
    return {"kind": model.__dict__["kind"], **fields}


def to_json(document: Mapping[str, Any]) -> bytes:
    """A document as one line of JSON in UTF-8."""
    return _to_json(document)


def digest(model: Model) -> str:
    """SHA-256 of a model's JSON document with sorted keys, arrays inside: 64 hexadecimal digits."""
    document = dump(model)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    if '"$dict"' in text:
        text = json.dumps(_ordered(document), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _ordered(node: Any) -> Any:
    """The document with the pairs of each dict in the order of their keys, as objects have them."""
    if isinstance(node, list):
        return [_ordered(item) for item in node]
    if not isinstance(node, dict):
        return node
    ordered = {key: _ordered(item) for key, item in node.items()}
    pairs = ordered.get("$dict")
    # at the level of names it may be one of these, with anything behind it
    if isinstance(pairs, list) and all(isinstance(one, list) and len(one) == 2 for one in pairs):
        ordered["$dict"] = sorted(pairs, key=lambda pair: str(pair[0]))
    return ordered
