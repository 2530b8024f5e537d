"""What a newer minor version wrote and this one has no model for."""

from pydantic import Field

from schemas.v1.model import Model


class Unknown(Model):
    """A document of a kind that came with a newer minor version: all its fields are kept as they
    were written, and written back. Only ``schemas.load`` makes one."""

    kind: str = Field(description="The kind, as it was written.")
