"""A model description: what was simulated."""

from typing import Literal

from pydantic import Field

from schemas.v1.model import Model, Name
from schemas.v1.value import Values


class ModelDescription(Model):
    """A network model with its protocol, as the simulator knows it; stored once by digest."""

    kind: Literal["model-description"] = "model-description"
    name: Name | None = Field(default=None, description="Name of the model.")
    description: str | None = Field(default=None, description="Free text.")
    simulator: str | None = Field(
        default=None, description="Simulator it is written for, in lower case."
    )
    equations: str | None = Field(
        default=None, description="Equations, in the simulator's own notation, with units."
    )
    language: str | None = Field(
        default=None, description="Notation of `equations`: 'brian2', 'annarchy', 'nmodl', 'lems'."
    )
    document: Values = Field(
        default_factory=dict,
        description="Populations, projections, inputs, recordings and durations, nested.",
    )
    annotations: Values = Field(default_factory=dict, description="Facts by name.")
