"""A projection: the connections from one population to another."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Model, Name
from schemas.v1.unit import UnitText
from schemas.v1.value import Values

Count = Annotated[int, Field(ge=0)]


class Projection(Model):
    """Connections in compressed rows, one row for each neuron of the population that `rows` names.

    Arrays: ``row_pointers`` (neurons + 1,) int64: the connections of neuron i are
    ``row_pointers[i]`` to ``row_pointers[i + 1]``; ``columns`` (connection,) int32 or int64: the
    index of the neuron at the other end, in any order within a row. Optional: ``weights``
    (connection,) in `weight_unit`; ``delays`` (connection,) in `delay_unit`; ``state:<variable>``
    (connection,) other variables of the synapses, with their unit in `state_units`; ``order``
    (connection,) int64: where each stood in the simulator, if it had them in another order. One
    value for all connections is an array of shape (1,)."""

    kind: Literal["projection"] = "projection"
    name: Name = Field(description="Label, unique in the experiment.")
    pre: Name = Field(description="Name of the sending population.")
    post: Name = Field(description="Name of the receiving population.")
    pre_size: Count = Field(description="Number of neurons of the sending population.")
    post_size: Count = Field(description="Number of neurons of the receiving population.")
    size: Count = Field(description="Number of connections.")
    rows: Literal["post", "pre"] = Field(
        default="post", description="Whose neurons the compressed rows are."
    )
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
    parameters: Values = Field(
        default_factory=dict, description="Parameters of synapse and connector by name."
    )
    state_units: dict[Name, UnitText] = Field(
        default_factory=dict, description="Unit of each variable of the synapses, by its name."
    )
    native: Values = Field(
        default_factory=dict,
        description="What only the simulator itself can use, by its own names: queues, views.",
    )
    annotations: Values = Field(default_factory=dict, description="Facts by name.")
