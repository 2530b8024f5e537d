"""How a run comes about: gathered without asking, as records that are stored once each."""

from __future__ import annotations

from archive.provenance.privacy import Privacy, chosen, host, shown, user
from archive.provenance.process import Capture, Records, writer

__all__ = ["Capture", "Privacy", "Records", "chosen", "host", "shown", "user", "writer"]
