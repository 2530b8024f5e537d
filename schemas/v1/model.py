"""What every model of the contract has in common: strict, immutable, unknown fields seen."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

NAME_LIMIT = 255
_FORBIDDEN = re.compile(r"[/\x00-\x1f\x7f]")


def check_name(name: str) -> str:
    """A name that NIX can hold: not empty, no ``/``, no control character, 255 characters."""
    if not name:
        raise ValueError("a name must not be empty")
    if len(name) > NAME_LIMIT:
        raise ValueError(f"a name has at most {NAME_LIMIT} characters, this one has {len(name)}")
    bad = _FORBIDDEN.search(name)
    if bad is not None:
        raise ValueError(f"a name must not contain {bad[0]!r} (in {name[:60]!r})")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError(f"a name must be valid Unicode (in {name[:60]!r})") from None
    return name


Name = Annotated[str, AfterValidator(check_name)]


Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]  # SHA-256, in hexadecimal


class Facts(BaseModel):
    """Base of all models, and of what lies in them. Unknown fields are refused, except in
    documents of a newer minor version (``schemas.load`` says so through the validation context):
    those keep them."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="allow",
        allow_inf_nan=True,
        defer_build=True,  # most programs need few of the models, and building takes 2 ms each
    )

    @model_validator(mode="after")
    def _refuse_unknown_fields(self, info: ValidationInfo) -> Self:
        extra: dict[str, Any] | None = self.model_extra
        if extra and not (info.context or {}).get("newer_minor"):
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"unknown field(s) {', '.join(extra)}; known are {known}")
        return self


class Model(Facts):
    """Base of all that has a document of its own."""

    kind: str
