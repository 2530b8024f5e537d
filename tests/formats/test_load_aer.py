"""`load_aer`: files of Brian 1 and jAER, and what both got wrong."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive.adapters import load_aer
from archive.adapters.aer_header import read_header
from archive.errors import ArchiveWarning, FormatError

DATA = Path(__file__).resolve().parents[1] / "data/aer"
ADDRESSES = [5, 300, 32513, 2]
SECONDS = [0.0, 1e-5, 1e-3, 1.048576]


def events(*pairs: tuple[int, int], width: int = 4) -> bytes:
    form = ">Ii" if width == 4 else ">Hi"
    return b"".join(struct.pack(form, *pair) for pair in pairs)


def loaded(path: Path, **options: Any) -> tuple[list[int], list[float]]:
    found = load_aer(path, **options)
    assert isinstance(found, tuple)
    addresses, seconds = found
    return addresses.tolist(), seconds.tolist()


@pytest.mark.parametrize(
    "name",
    ["v1_header_jaer.dat", "v1_noheader.dat", "v2_jaer.aedat", "v2_lf.aedat", "v2_notick.aedat"],
)
def test_headers_of_both_programs(name: str) -> None:
    assert loaded(DATA / name) == (ADDRESSES, SECONDS)


def test_what_brian_wrote() -> None:
    lines = (DATA / "filespikes.txt").read_text().splitlines()
    spikes = [line.split(", ") for line in lines]
    addresses, seconds = loaded(DATA / "monitor_dt0.1ms.aedat")
    assert addresses == [int(neuron) for neuron, _ in spikes]
    # Brian takes the next tick where a quotient is a little above a whole number
    late = np.rint((np.array(seconds) - [float(time) for _, time in spikes]) / 1e-4)
    assert set(late.tolist()) <= {0.0, 1.0}
    addresses, seconds = loaded(DATA / "v2_dtbrian.aedat")
    assert seconds == [0.0, 0.001, 0.1, 104.8576]


def test_nothing_of_a_header_is_run(tmp_path: Path) -> None:
    path = tmp_path / "x.aedat"
    path.write_bytes(
        b"#!AER-DAT2.0\n# Timestamps tick is open('made', 'w') or 1\n" + events((1, 2))
    )
    with pytest.raises(FormatError, match="no time"):
        load_aer(path)


@pytest.mark.parametrize(
    ("said", "tick"),
    [
        ("is 1 us", "1/1000000"),
        (": 1 us", "1/1000000"),
        ("is 1 µs", "1/1000000"),
        ("is 100. * usecond", "1/10000"),
        ("is 0.1 * msecond", "1/10000"),
        ("is 1e-3*second", "1/1000"),
        ("is 0.5 ms", "1/2000"),
        ("is 0.0001", "1/10000"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_of_the_tick(tmp_path: Path, said: str, tick: str, end: str) -> None:
    path = tmp_path / "x.aedat"
    lines = ["#!AER-DAT2.0", f"# Timestamps tick {said}", ""]
    path.write_bytes(end.join(lines).encode() + events((1, 2)))
    assert str(read_header(path).tick) == tick


@pytest.mark.parametrize("said", ["-1 us", "0 ms", "1 parsec", "1e9 s", ""])
def test_a_tick_that_is_no_time_is_refused(tmp_path: Path, said: str) -> None:
    path = tmp_path / "x.aedat"
    path.write_bytes(f"#!AER-DAT2.0\n# Timestamps tick is {said}\n".encode())
    with pytest.raises(FormatError, match="no time"):
        read_header(path)


PREFERENCES = (
    "# AEChip: eu.seebetter.ini.chips.davis.Davis346blue\r\n"
    "#Start of Preferences for this AEChip (search for End of Preferences to skip)\r\n"
    '#<?xml version="1.0" encoding="UTF-8" standalone="no"?>\r\n'
    '{hash}<entry key="DAVIS240C.biases" value="false"/>\r\n'
    "#End of Preferences for this AEChip\r\n"
)


@pytest.mark.parametrize("hash", ["#", ""])
def test_preferences_of_jaer(tmp_path: Path, hash: str) -> None:
    path = tmp_path / "x.aedat"
    text = "#!AER-DAT2.0\r\n# Timestamps tick is 1 us\r\n" + PREFERENCES.format(hash=hash)
    path.write_bytes(text.encode() + events((7, 10), (8, 20)))
    assert loaded(path) == ([7, 8], [1e-5, 2e-5])


@pytest.mark.parametrize("end", [b"", b"#End Of ASCII Header\r\n"])
@pytest.mark.parametrize("first", [0x23000001, 0x23232323, 0x230A2323])
def test_an_address_that_begins_like_a_line(tmp_path: Path, first: int, end: bytes) -> None:
    path = tmp_path / "x.aedat"
    path.write_bytes(b"#!AER-DAT2.0\r\n# made\r\n" + end + events((first, 10), (8, 0x0A000000)))
    assert loaded(path)[0] == [first, 8]


def test_an_event_that_is_all_text(tmp_path: Path) -> None:
    path = tmp_path / "x.aedat"
    event = b"#abcde\xff\n"  # eight bytes, which end as a line
    path.write_bytes(b"#!AER-DAT2.0\r\n# made\r\n#End Of ASCII Header\r\n" + event)
    assert loaded(path)[0] == [0x23616263]


def test_a_file_without_header_that_begins_like_one(tmp_path: Path) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(events((0x2301, 10), (0x2302, 20), width=2))
    assert loaded(path) == ([0x2301, 0x2302], [1e-5, 2e-5])


def test_addresses_have_no_sign(tmp_path: Path) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(events((0xFFFF, 1), (0x8000, 2), width=2))
    assert loaded(path)[0] == [0xFFFF, 0x8000]


@pytest.mark.parametrize("name", ["empty.dat", "v2_headeronly.aedat"])
def test_no_events(name: str) -> None:
    assert loaded(DATA / name, check_sorted=True, reinit_time=True) == ([], [])


def test_what_is_no_whole_event_is_said() -> None:
    with pytest.warns(ArchiveWarning, match="the last 4 bytes are no whole event of 8"):
        assert loaded(DATA / "v2_truncated.aedat")[0] == ADDRESSES[:3]


def test_the_clock_wraps(tmp_path: Path) -> None:
    path = tmp_path / "x.aedat"
    ticks = [2**31 - 2, -(2**31), -(2**31) + 5, -1, 2**31 - 1, -(2**31)]
    path.write_bytes(b"#!AER-DAT2.0\n" + events(*[(1, tick) for tick in ticks]))
    wanted = [2**31 - 2, 2**31, 2**31 + 5, 2**32 - 1, 3 * 2**31 - 1, 3 * 2**31]
    assert loaded(path)[1] == [tick / 1e6 for tick in wanted]
    assert loaded(path, reinit_time=True)[1][:2] == [0.0, 2e-6]


def test_the_clock_wraps_in_a_long_file(tmp_path: Path) -> None:
    count = 300_000
    true = np.arange(count, dtype=np.int64) * 60_000
    made = np.empty((count, 2), ">u4")
    made[:, 0], made[:, 1] = np.arange(count), true & 0xFFFFFFFF
    path = tmp_path / "x.aedat"
    path.write_bytes(b"#!AER-DAT2.0\n" + made.tobytes())
    addresses, seconds = load_aer(path)
    assert np.array_equal(addresses, np.arange(count))
    assert np.array_equal(seconds, true / 1e6)


def test_sorted_only_if_asked_for() -> None:
    path = DATA / "v2_unsorted.aedat"
    assert loaded(path) == ([1, 2, 3], [1e-4, 5e-5, 2e-4])
    assert loaded(path, check_sorted=True) == ([2, 1, 3], [5e-5, 1e-4, 2e-4])
    assert loaded(path, reinit_time=True) == ([1, 2, 3], [5e-5, 0.0, 1.5e-4])


def test_only_negative_times(tmp_path: Path) -> None:
    path = tmp_path / "x.aedat"
    path.write_bytes(b"#!AER-DAT2.0\n" + events((1, -30), (2, -10)))
    with pytest.raises(ValueError, match="negative"):
        load_aer(path)
    assert loaded(path, reinit_time=True)[1] == [0.0, 2e-5]
    path.write_bytes(b"#!AER-DAT2.0\n" + events((1, -30), (2, 10)))
    assert loaded(path)[1] == [-3e-5, 1e-5]


@pytest.mark.parametrize("name", ["x.txt", "x", "dvs128_v31.aedat"])
def test_other_files_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"\.dat or \.aedat|AEDAT 3\.1"):
        load_aer(DATA / name)


def test_an_index_is_a_list() -> None:
    found = load_aer(DATA / "index.aeidx")
    assert isinstance(found, list)
    assert [addresses.tolist() for addresses, _ in found] == [ADDRESSES, ADDRESSES]


def index(tmp_path: Path, text: bytes) -> Path:
    (tmp_path / "parts").mkdir()
    for name in ("a.aedat", "b.aedat"):
        (tmp_path / "parts" / name).write_bytes(b"#!AER-DAT2.0\n" + events((ord(name[0]), 1)))
    path = tmp_path / "x.AEIDX"
    path.write_bytes(text)
    return path


@pytest.mark.parametrize(
    "text",
    [
        b"parts/a.aedat\r\nparts/b.aedat\r\n\r\nno.aedat\r\n",
        b"parts/a.aedat\nparts/b.aedat",
        b"parts\\a.aedat\r\n parts\\b.aedat \r\n",
    ],
)
def test_lines_of_an_index(tmp_path: Path, text: bytes) -> None:
    found = load_aer(index(tmp_path, text))
    assert [addresses.tolist() for addresses, _ in found] == [[97], [98]]


@pytest.mark.parametrize("name", ["x.AEIDX", "other.aeidx", "no.aedat", "\0", "parts", "x" * 5000])
def test_an_index_that_leads_nowhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match=r"another index|not there|no list|no path") as raised:
        load_aer(index(tmp_path, name.encode() + b"\n"))
    assert raised.value.path is not None
