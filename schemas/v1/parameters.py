"""A set of parameters."""

from __future__ import annotations

from typing import Literal

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
