"""A projection: the connections from one population to another."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Model, Name
from schemas.v1.unit import UnitText
from schemas.v1.value import Values

Count = Annotated[int, Field(ge=0)]


class Projection(Model):
    """Connections, sorted by the receiving neuron, then the sending one (compressed rows).

    Arrays: ``row_pointers`` (post neurons + 1,) int64: the connections onto neuron i are
    ``row_pointers[i]`` to ``row_pointers[i + 1]``; ``columns`` (connection,) int32 or int64: the
    index of the sending neuron in `pre`. Optional: ``weights`` (connection,) in `weight_unit`;
    ``delays`` (connection,) in `delay_unit`; ``state:<variable>`` (connection,) other variables
    of the synapses, with their unit in `state_units`. One value for all connections is an array
    of shape (1,)."""

    kind: Literal["projection"] = "projection"
    name: Name = Field(description="Label, unique in the experiment.")
    pre: Name = Field(description="Name of the sending population.")
    post: Name = Field(description="Name of the receiving population.")
    size: Count = Field(description="Number of connections.")
    description: str | None = Field(default=None, description="Free text.")
    receptor: str | None = Field(
        default=None, description="What it acts on: 'excitatory', 'inhibitory', 'exc', 'g_ampa'."
    )
    synapse: str | None = Field(
        default=None, description="Model of the synapse, as the simulator names it."
    )
    connector: str | None = Field(
        default=None, description="Rule by which the connections were made."
    )
    weight_unit: UnitText | None = Field(
        default=None, description="Unit of ``weights``; None: not known."
    )
    delay_unit: UnitText = Field(default="ms", description="Unit of ``delays``.")
    time_step: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = Field(
        default=None, description="Time step of the simulation, in `delay_unit`."
    )
    parameters: Values = Field(
        default_factory=dict, description="Parameters of synapse and connector by name."
    )
    state_units: dict[Name, UnitText] = Field(
        default_factory=dict, description="Unit of each variable of the synapses, by its name."
    )
    annotations: Values = Field(default_factory=dict, description="Facts by name.")
