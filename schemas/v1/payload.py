"""A field of bytes: as a value that is always bytes, so that long ones are kept as blobs."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, ValidationInfo
from pydantic_core import core_schema

from schemas.v1.value import VALUE_REFERENCE, decode, encode


def _validate_bytes(value: object, info: ValidationInfo) -> bytes:
    if info.mode == "json":
        value = decode(cast("JsonValue", value), fetch=(info.context or {}).get("fetch"), depth=1)
    if type(value) is not bytes:
        raise ValueError(f"it must be bytes, not {type(value).__name__}")
    return value


def _dump_bytes(value: bytes, info: core_schema.SerializationInfo) -> JsonValue:
    return encode(value, keep=(info.context or {}).get("keep"), depth=1)


class _AsBytes:
    """Tells pydantic how to check and write bytes: as a value that is always bytes."""

    @staticmethod
    def __get_pydantic_core_schema__(
        source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _validate_bytes,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _dump_bytes, info_arg=True, when_used="json"
            ),
        )

    @staticmethod
    def __get_pydantic_json_schema__(
        schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"$comment": VALUE_REFERENCE}


Bytes = Annotated[bytes, _AsBytes]
