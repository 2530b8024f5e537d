"""A population of neurons."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Model, Name
from schemas.v1.unit import UnitText
from schemas.v1.value import Values

Count = Annotated[int, Field(ge=0)]


class Population(Model):
    """Neurons of one model under one name. Optional arrays: ``positions`` (neuron, axis) float64
    in `position_unit`; ``ids`` (neuron,) int64, the simulator's identifiers where they are not
    consecutive; ``state:<variable>`` (neuron,) a variable, or a parameter that differs from neuron
    to neuron, in a snapshot, with its unit in `state_units`; (1,) where all share one value that
    the simulator changes."""

    kind: Literal["population"] = "population"
    name: Name = Field(description="Label, unique in the experiment.")
    size: Count = Field(description="Number of neurons.")
    description: str | None = Field(default=None, description="Free text.")
    model: str | None = Field(
        default=None, description="Cell type or equations, as the simulator names it: 'IF_cond_exp'"
    )
    geometry: tuple[Count, ...] | None = Field(
        default=None, description="Neurons along each axis of a grid; their product is `size`."
    )
    structure: str | None = Field(
        default=None, description="How the neurons are placed, as the simulator describes it."
    )
    position_unit: UnitText = Field(default="um", description="Unit of ``positions``.")
    first_id: int | None = Field(
        default=None, description="The simulator's identifier of the first neuron."
    )
    last_id: int | None = Field(
        default=None, description="The simulator's identifier of the last neuron."
    )
    parameters: Values = Field(
        default_factory=dict,
        description="Parameters of the model by name: one value for all, or an array (neuron,).",
    )
    initial_values: Values = Field(
        default_factory=dict, description="State variables at time 0: as in `parameters`."
    )
    state_units: dict[Name, UnitText] = Field(
        default_factory=dict, description="Unit of each state variable, by its name."
    )
    native: Values = Field(
        default_factory=dict,
        description="What only the simulator itself can use, by its own names: queues, delays.",
    )
    annotations: Values = Field(default_factory=dict, description="Facts by name.")
