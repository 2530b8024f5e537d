"""Generators of random numbers, set to what they were."""

from __future__ import annotations

from collections.abc import Mapping

import schemas


def restore_generators(states: Mapping[str, schemas.Model]) -> None:
    """By whose they are."""
