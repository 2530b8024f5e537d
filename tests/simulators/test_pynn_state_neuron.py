"""Snapshots of PyNN networks on NEURON."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from tests.simulators.pynn_networks import (
    check_captured,
    check_continued,
    check_mismatches,
    check_restored,
)

pytestmark = pytest.mark.simulator


@pytest.fixture
def sim(require: Callable[[str], ModuleType]) -> ModuleType:
    return require("pyNN.neuron")


def test_what_is_captured(sim: ModuleType) -> None:
    check_captured(sim)


def test_all_values_come_back(sim: ModuleType) -> None:
    check_restored(sim, hidden={"short: last_weight"})


def test_it_goes_on(sim: ModuleType) -> None:
    check_continued(sim, tolerance=1e-6)


def test_what_does_not_fit(sim: ModuleType) -> None:
    check_mismatches(sim)
