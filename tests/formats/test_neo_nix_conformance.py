"""The NIX files of Neo before the judge of adapters."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from archive.adapters.neo_nix import NeoNix
from archive.entry import walk
from archive.errors import FormatError
from archive.testing import RoundTripSuite
from archive.testing.damage import damaged


@pytest.mark.slow  # each reading starts a process
@pytest.mark.damaged
class TestNeoNix(RoundTripSuite):
    adapter = NeoNix()
    examples: ClassVar[int] = 1  # NixIO needs a minute for some, and the sample is judged too
    mutations: ClassVar[int] = 20

    @pytest.fixture(autouse=True)
    def small_heap(self) -> Iterator[None]:
        """nixio collects garbage when it closes a file: it need not look through all that the
        tests before have loaded."""
        gc.freeze()
        yield
        gc.unfreeze()

    def test_damaged_files_are_refused(self, tmp_path: Path) -> None:
        """The judge forbids processes, and here one is the protection: so it is this process that
        is looked at."""
        (source,) = self.files(tmp_path)
        content = source.read_bytes()
        path = tmp_path / "damaged.nix"
        for number in range(self.mutations):
            path.write_bytes(damaged(content, number))
            assert _refused(path) in (None, str(path)), number


def _refused(path: Path) -> str | None:
    """Read all of a file; which one the error names, if there was one."""
    try:
        for top in NeoNix().read(path):
            for entry in walk(top):
                for array in entry.arrays.values():
                    np.asarray(array)
    except FormatError as error:
        return error.path
    return None
