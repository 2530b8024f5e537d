"""NEURON's vector files: every form, nothing left out in silence, and our own written ones."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import read_neuron_dat, reader_for, writer_for
from archive.adapters.neuron import Neuron
from archive.entry import Entry
from archive.errors import AlreadyExists, FormatError
from tests.formats.recordings import experiment, irregular, segment, signal

DATA = Path(__file__).parent.parent / "data" / "neuron"


def parts(path: Path, **options: Any) -> list[Entry]:
    (found,) = Neuron().read(path, **options)
    return list(found.parts)


def put(folder: Path, text: str) -> Path:
    path = folder / "some.dat"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("label:v\n2\n0\t-65\n0.5\t-64\n", [[0, 0.5], [-65, -64]]),
        ("label:v\n0\t-65\n0.5\t-64\n", [[0, 0.5], [-65, -64]]),
        ("2\n0\t-65\n0.5\t-64\n", [[0, 0.5], [-65, -64]]),
        ("0\t-65\n0.5\t-64\n", [[0, 0.5], [-65, -64]]),
        ("label:v\r\n2\r\n0 -65 1\r\n0.5 -64 2\r\n", [[0, 0.5], [-65, -64], [1, 2]]),
        ("-65\n-64\n\n", [-65, -64]),
        ("label:v\n2\n-65\n-64\n", [-65, -64]),
        ("label:v\n\n2\n-65\n-64\n", [-65, -64]),
        (" 1.500  -2.000 3 4 \n", [1.5, -2, 3, 4]),
        ("2 3\n 0 0 0 \n 0 0 4.5 \n", [[0, 0], [0, 0], [0, 4.5]]),
        ("2 2\n0 1 \n2 3 \n", [[0, 2], [1, 3]]),
        ("1\n2\n\n3\n4\n\n", [[1, 2], [3, 4]]),
        ("7\n", [7]),
        ("nan\n-inf\n", [np.nan, -np.inf]),
    ],
)
def test_no_row_is_lost(tmp_path: Path, text: str, expected: list[Any]) -> None:
    found = read_neuron_dat(put(tmp_path, text))
    np.testing.assert_array_equal(found, np.array(expected, float))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("label:v\n3\n0\t-65\n0.5\t-64\n", r"line 2 says 3 rows, and there are 2 \(line 5\)"),
        ("label:v\n1\n0\t-65\n0.5\t-64\n", r"line 2 says 1 rows, and there are 2 \(line 4\)"),
        ("3\n0\t-65\n0.5\t-64\n", "line 1 says 3 rows"),
        ("3 3\n0 0 0\n0 0 0\n", "line 1 says 3 rows"),
        ("0\t-65\n0.5\t-64\nend of file\n", "line 3 has what is no number: 'end of file'"),
        ("0\t-65\n0.5\t-64 # x\n", "line 2 has what is no number"),
        ("0\t-65\n0.5\t1_0\n", "line 2 has what is no number"),
        ("0\t-65\n0.5\n1\t2\n", "line 2 has 1 numbers, those before it 2"),
        ("0\t-65\n0.5\t-64\t3\n", "line 2 has 3 numbers, those before it 2"),
        ("2\n1\n5\n", "line 1 may be the first value, or say how many"),
        ("1\n2\n\n3\n", "the vectors differ in length: 2, and 1 from line 4"),
        ("", "there are no numbers in it"),
        ("a\0b", "it is no text"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(FormatError, match=complaint):
        read_neuron_dat(put(tmp_path, text))


def test_a_number_that_stands_alone_can_be_explained(tmp_path: Path) -> None:
    path = put(tmp_path, "2\n1\n5\n")
    assert read_neuron_dat(path, count=True).tolist() == [1, 5]
    assert read_neuron_dat(path, count=False).tolist() == [2, 1, 5]
    with pytest.raises(FormatError, match="line 1 does not say how many"):
        read_neuron_dat(put(tmp_path, "0.5\n1\n"), count=True)


def test_samples_of_neuron() -> None:
    times, values = read_neuron_dat(DATA / "clipboard_like.dat")
    assert (len(times), times[-1], values[0]) == (401, 10.0, -65.0)
    (found,) = parts(DATA / "clipboard_like.dat")
    assert isinstance(found.model, schemas.Signal)
    assert (found.model.sampling_period, found.model.t_start) == (0.025, 0.0)
    assert (found.model.variable, found.model.time_unit) == ("soma.v(0.5)", "ms")
    np.testing.assert_array_equal(np.asarray(found.arrays["values"])[:, 0], values)
    printed = read_neuron_dat(DATA / "vector_printf.dat")
    np.testing.assert_array_equal(printed, values)
    assert read_neuron_dat(DATA / "matrix_fprint.dat").shape == (2, 3)
    assert read_neuron_dat(DATA / "nrn_multi.dat").shape == (3, 5)


def test_binary_samples_of_neuron() -> None:
    path = DATA / "vector_vwrite.bin"
    assert isinstance(reader_for(path), Neuron)
    found = list(reader_for(path).read(path))
    assert [entry.model.kind for entry in found] == ["keyed-value"] * 3
    (raw,) = reader_for(DATA / "vector_fwrite.bin", "neuron:fwrite").read(
        DATA / "vector_fwrite.bin"
    )
    assert isinstance(raw.model, schemas.KeyedValue)
    assert isinstance(raw.model.value, schemas.Array)
    assert (raw.model.value.dtype, raw.model.value.shape) == ("<f8", (401,))


def test_vectors_without_times_are_values_or_signals(tmp_path: Path) -> None:
    path = put(tmp_path, "-65\n-64.5\n-64\n")
    (found,) = Neuron().read(path, unit="mV")
    assert isinstance(found.model, schemas.KeyedValue)
    assert found.model.key == "some"
    assert isinstance(found.model.value, schemas.Quantity)
    (made,) = parts(path, sampling_period="0.5 ms", unit="mV", variable="soma/v")
    assert isinstance(made.model, schemas.Signal)
    assert (made.model.population, made.model.variable) == ("soma", "v")
    assert (made.model.sampling_period, made.model.unit) == (0.5, "mV")
    with pytest.raises(FormatError, match="there are no times"):
        parts(path, times=True)
    with pytest.raises(FormatError, match="parsec"):
        parts(path, unit="parsec")
    with pytest.raises(FormatError, match="mV"):
        parts(path, time_unit="mV")


def test_times_are_regular_as_precisely_as_they_are_printed(tmp_path: Path) -> None:
    times = 100.0 + 0.025 * np.arange(2000)
    rows = "".join(f"{time:g}\t{n}\n" for n, time in enumerate(times))
    (found,) = parts(put(tmp_path, rows))
    assert isinstance(found.model, schemas.Signal)
    assert (found.model.t_start, found.model.sampling_period) == (100.0, 0.025)
    jitter = "".join(f"{time:.12g}\t{n}\n" for n, time in enumerate(times + 0.001 * (times > 120)))
    (found,) = parts(put(tmp_path, jitter))
    assert found.model.kind == "irregular-signal"
    with pytest.raises(FormatError, match="not regular"):
        parts(put(tmp_path, jitter), regular=True)
    (kept,) = parts(put(tmp_path, rows), regular=False)
    assert kept.model.kind == "irregular-signal"
    (two,) = parts(put(tmp_path, "".join(f"{time:.2f} 0\n" for time in 0.025 * np.arange(9))))
    assert isinstance(two.model, schemas.Signal)
    assert two.model.sampling_period == 0.025


def test_a_first_column_that_is_no_time_is_not_taken_for_one(tmp_path: Path) -> None:
    path = put(tmp_path, "0\t1\n2\t1\n1\t1\n")
    with pytest.raises(FormatError, match=r"row 3 .* has the time 1"):
        parts(path)
    (found,) = Neuron().read(path, times=False)
    assert found.model.kind == "keyed-value"


def vwritten(values: list[float], kind: int, order: str = "<") -> bytes:
    """As NEURON's source does it."""
    head = struct.pack(f"{order}ii", len(values), kind)
    held = np.array(values)
    if kind in (1, 2):
        low, spread = float(held.min()), float(np.ptp(held))
        scale = (255.0 if kind == 1 else 65535.0) / spread if spread else 1.0
        head += struct.pack(f"{order}dd", scale, low)
        held = (held - low) * scale - (128 if kind == 1 else 0)
    code = {1: "i1", 2: "u2", 3: "f4", 4: "f8", 5: "i4"}[kind]
    return head + held.astype(order + code).tobytes()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
def test_every_type_of_vwrite_in_both_orders(tmp_path: Path, kind: int, order: str) -> None:
    times, values = [0.0, 1.0, 2.0, 3.0], [-65.0, 20.0, 255.0, 190.0]
    path = tmp_path / "v.bin"
    path.write_bytes(vwritten(times, 4, order) + vwritten(values, kind, order))
    assert Neuron().recognises(path)
    (found,) = parts(path, times=True)
    assert isinstance(found.model, schemas.Signal)
    assert found.model.sampling_period == 1.0
    step = {1: 320 / 255, 2: 320 / 65535}.get(kind, 0.0)
    np.testing.assert_allclose(np.asarray(found.arrays["values"])[:, 0], values, atol=step)
    path.write_bytes(vwritten(times, 4, order) + vwritten(values, kind, order)[:-1])
    assert not Neuron().recognises(path)
    with pytest.raises(FormatError, match=r"the vector at byte 40 has 4 elements"):
        list(Neuron("vwrite").read(path))


def test_what_is_no_vector(tmp_path: Path) -> None:
    path = tmp_path / "v.bin"
    for content, complaint in (
        (struct.pack("<ii", 1, 9), "no vector begins at byte 0"),
        (struct.pack("<ii", -1, 4), "no vector begins at byte 0"),
        (struct.pack("<ii", 2**31 - 1, 4), "has 2147483647 elements"),
        (struct.pack("<iidd", 0, 2, 0.0, 0.0), "has the scale 0"),
        (b"", "the file is empty"),
        (vwritten([1.0], 4) + b"abc", "no vector begins at byte 16"),
    ):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=complaint):
            list(Neuron("vwrite").read(path))
    path.write_bytes(bytes(9))
    with pytest.raises(FormatError, match="no whole number of 8"):
        list(Neuron("fwrite").read(path))
    with pytest.raises(FormatError, match="no type 7"):
        list(Neuron("fwrite").read(path, kind=7))
    with pytest.raises(FormatError, match="NEURON has no form 'x'"):
        Neuron().variant("x")
    path.write_bytes(vwritten([0.0, 1.0], 4) + vwritten([0.0], 4))
    with pytest.raises(FormatError, match="vector 2 has 1 values, and the first 2 times"):
        list(Neuron().read(path, times=True))


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    one = signal(np.array([[-65.1, 1 / 3], [2e-300, np.nan], [1.0, -0.0]]), population="soma")
    other = irregular([0.0, 0.1, 0.7, 0.70001], [1.0, 2.0, 3.0, 4.0], "i_syn")
    source = experiment(segment(one, other))
    path = tmp_path / "out.dat"
    losses = writer_for(path, "neuron").write(source, path)
    assert [f"{loss.entry}: {loss.field}" for loss in losses] == [
        "experiment: id",
        "experiment: name",
        "run: name",
        "run/segment 1/soma/v: unit",
        "run/segment 1/i_syn: unit",
    ]
    assert path.read_text().splitlines()[:3] == [
        "label:soma/v",
        "3",
        "0.0\t-65.1\t0.3333333333333333",
    ]
    assert isinstance(reader_for(path), Neuron)
    found = parts(path, unit="mV")
    for back, wrote in zip(found, (one, other), strict=True):
        assert back.model == wrote.model
        assert back.arrays.keys() == wrote.arrays.keys()
        for name, array in wrote.arrays.items():
            np.testing.assert_array_equal(back.arrays[name], np.asarray(array))
    with pytest.raises(AlreadyExists):
        Neuron().write(source, path)


def test_losses_are_told(tmp_path: Path) -> None:
    source = experiment(
        segment(
            signal(np.arange(3, dtype=np.int16), channels=[7], time_unit="s", annotations={"a": 1}),
            signal(np.arange(3) * 1j, "complex"),
            signal(np.arange(3.0), "v"),
            irregular([0.0, 0.5, 1.0], [1, 2, 3.0], "even"),
        )
    )
    path = tmp_path / "out.dat"
    losses = [
        (loss.entry.removeprefix("run/segment 1/"), loss.field)
        for loss in Neuron().write(source, path)
    ]
    for expected in (
        ("v", "annotations"), ("v", "values"), ("v", "channels"), ("v", "time_unit"),
        ("complex", "signal"), ("v", "variable"), ("even", "irregular-signal"),
    ):  # fmt: skip
        assert expected in losses
    with pytest.raises(FormatError, match="there is no signal 'x' that can be written"):
        Neuron().write(source, path, signal="x", overwrite=True)
    two = experiment(segment(name="a"), segment(name="b"))
    with pytest.raises(FormatError, match="there are 2 segments"):
        Neuron().write(two, path, overwrite=True)
    with pytest.raises(FormatError, match="there is no signal"):
        Neuron().write(two, path, segment="run/a", overwrite=True)


@given(
    values=st.lists(st.floats(), min_size=2, max_size=9),
    start=st.floats(-1e3, 1e3),
    period=st.sampled_from([0.025, 0.1, 1 / 3, 1.0, 7e-5]),
)
@settings(max_examples=40)
def test_a_signal_comes_back_or_is_told_lost(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], start: float, period: float
) -> None:
    path = tmp_path_factory.mktemp("neuron") / "out.dat"
    one = signal(np.array(values), sampling_period=period, t_start=start)
    losses = {loss.field for loss in Neuron().write(experiment(segment(one)), path)}
    if "signal" in losses:
        return
    (back,) = parts(path, unit="mV")
    np.testing.assert_array_equal(np.asarray(back.arrays["values"])[:, 0], values)
    for field in ("t_start", "sampling_period"):
        if field not in losses:
            assert getattr(back.model, field) == getattr(one.model, field)
