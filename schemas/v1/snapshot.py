"""A snapshot: the state of a network at one moment."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Model, Name
from schemas.v1.unit import UnitText
from schemas.v1.value import Values


class Snapshot(Model):
    """The state of a network at one moment of a run; its parts are populations and projections,
    with their arrays."""

    kind: Literal["snapshot"] = "snapshot"
    name: Name | None = Field(default=None, description="Name as given; not necessarily unique.")
    description: str | None = Field(default=None, description="Free text.")
    time: Annotated[float, Field(allow_inf_nan=False)] = Field(
        description="Simulated time, in `time_unit`."
    )
    time_unit: UnitText = Field(default="ms", description="Unit of `time` and `time_step`.")
    time_step: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="Time step of the simulation; there, if anything has delays."
    )
    simulator: str | None = Field(
        default=None, description="Simulator, in lower case: 'neuron', 'nest', 'brian2', ..."
    )
    taken: datetime | None = Field(
        default=None, description="Wall-clock time, with zone, to the microsecond."
    )
    populations: tuple[Name, ...] = Field(
        default=(), description="Names of the populations whose state it has."
    )
    projections: tuple[Name, ...] = Field(
        default=(), description="Names of the projections whose state it has."
    )
    constants: Values = Field(
        default_factory=dict, description="Constants and parameters of the whole network, by name."
    )
    native: Values = Field(
        default_factory=dict,
        description="What only the simulator itself can use, by its own names: clocks, generators.",
    )
    annotations: Values = Field(default_factory=dict, description="Facts by name.")
