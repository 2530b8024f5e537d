"""A value that is kept under a key, beside the runs."""

from datetime import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, JsonValue, ValidationInfo
from pydantic_core import core_schema

from schemas.v1.model import Model, Name
from schemas.v1.value import VALUE_REFERENCE, Value, check, decode, encode


def _validate(value: object, info: ValidationInfo) -> Any:
    if info.mode == "json":
        fetch = (info.context or {}).get("fetch")
        return decode(cast("JsonValue", value), fetch=fetch)
    return check(value)


def _dump(value: Value, info: core_schema.SerializationInfo) -> JsonValue:
    return encode(value, keep=(info.context or {}).get("keep"))


class _AsIs:
    """Tells pydantic how to check and write one value, whatever is inside."""

    @staticmethod
    def __get_pydantic_core_schema__(
        source: object, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.with_info_plain_validator_function(
            _validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _dump, info_arg=True, when_used="json"
            ),
        )

    @staticmethod
    def __get_pydantic_json_schema__(
        schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"$comment": VALUE_REFERENCE}


class KeyedValue(Model):
    """A value that a session keeps under a key, beside the runs. A session has one value at most
    for a key."""

    kind: Literal["keyed-value"] = "keyed-value"
    key: Annotated[str, Field(min_length=1, max_length=1024)] = Field(description="Any text.")
    value: Annotated[Value, _AsIs] = Field(
        description="A value of any type that an annotation can have."
    )
    session: Name | None = Field(
        default=None, description="Name of the session that set it; null: the archive itself."
    )
    author: str | None = Field(default=None, description="Who set it.")
    at: datetime = Field(description="Wall-clock time, with zone, to the microsecond.")
