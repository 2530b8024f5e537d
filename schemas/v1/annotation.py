"""A later change of annotations."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from schemas.v1.model import Model
from schemas.v1.value import Values


class AnnotationChange(Model):
    """Annotations that were set or removed after the fact: what, by whom, when, and what stood
    there before."""

    kind: Literal["annotation"] = "annotation"
    annotations: Values = Field(default_factory=dict, description="What is set now, by name.")
    removed: tuple[str, ...] = Field(default=(), description="Names of what is no longer set.")
    former: Values = Field(
        default_factory=dict, description="What stood there, for each changed name that had one."
    )
    author: str | None = Field(default=None, description="Who changed it.")
    at: datetime = Field(description="Wall-clock time, with zone, to the microsecond.")
