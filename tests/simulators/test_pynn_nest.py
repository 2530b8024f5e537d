"""PyNN with nest: what its populations recorded becomes entries."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.simulators.pynn_experiment import check_append, check_io, check_views

pytestmark = pytest.mark.simulator


@pytest.fixture
def sim(require: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # PyNN looks for the simulator's own programs, which are beside Python's.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    return require("pyNN.nest")


def test_append(sim: ModuleType) -> None:
    check_append(sim, t_flush=10.0)


def test_views(sim: ModuleType) -> None:
    check_views(sim)


def test_neo_io(sim: ModuleType) -> None:
    check_io(sim, t_flush=10.0)
