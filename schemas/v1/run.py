"""A run, and how it ended."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from schemas.v1.model import Digest, Model, Name
from schemas.v1.value import Values


class Run(Model):
    """One execution of a simulation with one set of parameters; its parts are segments."""

    kind: Literal["run"] = "run"
    name: Name = Field(description="Name, unique in the experiment.")
    description: str | None = Field(default=None, description="Free text.")
    simulator: str | None = Field(
        default=None, description="Simulator, in lower case: 'neuron', 'nest', 'brian2', ..."
    )
    started: datetime | None = Field(
        default=None, description="Wall-clock time of its start, with zone, to the microsecond."
    )
    parameters: str | None = Field(
        default=None, description="Digest of the parameter set it ran with."
    )
    provenance: str | None = Field(
        default=None, description="Digest of the provenance record of its process."
    )
    annotations: Values = Field(default_factory=dict, description="Facts by name.")


class RunEnd(Model):
    """That a run is over, and how it came to its end. A run without one may still be going on,
    or its process died."""

    kind: Literal["run-end"] = "run-end"
    ended: datetime | None = Field(
        default=None, description="Wall-clock time of its end, with zone, to the microsecond."
    )
    outcome: Literal["finished", "failed", "interrupted", "abandoned"] = Field(
        description="'failed': an error ended it; 'interrupted': a person or a signal did;"
        " 'abandoned': a later session found it without an end."
    )
    reason: str | None = Field(default=None, description="The traceback, or what is known.")
    provenance: Digest | None = Field(
        default=None,
        description="Digest of the provenance record as it was then, if it was another one.",
    )
