"""PyNN with brian2: what its populations recorded becomes entries."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest

from tests.simulators.pynn_experiment import check_append, check_io, check_views

pytestmark = pytest.mark.simulator


@pytest.fixture
def sim(require: Callable[[str], ModuleType]) -> ModuleType:
    require("brian2").prefs.codegen.target = "numpy"  # compiling takes minutes
    return require("pyNN.brian2")


def test_append(sim: ModuleType) -> None:
    check_append(sim)


def test_views(sim: ModuleType) -> None:
    check_views(sim)


def test_neo_io(sim: ModuleType) -> None:
    check_io(sim)
