"""Axon text files: as Clampfit lays them out, as others do, and as we write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters import read_atf, reader_for, writer_for
from archive.adapters.atf import Atf
from archive.entry import Entry, Loss
from archive.errors import FormatError
from archive.values import from_schema
from tests.formats.recordings import experiment, irregular, segment, signal
from tests.typed import of_kind

DATA = Path(__file__).parent.parent / "data" / "atf"


def put(folder: Path, text: str) -> Path:
    path = folder / "some.atf"
    path.write_bytes(text.encode("latin-1"))
    return path


def sweeps(path: Path, **options: Any) -> list[Entry]:
    (run,) = reader_for(path).read(path, **options)
    assert isinstance(run.model, schemas.Run)
    return list(run.parts)


def columns(sweep: Entry) -> list[tuple[str, str, list[float]]]:
    return [
        (
            part.model.variable,
            getattr(part.model, "unit", ""),
            np.asarray(part.arrays["values"])[:, 0].tolist(),
        )
        for part in sweep.parts
        if isinstance(part.model, schemas.Signal | schemas.IrregularSignal)
    ]


def test_all_sweeps_and_signals_of_clampfit() -> None:
    path = DATA / "clampfit_two_signals.atf"
    assert isinstance(reader_for(path), Atf)
    (run,) = Atf().read(path)
    assert isinstance(run.model, schemas.Run)
    assert run.model.name == "clampfit_two_signals"
    assert run.model.annotations == {
        "AcquisitionMode": "Episodic Stimulation",
        "Comment": "",
        "YTop": "4000,10",
        "YBottom": "-4000,-10",
        "SyncTimeUnits": "6.25",
    }
    found = list(run.parts)
    told = [of_kind(schemas.Segment, sweep) for sweep in found]
    assert [one.name for one in told] == ["sweep 1", "sweep 2", "sweep 3"]
    starts = [one.annotations["sweep_start"] for one in told]
    assert starts == [schemas.Quantity(1000.0 * n, "ms") for n in range(3)]
    table = read_atf(path)
    assert table.shape == (7, 10)
    for number, sweep in enumerate(found):
        one, other = sweep.parts
        assert isinstance(one.model, schemas.Signal)
        assert (one.model.sampling_period, one.model.time_unit) == (5e-5, "s")
        assert columns(sweep) == [
            ("IN 0", "pA", table[1 + 2 * number].tolist()),
            ("IN 1", "A", table[2 + 2 * number].tolist()),
        ]
        assert np.asarray(other.arrays["channels"]).tolist() == [0]


def test_other_samples_of_clampfit() -> None:
    found = sweeps(DATA / "clampfit_eleven_signals.atf")
    assert [len(list(sweep.parts)) for sweep in found] == [11, 11, 11]
    assert [unit for _, unit, _ in columns(found[2])][:4] == ["pA", "nA", "mV", "mV"]
    (sweep,) = sweeps(DATA / "clampfit_no_unit.atf")
    ((name, unit, values),) = columns(sweep)
    assert (name, unit, values[:3]) == ("IN 0", "dimensionless", [0.0, 2e-6, 8e-6])
    one, other = sweeps(DATA / "clampfit_episodic.atf")
    assert columns(one) == [("IN 0", "mV", [-65, -64.5, -64, -63.5, -63])]
    assert columns(other) == [("IN 0", "mV", [-130, -129, -128, -127, -126])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('ATF\t1.0\n0\t2\n"Time (ms)"\t"Vm (mV)"\n0\t-65\n', [[0], [-65]]),
        ('ATF,1.0\n0,2\n"Time (s)","Vm, soma (mV)"\n0,-65\n.1,1e-3\n', [[0, 0.1], [-65, 0.001]]),
        ('ATF 1.0\r\n0 2     \r\n"Time (s)" "V (mV)"\r\n0 -65\r\n', [[0], [-65]]),
        ("ATF\t1.0\n1\t2     \nComment=a,b c\nTime (s)\tV (mV)\n0\t1\n", [[0], [1]]),
        ('ATF\t1.0\n0\t3\n"T (s)"\t"a"\t"b"\n0\t\t1\n1\t2\t\n', [[0, 1], [np.nan, 2], [1, np.nan]]),
        ('ATF\t1.0\n0\t2\n"T (s)"\t"a"\t\n0\t1\t\t\n\n', [[0], [1]]),
        ('ATF\t1.0\n0\t3\n"T (s)"\t"note"\t"a"\n0\t"x, y"\t1\n1\t""\t2\n', [[0, 1], [1, 2]]),
        ('\xef\xbb\xbfATF\t1.0\n0\t2\n"T (s)"\t"a"\n"0"\t1\n', [[0], [1]]),
        ('ATF\t1.0\n0\t2\n"T (s)"\t"a"\n', [[], []]),
    ],
)
def test_every_column_as_brian_would_give_it(
    tmp_path: Path, text: str, expected: list[Any]
) -> None:
    path = put(tmp_path, text)
    np.testing.assert_array_equal(read_atf(path), np.array(expected, float))
    assert isinstance(reader_for(path), Atf)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the file ends after line 0, before the version"),
        ("ATF\t2.0\n", "line 1 is not that of an ATF file of version 1: 'ATF 2.0'"),
        ("ATF\t1.0\n0,2\t3\n", "line 2 does not say how many"),
        ("ATF\t1.0\n0\t99999999\n", "line 2 says 0 records and 99999999 columns"),
        ('ATF\t1.0\n2\t2\n"a=b"\n', "the file ends after line 3, before a header record"),
        ('ATF\t1.0\n0\t3\n"T (s)"\t"V"\n0\t1\t2\n', "line 3 has 2 titles, and there are 3"),
        ('ATF\t1.0\n0\t2\n"T (s)"\t"V"\n0\t1\n1\n', "line 5 has 1 fields, and there are 2"),
        ('ATF\t1.0\n0\t2\n"T (s)"\t"V"\n0\t1\t2\n', "line 4 has 3 fields"),
        ('ATF\t1.0\n0\t2\n"T (s)"\t"V"\n0\t1,5\n1\t2\n', "line 5 has '2' in column 2"),
        ('ATF\t1.0\n0\t2\n"T (s)"\t"V"\n0\t1\n1\tx\n', "line 5 has 'x' in column 2"),
        ('ATF\t1.0\n0\t2\n"T (s)"\t"V"\n1\t1\n0\t1\n', "row 2 has the time 0"),
        ('ATF\t1.0\n0\t2\n"T (s)"\t"V"\n\t1\n0\t1\n', "row 1 has the time nan"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(FormatError, match=complaint):
        list(Atf().read(put(tmp_path, text)))


def test_units_and_latin_1(tmp_path: Path) -> None:
    text = 'ATF\t1.0\n1\t4\n"Comment=größer"\n"Zeit (µs)"\t"I (µA)"\t"g (uS/cm**2)"\t"x (a.u.)"\n'
    path = put(tmp_path, text + "0\t1\t2\t3\n1\t1\t2\t3\n")
    losses: list[Loss] = []
    (sweep,) = sweeps(path, losses=losses)
    assert [(name, unit) for name, unit, _ in columns(sweep)] == [
        ("I", "uA"), ("g", "uS/cm**2"), ("x", "dimensionless"),
    ]  # fmt: skip
    assert [loss.reason for loss in losses] == ["'a.u.' of x is no unit"]
    (run,) = Atf().read(path)
    assert of_kind(schemas.Run, run).annotations == {"Comment": "größer"}
    (first, *_) = sweep.parts
    assert of_kind(schemas.Part, first).time_unit == "us"


def test_empty_fields_and_shorter_sweeps_are_told(tmp_path: Path) -> None:
    text = 'ATF\t1.0\n0\t3\n"Time (s)"\t"Trace #1 (mV)"\t"Trace #2 (mV)"\n'
    losses: list[Loss] = []
    path = put(tmp_path, text + "0\t1\t4\n1\t\t5\n2\t3\t\n")
    one, other = sweeps(path, losses=losses)
    np.testing.assert_array_equal(columns(one)[0][2], [1, np.nan, 3])
    assert columns(other)[0][2] == [4, 5]
    assert [str(loss) for loss in losses] == ["some/sweep 1/trace: values: 1 empty fields are NaN"]


def test_texts_become_events(tmp_path: Path) -> None:
    (sweep,) = sweeps(DATA / "comment_col.atf")
    event = next(part for part in sweep.parts if isinstance(part.model, schemas.Event))
    assert isinstance(event.model, schemas.Event)
    assert event.model.variable == "Comment"
    found = [np.asarray(event.arrays[name]).tolist() for name in ("times", "labels")]
    assert found == [[0.0], ["start"]]
    assert columns(sweep) == [("V", "mV", [1, 2])]


def test_a_table_of_results_becomes_values(tmp_path: Path) -> None:
    text = (
        'ATF\t1.0\n1\t3\n"Type=Results"\n"File"\t"Peak (pA)"\t"Trace #1"\n"a.abf"\t1\t2\n"b"\t3\t\n'
    )
    entries = list(Atf().read(put(tmp_path, text)))
    values = [of_kind(schemas.KeyedValue, entry) for entry in entries]
    found = {one.key: one.value for one in values}
    assert found["header Type"] == "Results"
    assert found["File"] == ["a.abf", "b"]
    assert from_schema(found["Peak"]).magnitude.tolist() == [1, 3]
    assert list(found) == ["header Type", "File", "Peak", "Trace #1"]


def test_a_title_without_a_unit_of_time(tmp_path: Path) -> None:
    path = put(tmp_path, 'ATF\t1.0\n0\t2\n"Time"\t"V (mV)"\n0\t1\n1\t2\n')
    losses: list[Loss] = []
    (sweep,) = sweeps(path, losses=losses)
    (part,) = sweep.parts
    assert of_kind(schemas.Part, part).time_unit == "s"
    assert "taken for seconds" in losses[0].reason
    (sweep,) = sweeps(path, time_unit="ms")
    (part,) = sweep.parts
    assert of_kind(schemas.Part, part).time_unit == "ms"
    with pytest.raises(FormatError, match="'mV' is no unit of time"):
        sweeps(path, time_unit="mV")


@pytest.mark.parametrize(
    ("told", "unit"), [("sec", "s"), ("ms", "ms"), ("msec", "ms"), ("MS", "ms"), ("S", "s")]
)
def test_words_for_units_of_time(tmp_path: Path, told: str, unit: str) -> None:
    path = put(tmp_path, f'ATF\t1.0\n0\t2\n"Time ({told})"\t"V (mV)"\n0\t1\n1\t2\n')
    (sweep,) = sweeps(path)
    (part,) = sweep.parts
    assert of_kind(schemas.Part, part).time_unit == unit


def test_a_time_in_no_unit_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, 'ATF\t1.0\n0\t2\n"Time (mV)"\t"V (mV)"\n0\t1\n1\t2\n')
    with pytest.raises(FormatError, match="says 'mV', which is no unit of time"):
        sweeps(path)
    for title in ("T (K)", "G (S)"):
        path = put(tmp_path, f'ATF\t1.0\n0\t2\n"{title}"\t"V (mV)"\n0\t1\n1\t2\n')
        assert [entry.model.kind for entry in Atf().read(path)] == ["keyed-value"] * 2


def example() -> Any:
    start = {"sweep_start": schemas.Quantity(250.0, "ms")}
    first = {"sweep_start": schemas.Quantity(0.0, "ms")}
    return experiment(
        segment(
            signal([[1.0, 2.0], [np.nan, 1 / 3], [3.0, -0.0]], channels=[4, 2], population="exc"),
            signal([1.0, 2.0, 3.0], "i", unit="1/(s*mV)"),
            name="sweep 1",
            annotations=first,
        ),
        segment(signal([5.0, 6.0], "i", unit="pA"), name="sweep 2", annotations=start),
        run="out",
        annotations={"Comment": 'a "quoted" word, and = more', "AcquisitionMode": "Gap Free"},
    )


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    source, path = example(), tmp_path / "out.atf"
    losses = writer_for(path).write(source, path)
    assert {loss.entry for loss in losses} == {"experiment"}
    (back,) = Atf().read(path)
    (run,) = source.entry().parts
    assert back.model == run.model
    for one, other in zip(back.parts, run.parts, strict=True):
        assert one.model == other.model
        for part, wrote in zip(one.parts, other.parts, strict=True):
            assert part.model == wrote.model
            for name, array in wrote.arrays.items():
                np.testing.assert_array_equal(part.arrays[name], np.asarray(array))


def test_losses_are_told(tmp_path: Path) -> None:
    source = experiment(
        segment(
            signal(np.arange(3, dtype=np.int16), annotations={"a": 1}),
            signal(np.arange(3) * 1j, "complex"),
            signal(np.arange(3.0), "later", t_start=7.0),
            irregular([0.0, 0.5, 0.7], [1.0, 2.0, 3.0], "other"),
            signal(np.arange(3.0), "gehirn \U0001f9e0"),
            name="s",
            annotations={"label": 1},
        ),
        segment(name="empty"),
        annotations={"number": 1, "lines": "two\nlines"},
    )
    path = tmp_path / "out.atf"
    losses = {(loss.entry.removeprefix("run/"), loss.field) for loss in Atf().write(source, path)}
    assert losses >= {
        ("run", "name"), ("run", "annotations.number"), ("run", "annotations.lines"),
        ("s", "name"), ("s", "annotations.label"), ("empty", "segment"),
        ("s/v", "values"), ("s/v", "annotations"), ("s/complex", "signal"), ("s/later", "signal"),
        ("s/other", "irregular-signal"), ("s/gehirn \U0001f9e0", "variable"),
    }  # fmt: skip
    assert len(sweeps(path)) == 1
    with pytest.raises(FormatError, match="there is no signal that can be written"):
        Atf().write(experiment(segment()), path, overwrite=True)


def test_pyabf_reads_what_we_write(tmp_path: Path, require: Callable[[str], ModuleType]) -> None:
    pyabf = require("pyabf")
    path = tmp_path / "out.atf"
    sweep = [segment(signal(np.arange(4.0) + n, "v"), signal(-np.arange(4.0), "i")) for n in (0, 1)]
    Atf().write(experiment(*sweep), path)
    found = pyabf.ATF(path)
    assert (found.sweepCount, found.channelCount) == (2, 2)
    for number in range(2):
        found.setSweep(number, 0)
        assert found.sweepY.tolist() == [n + number for n in range(4)]
        assert found.sweepLabelY == f"Trace #{number + 1} (mV)"


@given(
    values=st.lists(st.floats(), min_size=2, max_size=6),
    name=st.text(
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"),
        min_size=1,
        max_size=9,
    ),
    note=st.text(max_size=9),
    channel=st.integers(0, 2**40),
)
@settings(max_examples=40)
def test_a_run_comes_back_or_is_told_lost(
    tmp_path_factory: pytest.TempPathFactory,
    values: list[float],
    name: str,
    note: str,
    channel: int,
) -> None:
    path = tmp_path_factory.mktemp("atf") / "out.atf"
    one = signal(np.array(values), name, channels=[channel], unit="(um**2)")
    source = experiment(segment(one, name="sweep 1"), run="out", annotations={name: note})
    losses = {(loss.entry, loss.field) for loss in Atf().write(source, path)}
    (run,) = Atf().read(path)
    ((part,),) = [list(sweep.parts) for sweep in run.parts]
    np.testing.assert_array_equal(np.asarray(part.arrays["values"])[:, 0], values)
    assert np.asarray(part.arrays["channels"]).tolist() == [channel]
    if (f"out/sweep 1/{name}", "variable") not in losses:
        assert part.model == one.model
    if ("out", f"annotations.{name}") not in losses:
        assert of_kind(schemas.Run, run).annotations == {name: note}
