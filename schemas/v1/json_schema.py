"""The JSON Schema of version 1, for readers in other languages."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field, JsonValue

from schemas.v1 import AnyModel
from schemas.v1.value import VALUE_REFERENCE


def _object(**properties: JsonValue) -> JsonValue:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _tagged(tag: str, description: str, content: JsonValue) -> JsonValue:
    return {
        "type": "object",
        "description": description,
        "properties": {tag: content},
        "required": [tag],
    }


_ANY: JsonValue = {"$ref": VALUE_REFERENCE}
_BYTES: JsonValue = {
    "oneOf": [
        {"type": "string", "contentEncoding": "base64"},
        {
            "type": "object",
            "properties": {"blob": {"description": "Where the bytes lie."}},
            "required": ["blob"],
        },
    ]
}
_DTYPE: JsonValue = {"type": "string", "description": "As NumPy writes it; little-endian."}
_SHAPE: JsonValue = {"type": "array", "items": {"type": "integer", "minimum": 0}}

VALUE: JsonValue = {
    "description": "An annotation value. What JSON lacks is an object with a tag.",
    "anyOf": [
        {"type": ["null", "boolean", "number", "string"]},
        {"type": "array", "items": _ANY},
        {
            "type": "object",
            "description": "A dict none of whose keys starts with '$'.",
            "propertyNames": {"not": {"pattern": "^\\$"}},
            "additionalProperties": _ANY,
        },
        _tagged(
            "$dict",
            "Any other dict, as pairs of key and value.",
            {
                "type": "array",
                "items": {
                    "type": "array",
                    "prefixItems": [{"type": "string"}, _ANY],
                    "minItems": 2,
                    "maxItems": 2,
                },
            },
        ),
        _tagged(
            "$int",
            "An integer of more than 64 bits, in hexadecimal.",
            {"type": "string", "pattern": "^-?0x[0-9a-f]+$"},
        ),
        _tagged("$float", "A float that is not finite.", {"enum": ["nan", "inf", "-inf"]}),
        _tagged(
            "$complex",
            "Real and imaginary part.",
            {"type": "array", "items": _ANY, "minItems": 2, "maxItems": 2},
        ),
        _tagged("$bytes", "Bytes.", _BYTES),
        {
            "type": "object",
            "description": "Date and time in ISO 8601; its time zone by name; 1 in `fold` for the"
            " second of two equal wall-clock times.",
            "properties": {
                "$datetime": {"type": "string"},
                "zone": {"type": "string"},
                "fold": {"const": 1},
            },
            "required": ["$datetime"],
        },
        _tagged(
            "$quantity",
            "A number or array of numbers with its unit.",
            _object(value=_ANY, unit={"type": "string", "maxLength": 64}),
        ),
        _tagged(
            "$array",
            "An array: its items in C order.",
            _object(dtype=_DTYPE, shape=_SHAPE, data=_BYTES),
        ),
        _tagged("$scalar", "One NumPy number.", _object(dtype=_DTYPE, data=_BYTES)),
    ],
}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of any document of this version of the contract."""
    # imported here: it takes 15 ms, and nobody who reads or writes archives needs it
    from pydantic import TypeAdapter

    documents: TypeAdapter[Any] = TypeAdapter(Annotated[AnyModel, Field(discriminator="kind")])
    text = json.dumps(documents.json_schema())
    # pydantic resolves references that it made itself, and stumbles over ours.
    text = text.replace(f'"$comment": "{VALUE_REFERENCE}"', f'"$ref": "{VALUE_REFERENCE}"')
    schema: dict[str, Any] = json.loads(text)
    schema["$defs"]["Value"] = VALUE
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "neuroarchive contract, version 1.0",
        **schema,
    }
