"""How a run comes about: gathered without asking, as records that are stored once each."""

from __future__ import annotations

from archive.provenance.privacy import Privacy, chosen, host, shown, user
from archive.provenance.process import Capture, Records, writer
from archive.provenance.restoring import restore_generator, restore_generators

__all__ = [
    "Capture",
    "Privacy",
    "Records",
    "chosen",
    "host",
    "restore_generator",
    "restore_generators",
    "shown",
    "user",
    "writer",
]
