"""What leads from one run to another, and out of an archive."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Digest, Model, Name
from schemas.v1.value import Values


class Parent(Model):
    """What a run began with, or went on from: another run, or a snapshot of one."""

    kind: Literal["parent"] = "parent"
    how: Literal["rerun", "restored", "named"] = Field(
        description="'rerun': it was computed again; 'restored': the network took on its state;"
        " 'named': the program said so."
    )
    experiment: str = Field(description="`id` of the experiment that it is in.")
    path: str | None = Field(
        default=None, description="Its archive, absolute; null: the same one as that of the run."
    )
    run: Name = Field(description="Name of the run.")
    snapshot: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Number of the snapshot in that run; null: it was no snapshot."
    )
    digest: Digest | None = Field(
        default=None, description="Digest of what it was, as far as its documents tell."
    )
    at: datetime = Field(description="Wall-clock time, with zone, to the microsecond.")


class Exported(Model):
    """That a file was made of a run, or of some of it."""

    kind: Literal["export"] = "export"
    path: Annotated[str, Field(min_length=1)] = Field(description="Where it was put, absolute.")
    format: str = Field(description="Name of the adapter that wrote it.")
    package: str | None = Field(default=None, description="The package that the adapter is of.")
    version: str | None = Field(default=None, description="Version of that package.")
    size: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Its bytes; of a folder, of all files in it."
    )
    digest: Digest | None = Field(
        default=None, description="SHA-256 of its bytes, in hexadecimal; null: it is a folder."
    )
    options: Values = Field(default_factory=dict, description="What the adapter was told, by name.")
    losses: tuple[tuple[str, str, str], ...] = Field(
        default=(), description="What could not be carried: entry, field and reason of each."
    )
    author: str | None = Field(default=None, description="Who exported it.")
    at: datetime = Field(description="Wall-clock time, with zone, to the microsecond.")
