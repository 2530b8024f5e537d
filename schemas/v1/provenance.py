"""Provenance records: what a run was computed by. Each is stored once, and found by its digest."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Digest, Model
from schemas.v1.value import Values

Count = Annotated[int, Field(ge=0)]


class Provenance(Model):
    """The process that a run was in, and which other records say more. The run has the digest of
    this one; the others are found by the digests in it."""

    kind: Literal["provenance"] = "provenance"
    captured: datetime | None = Field(
        default=None, description="Wall-clock time, with zone, to the microsecond."
    )
    process: Count | None = Field(default=None, description="Number of the process.")
    argv: tuple[str, ...] = Field(
        default=(), description="Command line of the process, without what is secret."
    )
    working_directory: str | None = Field(default=None, description="Where it was started.")
    host: str | None = Field(default=None, description="Name of the computer.")
    user: str | None = Field(default=None, description="Name of the account.")
    rank: Count | None = Field(default=None, description="Number of the process under MPI.")
    ranks: Count | None = Field(default=None, description="How many processes MPI has.")
    job: dict[str, str] = Field(
        default_factory=dict,
        description="What the batch system says of its job, by the names of its variables.",
    )
    privacy: Literal["normal", "strict"] = Field(
        default="normal", description="'strict': neither host nor user are told anywhere."
    )
    environment: Digest | None = Field(default=None, description="Digest of the environment.")
    code: Digest | None = Field(default=None, description="Digest of the record of the program.")
    generators: dict[str, Digest] = Field(
        default_factory=dict,
        description="Digest of the state of each generator of random numbers as the run began,"
        " by whose it is: 'numpy', 'random', 'brian2', ...",
    )
    seeds: Values = Field(
        default_factory=dict, description="Seeds of random number generators, by what uses them."
    )
    missing: dict[str, str] = Field(
        default_factory=dict, description="What could not be found out, and why."
    )
    extra: Values = Field(default_factory=dict, description="What else is known, by name.")


class Generator(Model):
    """A generator of random numbers at one moment."""

    kind: Literal["generator"] = "generator"
    algorithm: str | None = Field(default=None, description="What it computes: 'MT19937', ...")
    state: Values = Field(
        default_factory=dict, description="All that it takes to go on from there, by name."
    )
