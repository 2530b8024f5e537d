"""Waiting for an archive that another process holds."""

from __future__ import annotations

import random
import time
from pathlib import Path

from archive.container import Container
from archive.errors import Busy
from archive.storage import Durability


def open_in_turn(path: Path, *, timeout: float, durability: Durability = "commit") -> Container:
    """An archive open for writing, as soon as no other process holds it.

    Raises Busy after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            return Container(path, writable=True, durability=durability)
        except Busy:
            if time.monotonic() >= deadline:
                raise
        # at random, so that of those who wait each has its turn
        time.sleep(random.uniform(0.001, 0.01))
