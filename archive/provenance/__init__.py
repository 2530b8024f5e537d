"""How a run comes about: gathered without asking, as records that are stored once each."""

from __future__ import annotations

from archive.provenance.process import begun, completed, user, writer

__all__ = ["begun", "completed", "user", "writer"]
