"""The adapters of files of events before the judge that others' have."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

from archive.adapters.aedat3 import Aedat3
from archive.adapters.aedat4 import Aedat4
from archive.adapters.aer import Aer
from archive.adapters.evt2 import Evt2
from archive.adapters.evt3 import Evt3
from archive.adapters.prophesee_dat import PropheseeDat
from archive.entry import Entry
from archive.testing import ReaderSuite, RoundTripSuite, fuzz
from tests.formats.event_files import DATA, addresses, holding

SPIKES = ("size", "t_start", "t_stop", "neuron", "channels", "population", "variable", "time_unit")
PIXELS = st.lists(
    st.tuples(st.integers(0, (1 << 11) - 1), st.integers(0, 1), st.integers(0, 10**6)), max_size=9
)


def pixels(rows: list[tuple[int, int, int]]) -> Entry:
    """Events of a camera in the order of time."""
    rows = sorted(rows, key=lambda row: row[2])
    words = [place | place << 14 | on << 28 for place, on, _ in rows]
    return holding([[addresses(words, [tick for _, _, tick in rows], coding="prophesee")]])


class OfPixels(RoundTripSuite):
    scope = "address-events"
    examples = 8

    def source(self) -> Entry:
        return pixels([(5, 1, 10), (6, 0, 20), (2047, 1, 99_000)])

    def sources(self) -> st.SearchStrategy[Entry]:
        return PIXELS.filter(bool).map(pixels)


class TestAerOfSpikes(RoundTripSuite):
    adapter = Aer()
    scope = "spike-trains"
    carries: ClassVar = {"spike-trains": SPIKES}


class TestAerOfEvents(OfPixels):
    adapter = Aer()
    carries: ClassVar = {"address-events": ("*",)}


class TestAedat3(OfPixels):
    adapter = Aedat3()


class TestEvt2(OfPixels):
    adapter = Evt2()
    carries: ClassVar = {"address-events": ("*",)}


class TestEvt3(ReaderSuite):
    adapter = Evt3()

    def files(self, folder: Path) -> Iterable[Path]:
        return [evt3_file(folder)]


class TestPropheseeDat(ReaderSuite):
    adapter = PropheseeDat()

    def files(self, folder: Path) -> Iterable[Path]:
        return [dat_file(folder)]


class TestAedat4(ReaderSuite):
    adapter = Aedat4()

    @pytest.fixture(autouse=True)
    def _needs_the_package(self, require: Callable[[str], ModuleType]) -> None:
        require("aedat")

    def files(self, folder: Path) -> Iterable[Path]:
        return [DATA / "v4_LZ4.aedat4"]


def evt3_file(folder: Path) -> Path:
    """All kinds of words, with vectors of both lengths."""
    words = [0x8001, 0x6002, 0x0007, 0x2805, 0x2006, 0x3064, 0x4A5A, 0x50F1, 0xA101, 0x6FFF]
    path = folder / "x.raw"
    path.write_bytes(b"% evt 3.0\n% end\n" + np.array(words * 9, "<u2").tobytes())
    return path


def dat_file(folder: Path) -> Path:
    path = folder / "x.dat"
    rows = np.arange(40, dtype="<u4") * 9
    path.write_bytes(b"% Data file containing CD events.\n% Version 2\n\x0c\x08" + rows.tobytes())
    return path


AER = [
    "v1_header_jaer.dat", "v2_jaer.aedat", "monitor_dt0.1ms.aedat", "save_AER.aedat",
    "v2_unsorted.aedat", "v2_truncated.aedat", "index.aeidx",
]  # fmt: skip


def fuzzed(reader: Any, files: list[Path], count: int, **options: Any) -> None:
    found = fuzz(reader, files, range(count * len(files)), **options)
    assert not found, "\n".join(map(str, found[:12]))


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["aer", "aedat3", "aedat4", "evt2", "evt3", "dat"])
def test_thousands_of_damaged_files(
    reader: str, tmp_path: Path, require: Callable[[str], ModuleType]
) -> None:
    adapters = {
        "aer": (Aer(), [DATA / name for name in AER]),
        "aedat3": (Aedat3(), [DATA / "dvs128_v31.aedat"]),
        "aedat4": (Aedat4(), [DATA / "v4_LZ4.aedat4"]),
        "evt2": (Evt2(), [DATA / "exp_evt2.raw"]),
        "evt3": (Evt3(), [evt3_file(tmp_path)]),
        "dat": (PropheseeDat(), [dat_file(tmp_path)]),
    }
    if reader == "aedat4":
        require("aedat")
    adapter, files = adapters[reader]
    fuzzed(adapter, files, 5000)
