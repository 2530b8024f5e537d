"""Snapshots of PyNN networks on Brian 2."""

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
    require("brian2").prefs.codegen.target = "numpy"  # compiling takes minutes
    return require("pyNN.brian2")


def test_what_is_captured(sim: ModuleType) -> None:
    check_captured(sim)


def test_all_values_come_back(sim: ModuleType) -> None:
    check_restored(sim, hidden=set())


def test_it_goes_on(sim: ModuleType) -> None:
    check_continued(sim, tolerance=1e-9)


def test_what_does_not_fit(sim: ModuleType) -> None:
    check_mismatches(sim)
