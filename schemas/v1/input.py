"""A file that a run came from, or made use of."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Digest, Model
from schemas.v1.value import Values


class Input(Model):
    """A file that a run was made of, or that its program read: what it was then, so that it is
    known again, and by what it was read."""

    kind: Literal["input"] = "input"
    role: Literal["imported", "used"] = Field(
        description="'imported': what is in the run was read from it; 'used': the run made use"
        " of it."
    )
    path: Annotated[str, Field(min_length=1)] = Field(description="Where it was, absolute.")
    size: Annotated[int, Field(ge=0)] = Field(description="Its bytes.")
    digest: Digest = Field(description="SHA-256 of them, in hexadecimal.")
    modified: datetime | None = Field(
        default=None, description="Wall-clock time of its last change, with zone."
    )
    others: dict[str, Digest] = Field(
        default_factory=dict, description="Digest of each file that belongs to it, by its path."
    )
    format: str | None = Field(default=None, description="Name of the adapter that read it.")
    package: str | None = Field(default=None, description="The package that the adapter is of.")
    version: str | None = Field(default=None, description="Version of that package.")
    options: Values = Field(default_factory=dict, description="What the adapter was told, by name.")
    losses: tuple[tuple[str, str, str], ...] = Field(
        default=(), description="What could not be carried: entry, field and reason of each."
    )
    author: str | None = Field(default=None, description="Who imported or used it.")
    at: datetime = Field(description="Wall-clock time, with zone, to the microsecond.")
