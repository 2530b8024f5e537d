"""An experiment: what one archive holds."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from schemas.v1.model import Model, Name
from schemas.v1.value import Values


class Experiment(Model):
    """One experiment, the root of an archive; its parts are runs."""

    kind: Literal["experiment"] = "experiment"
    id: str = Field(min_length=1, max_length=64, description="Identifier, unique in the world.")
    name: Name = Field(description="Title of the experiment.")
    description: str | None = Field(default=None, description="Free text.")
    people: tuple[str, ...] = Field(default=(), description="Who did it, as they write themselves.")
    created: datetime | None = Field(
        default=None, description="Wall-clock time of creation, with zone, to the microsecond."
    )
    annotations: Values = Field(default_factory=dict, description="Facts by name.")
