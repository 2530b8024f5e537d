"""Our own adapters before the judge that others' have."""

from __future__ import annotations

from typing import ClassVar

from archive.adapters.json_archive import JsonArchive
from archive.testing import RoundTripSuite


class TestJson(RoundTripSuite):
    adapter = JsonArchive()


class TestJsonInline(RoundTripSuite):
    adapter = JsonArchive()
    write_options: ClassVar = {"arrays": "inline"}
