"""Prophesee's files: EVT 2.0, EVT 3.0 and DAT, against readers that go word by word."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import evt3_words, evt_words, reader_for
from archive.adapters.evt2 import Evt2
from archive.adapters.evt3 import Evt3
from archive.adapters.prophesee_dat import PropheseeDat
from archive.addresses import decoded
from archive.errors import FormatError
from tests.formats.event_files import DATA, Holding, addresses, only, read
from tests.typed import of_kind

Found = tuple[list[tuple[int, int, int, int]], list[tuple[int, str]]]
EVENTS_OF_SAMPLE = [(127, 127, 1, 100), (5, 9, 0, 163), (0, 0, 1, 164), (639, 479, 0, 70000)]


def label(channel: int, value: int) -> str:
    return f"channel {channel} {'rises' if value else 'falls'}"


def evt2(words: Iterable[int]) -> Found:
    """x, y, polarity and time of events, and triggers."""
    high = wraps = 0
    events, triggers = [], []
    for word in words:
        kind = word >> 28
        if kind == 8:
            new = word & 0xFFFFFFF
            wraps += (high - new > 1 << 27) - (new - high > 1 << 27)
            high = new
        now = (high + (wraps << 28)) << 6 | (word >> 22 & 63)
        if kind in (0, 1):
            events.append((word >> 11 & 2047, word & 2047, kind, now))
        elif kind == 10:
            triggers.append((now, label(word >> 8 & 31, word & 1)))
    return events, sorted(triggers, key=lambda one: one[0])


def evt3(words: Iterable[int]) -> Found:
    row = base = sign = high = low = wraps = 0
    events, triggers = [], []
    for word in words:
        kind, value = word >> 12, word & 0xFFF
        if kind == 8:
            wraps += (high - value > 2048) - (value - high > 2048)
            high = value
        elif kind == 6:
            low = value
        now = (high + (wraps << 12)) << 12 | low
        if kind == 0:
            row = value & 2047
        elif kind == 2:
            events.append((value & 2047, row, value >> 11, now))
        elif kind == 3:
            base, sign = value & 2047, value >> 11
        elif kind in (4, 5):
            width = 12 if kind == 4 else 8
            bits = [bit for bit in range(width) if value >> bit & 1]
            events += [((base + bit) & 2047, row, sign, now) for bit in bits]
            base = (base + width) & 2047
        elif kind == 10:
            triggers.append((now, label(value >> 8, value & 1)))
    return events, sorted(triggers, key=lambda one: one[0])


def ours(adapter: Any, path: Path) -> Found:
    parts, _ = read(adapter, path)
    coding = of_kind(schemas.AddressEvents, parts[0]).coding
    assert coding is not None
    fields = decoded(parts[0].arrays["addresses"][:], coding)
    columns = [fields["x"], fields["y"], fields["polarity"] > 0, parts[0].arrays["ticks"]]
    events = list(
        zip(*[np.asarray(column).astype(int).tolist() for column in columns], strict=True)
    )
    triggers: list[tuple[int, str]] = []
    for part in parts[1:]:
        times, labels = np.asarray(part.arrays["times"]), np.asarray(part.arrays["labels"])
        triggers += zip(times.astype(int).tolist(), labels.tolist(), strict=True)
    return events, triggers


HEADERS = {
    "I": b"% evt 2.0 \n% system_ID 21 \n",
    "H": b"% evt 3.0\n% format EVT3;height=720;width=1280\n% end\n",
}


def written(path: Path, form: str, words: Iterable[int]) -> Path:
    listed = list(words)
    path.write_bytes(HEADERS[form] + struct.pack(f"<{len(listed)}{form}", *listed))
    return path


# words of which most are of the kinds that there are, in small steps of the clock and large ones
KINDS_3 = st.sampled_from([0, 2, 2, 3, 4, 5, 6, 8, 10, 7, 14, 15])
WORDS_3 = st.lists(st.builds(lambda k, v: k << 12 | v, KINDS_3, st.integers(0, 4095)), max_size=90)
KINDS_2 = st.sampled_from([0, 1, 1, 8, 8, 10, 14, 15])
WORDS_2 = st.lists(
    st.builds(lambda k, v: k << 28 | v, KINDS_2, st.integers(0, (1 << 28) - 1)), max_size=60
)


@settings(max_examples=150, deadline=None)
@given(words=WORDS_3, piece=st.sampled_from([1, 2, 7, 1 << 20]))
def test_any_words_of_evt3(
    tmp_path_factory: pytest.TempPathFactory, words: list[int], piece: int
) -> None:
    path = written(tmp_path_factory.mktemp("evt") / "x.raw", "H", words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evt_words, "PIECE", 32 * piece)
        assert ours(Evt3(), path) == evt3(words)


@settings(max_examples=100, deadline=None)
@given(words=WORDS_2, piece=st.sampled_from([1, 2, 7, 1 << 20]))
def test_any_words_of_evt2(
    tmp_path_factory: pytest.TempPathFactory, words: list[int], piece: int
) -> None:
    path = written(tmp_path_factory.mktemp("evt") / "x.raw", "I", words)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evt_words, "PIECE", 32 * piece)
        assert ours(Evt2(), path) == evt2(words)


def test_the_sample_of_evt2() -> None:
    path = DATA / "exp_evt2.raw"
    raw = path.read_bytes()
    raw = raw[raw.rindex(b" \n") + 2 :]
    events, triggers = ours(Evt2(), path)
    assert (events, triggers) == evt2(struct.unpack(f"<{len(raw) // 4}I", raw))
    assert len(events) == 5
    assert reader_for(path).name == "evt2"


@pytest.mark.parametrize(("form", "adapter"), [("I", Evt2()), ("H", Evt3())])
def test_what_is_left_out_is_said(tmp_path: Path, form: str, adapter: Any) -> None:
    bits = 28 if form == "I" else 12
    event = 1 << 28 if form == "I" else 2 << 12
    path = written(tmp_path / "x.raw", form, [14 << bits, 15 << bits, event])
    path.write_bytes(path.read_bytes() + b"\1")
    assert reader_for(path).name == adapter.name
    parts, losses = read(adapter, path)
    assert [loss.reason for loss in losses] == [
        "2 words of other types are left out",
        "the last 1 bytes are no whole word",
    ]
    assert parts[0].arrays["ticks"].shape == (1,)


def test_facts_of_the_header(tmp_path: Path) -> None:
    path = written(tmp_path / "x.raw", "H", [])
    (segment,) = Evt3().read(path)
    facts = of_kind(schemas.Segment, segment).annotations
    assert (facts["width"], facts["height"]) == (1280, 720)
    assert isinstance(facts["header"], str)
    assert facts["header"].startswith("% evt 3.0\n")


def test_other_versions_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.raw", "H", [])
    with pytest.raises(FormatError, match=r"it is EVT 3\.0, not EVT 2\.0"):
        list(Evt2().read(path))


# -- EVT 2.0 written ---------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    events=st.lists(
        st.tuples(st.integers(0, 2047), st.integers(0, 2047), st.integers(0, 1)), max_size=20
    ),
    ticks=st.lists(st.integers(0, 2**33), min_size=20, max_size=20),
)
def test_any_pixels_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[tuple[int, int, int]],
    ticks: list[int],
) -> None:
    values = [x | y << 14 | on << 28 for x, y, on in events]
    path = tmp_path_factory.mktemp("evt") / "x.raw"
    part = addresses(values, sorted(ticks)[: len(values)], coding="prophesee")
    assert Evt2().write(Holding([[part]]), path) == []
    assert reader_for(path).name == "evt2"
    assert only(Evt2(), path)[1] == {"addresses": values, "ticks": sorted(ticks)[: len(values)]}


def test_pixels_of_another_camera_are_coded_anew(tmp_path: Path) -> None:
    path = tmp_path / "x.raw"
    part = addresses([2036, 2035], [1, 2], 1.0, "ms", coding="dvs128")
    losses = Evt2().write(Holding([[part]]), path)
    assert {loss.field for loss in losses} == {"coding", "addresses", "tick", "time_unit", "ticks"}
    assert ours(Evt2(), path)[0] == [(5, 7, 1, 1000), (6, 7, 0, 2000)]


@pytest.mark.parametrize(
    ("values", "fields", "message"),
    [
        ([1], {}, "no pixels"),
        ([1], {"coding": "ams-cochlea"}, "no pixels"),
        ([2048], {"coding": "prophesee"}, "beyond 2047"),
        ([1 << 15], {"coding": "dvs128"}, "no changes of light"),
        ([1], {"coding": "dvs128", "tick": 0.5}, "microseconds"),
    ],
)
def test_what_evt2_cannot_say(
    tmp_path: Path, values: list[int], fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        Evt2().write(Holding([[addresses(values, [1], **fields)]]), tmp_path / "x.raw")
    assert list(tmp_path.iterdir()) == []


# -- DAT ---------------------------------------------------------------------------------------


def dat(path: Path, kind: int, events: Iterable[tuple[int, int]], version: int = 2) -> Path:
    head = b"%% Data file containing CD events.\n%% Version %d\n%% Width 640\n" % version
    body = b"".join(struct.pack("<II", *event) for event in events)
    path.write_bytes(head + bytes([kind, 8]) + body)
    return path


@pytest.mark.parametrize("kind", [0x00, 0x0C])
def test_events_of_dat(tmp_path: Path, kind: int) -> None:
    ticks = [5, 2**32 - 1, 3]  # the clock wraps, and has no sign
    path = dat(tmp_path / "x.dat", kind, [(tick, 639 | 479 << 14 | 1 << 28) for tick in ticks])
    assert reader_for(path).name == "prophesee-dat"
    assert ours(PropheseeDat(), path)[0] == [(639, 479, 1, tick) for tick in (5, -1, 3)]
    path = dat(tmp_path / "x.dat", kind, [(2**31 + n, 9) for n in range(3)])
    assert only(PropheseeDat(), path)[1]["ticks"] == [2**31, 2**31 + 1, 2**31 + 2]


def test_old_dat(tmp_path: Path) -> None:
    path = dat(tmp_path / "x.dat", 0, [(7, 303 | 239 << 9 | 1 << 17)], version=1)
    assert ours(PropheseeDat(), path)[0] == [(303, 239, 1, 7)]


def test_triggers_of_dat(tmp_path: Path) -> None:
    path = dat(tmp_path / "x.dat", 0x0E, [(9, 6 << 8 | 1), (4, 6 << 8)])
    model, arrays = only(PropheseeDat(), path)
    assert (model.kind, model.time_unit) == ("event", "us")
    assert arrays == {"times": [4.0, 9.0], "labels": ["channel 6 falls", "channel 6 rises"]}


@pytest.mark.parametrize("raw", [b"", b"% Version 2\n", b"% Version 2\n\x0c\x04", b"1 2\n3 4\n"])
def test_what_is_no_dat(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(raw)
    assert not PropheseeDat().recognises(path)
    with pytest.raises(FormatError, match="no DAT file"):
        list(PropheseeDat().read(path))


def test_vectors_beyond_the_last_column(tmp_path: Path) -> None:
    words = [0x8000, 0x6001, 0x0005, 0x3000 | 2040, 0x4FFF, 0x5081, 0x3800 | 2047, 0x4003]
    path = written(tmp_path / "x.raw", "H", words)
    assert ours(Evt3(), path) == evt3(words)
    assert ours(Evt3(), path)[0][8] == (0, 5, 0, 1)


@pytest.mark.skipif(not hasattr(np, "bitwise_count"), reason="NumPy 1 has the other way only")
def test_bits_are_counted_the_same_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.arange(1 << 16).astype(np.uint16)
    kind = (words >> 12).astype(np.uint8)
    there = evt3_words._counts(words, kind).tolist()
    monkeypatch.setattr(evt3_words, "_bitwise_count", None)
    assert evt3_words._counts(words, kind).tolist() == there
    assert max(there) == 12


@pytest.mark.parametrize(("form", "adapter"), [("I", Evt2()), ("H", Evt3())])
def test_what_was_read_before_is_not_taken_for_the_file(
    tmp_path: Path, form: str, adapter: Any
) -> None:
    event = 1 << 28 if form == "I" else 2 << 12
    path = written(tmp_path / "x.raw", form, [event] * 20)
    parts, _ = read(adapter, path)
    arrays = parts[0].arrays
    assert len(arrays["addresses"][:3]) == 3
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(FormatError, match="shorter"):
        arrays["ticks"][:3]
