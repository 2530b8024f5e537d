"""How a run comes about: gathered without asking, as records that are stored once each.

The gathering itself, `archive.provenance.process`, is loaded when a run begins.
"""

from __future__ import annotations

from archive.provenance.capturing import Capturing, Records
from archive.provenance.privacy import Privacy, chosen, host, shown, user
from archive.provenance.versions import writer

__all__ = ["Capturing", "Privacy", "Records", "chosen", "host", "shown", "user", "writer"]
