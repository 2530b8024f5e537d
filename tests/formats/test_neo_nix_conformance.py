"""The NIX files of Neo before the judge of adapters."""

from __future__ import annotations

from typing import ClassVar

from archive.adapters.neo_nix import NeoNix
from archive.testing import RoundTripSuite


class TestNeoNix(RoundTripSuite):
    adapter = NeoNix()
    # each reading starts a process
    examples: ClassVar[int] = 8
    mutations: ClassVar[int] = 6
