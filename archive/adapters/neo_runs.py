"""Blocks of Neo as runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import schemas
from archive.adapters.neo_mending import clean, mend
from archive.entry import Entry, Loss
from archive.hooks.neo_ import block_entries
from archive.hooks.pynn import run_facts
from archive.modelling import modelled
from archive.values import to_schema_dict


def block_runs(blocks: Iterable[Any], count: int, name: str, losses: list[Loss]) -> Iterator[Entry]:
    """Blocks as runs, called after them; or after the file, where there is one block only."""
    names: set[str] = set()
    for number, block in enumerate(blocks, 1):
        mend(block, losses)
        own = clean(str(block.name or "")) or f"block {number}"
        chosen = clean(name) if count == 1 else own
        if chosen in names:
            chosen = f"{chosen[:240]} {number}"
        names.add(chosen)
        yield Entry(_run(block, chosen), parts=block_entries(block))


def _run(block: Any, name: str) -> schemas.Run:
    simulator = run_facts(block).get("simulator")
    return modelled(
        schemas.Run,
        name,
        name=name,
        description=block.description or None,
        started=_local(block.rec_datetime),
        simulator=simulator.lower() if isinstance(simulator, str) else None,
        annotations=to_schema_dict(block.annotations, name),
    )


def _local(moment: Any) -> datetime | None:
    """A time with its zone: the local one if it names none."""
    if not isinstance(moment, datetime):
        return None
    return moment.astimezone() if moment.tzinfo is None else moment
