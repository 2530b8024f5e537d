"""A provenance record: in what surroundings a process computed."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Model
from schemas.v1.value import Values


class Provenance(Model):
    """What one process was, gathered once; runs refer to it by digest."""

    kind: Literal["provenance"] = "provenance"
    captured: datetime | None = Field(
        default=None, description="Wall-clock time, with zone, to the microsecond."
    )
    python: str | None = Field(default=None, description="Implementation and version of Python.")
    platform: str | None = Field(
        default=None, description="Operating system, its version and the processor architecture."
    )
    host: str | None = Field(default=None, description="Name of the computer.")
    user: str | None = Field(default=None, description="Name of the account.")
    process: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Number of the process."
    )
    argv: tuple[str, ...] = Field(default=(), description="Command line of the process.")
    working_directory: str | None = Field(default=None, description="Where it was started.")
    packages: dict[str, str] = Field(
        default_factory=dict, description="Version of each package that took part, by its name."
    )
    source: Values = Field(
        default_factory=dict,
        description="The program: path, digest, and the commit and changes of its repository.",
    )
    seeds: Values = Field(
        default_factory=dict, description="Seeds of random number generators, by what uses them."
    )
    extra: Values = Field(default_factory=dict, description="What else is known, by name.")
