"""How a run comes about: gathered without asking, as records that are stored once each."""

from __future__ import annotations

from archive.provenance.process import begun, completed, user, writer
from archive.provenance.restoring import restore_generators

__all__ = ["begun", "completed", "restore_generators", "user", "writer"]
