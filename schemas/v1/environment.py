"""An environment: the machine, and the software on it."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Facts, Model
from schemas.v1.value import Values


class Simulator(Facts):
    """A simulator as it was set up."""

    version: str | None = Field(default=None, description="Its version.")
    backend: str | None = Field(
        default=None, description="What it computes with: the back end of PyNN, a device."
    )
    build: Values = Field(
        default_factory=dict,
        description="How it was built, and what it is set to: compiler, code-generation target.",
    )


class Environment(Model):
    """The surroundings of a process: equal for all runs on one machine with the same software."""

    kind: Literal["environment"] = "environment"
    python: str | None = Field(default=None, description="Implementation and version of Python.")
    platform: str | None = Field(
        default=None, description="Operating system, its version and the processor architecture."
    )
    processor: str | None = Field(default=None, description="Model of the processor.")
    cores: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="How many of them the process may use."
    )
    memory: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Bytes of memory of the machine."
    )
    threads: dict[str, str] = Field(
        default_factory=dict, description="How many threads libraries use, by who says so."
    )
    packages: dict[str, str] = Field(
        default_factory=dict, description="Version of each installed distribution, by its name."
    )
    simulators: dict[str, Simulator] = Field(
        default_factory=dict, description="The simulators that are loaded, by name, in lower case."
    )
    variables: dict[str, str] = Field(
        default_factory=dict, description="Environment variables of a list of harmless ones."
    )
