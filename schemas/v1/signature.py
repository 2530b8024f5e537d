"""A signature over what an archive held at one moment."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Digest, Model


class Signature(Model):
    """That somebody stands for all that an archive held at one moment. What is signed is the
    digest of this document without `key` and `signature`. What is added to the archive later is
    not covered."""

    kind: Literal["signature"] = "signature"
    experiment: str = Field(description="`id` of the experiment; no other archive has it.")
    covers: dict[str, Annotated[int, Field(ge=0)]] = Field(
        description="How many bytes each heap had, and how many rows each table, by its name."
    )
    documents: Digest = Field(description="SHA-256 of all documents and rows, as the layout says.")
    data: Digest = Field(description="SHA-256 of all arrays and payloads, as the layout says.")
    signer: str | None = Field(default=None, description="Who signed, as they say themselves.")
    at: datetime = Field(
        description="Wall-clock time, with zone, to the microsecond, as the signer says."
    )
    key: str = Field(default="", description="The signer's public key, in the form of OpenSSH.")
    signature: str = Field(
        default="",
        description="The signature as `ssh-keygen -Y sign -n neuroarchive` writes it (SSHSIG).",
    )
