"""A set of parameters."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Model, Name
from schemas.v1.value import Values


class ParameterSet(Model):
    """Parameters that runs share. Top-level keys are constants, or dicts with the parameters of
    one population, projection or part of the network; numbers with a unit are quantities."""

    kind: Literal["parameter-set"] = "parameter-set"
    name: Name | None = Field(default=None, description="Name of the set, if it has one.")
    description: str | None = Field(default=None, description="Free text.")
    values: Values = Field(default_factory=dict, description="Parameters by name, nested.")


class ParameterName(Model):
    """That a parameter set is called by a name. A name stays with its set; what is said of it
    last counts."""

    kind: Literal["parameter-name"] = "parameter-name"
    name: Name = Field(description="The name, of one set for ever.")
    parameters: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] = Field(
        description="Digest of the parameter set."
    )
    description: str | None = Field(default=None, description="Free text.")
    author: str | None = Field(default=None, description="Who said so.")
    at: datetime = Field(description="Wall-clock time, with zone, to the microsecond.")
