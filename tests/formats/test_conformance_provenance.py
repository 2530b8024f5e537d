"""What tells of an experiment's origin before the judge that others' adapters have."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import ClassVar

import pytest

from archive.adapters.prov_json import ProvJson
from archive.adapters.prov_n import ProvN
from archive.adapters.ro_crate import RoCrate
from archive.testing import WriterSuite


class TestProvJson(WriterSuite):
    adapter = ProvJson()
    examples = 8


class TestProvN(WriterSuite):
    adapter = ProvN()
    examples = 8


class TestRoCrate(WriterSuite):
    adapter = RoCrate()
    examples = 6
    file_name: ClassVar = "crate"


@pytest.mark.parametrize("module", ["jsonschema", "prov", "rocrate"])
def test_what_reads_them_is_here(module: str, require: Callable[[str], ModuleType]) -> None:
    """The tests of these formats are left out without it, which must not go unseen in CI."""
    require(module)
