"""What a run holds of the process that it is in, while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import schemas

# Records by digest, with that of the process first.
Records = Mapping[str, schemas.Model]


class Capturing(Protocol):
    """What was found out as a run began, and what more will be known at its end."""

    records: Records

    def note_generator(self, name: str, generator: Any) -> None:
        """Keep the state that a generator has now. Raises ContractError for what has none."""

    def completed(self) -> Records:
        """The records at the end of the run, if more is known by then; else none."""
