"""How a process knows that it runs a run again."""

from __future__ import annotations

# Names the folder with what it is told, see `archive.experiment.redirected`.
VARIABLE = "NEUROARCHIVE_RERUN"
