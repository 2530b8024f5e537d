"""In what two runs differ: parameters, documents, recordings of every kind, snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest

import archive
import schemas
from archive.container.digests import array_digest
from archive.entry import Entry
from archive.experiment import values_comparison
from archive.experiment.data_diff import DataDiff
from archive.experiment.part_comparison import compare_parts
from archive.experiment.verdict import CLOSE, DIFFERENT, EQUAL, IDENTICAL
from archive.values import quantity
from tests.unit import network_states


def put(path: Path, **runs: Entry) -> Path:
    with archive.open(path, "x", durability="close") as exp:
        for name, part in runs.items():
            with exp.run(name) as run:
                run.put([Entry(schemas.Segment(), parts=[part])])
    return path


def compared(
    one: Entry, other: Entry, tolerance: float | None = None
) -> tuple[archive.RunDiff, archive.PartDiff | None]:
    """The difference of two recordings, as those of two runs."""
    digests = [array_digest(entry.arrays) for entry in (one, other)]
    part = compare_parts(
        "segment000: exc/v",
        one,
        other,
        same_arrays=digests[0] == digests[1],
        tolerance=tolerance,
    )
    data = DataDiff((), () if part is None else (part,), 1)
    return archive.RunDiff("a", "b", tolerance, data=data), part


def signal(values: npt.ArrayLike, **facts: Any) -> Entry:
    arrays = {"values": np.asarray(values)}
    arrays["channels"] = np.array(facts.pop("channels", range(arrays["values"].shape[1])))
    facts = {"unit": "mV", "sampling_period": 0.1, **facts}
    return Entry(schemas.Signal(population="exc", variable="v", **facts), arrays)


WAVE = np.arange(30.0).reshape(10, 3)


def changed(at: tuple[int, ...], value: Any, array: npt.NDArray[Any] = WAVE) -> Any:
    found = array.copy()
    found[at] = value
    return found


def test_the_first_sample_is_found() -> None:
    other = changed((8, 0), 0.0, changed((7, 2), 24.0))
    found, part = compared(signal(WAVE, channels=[4, 6, 9]), signal(other, channels=[4, 6, 9]))
    assert found.verdict == DIFFERENT
    assert not found.identical
    assert part is not None
    assert part.name == "segment000: exc/v"
    first = part.first
    assert first is not None
    assert first.time == pytest.approx(0.7)
    assert (first.time_unit, first.neuron) == ("ms", 9)
    assert (first.index, first.first, first.second) == ((7, 2), 23.0, 24.0)
    (array,) = part.arrays
    assert (array.compared, array.differing, array.largest, array.unit) == (30, 2, 24.0, "mV")
    assert array.rms == pytest.approx(np.sqrt((1 + 24**2) / 30))


def test_blocks_are_one_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values_comparison, "BLOCK", 50)  # two rows
    _, part = compared(signal(WAVE), signal(changed((7, 2), 24.0)))
    assert part is not None
    assert part.first is not None
    assert part.first.index == (7, 2)
    assert part.arrays[0].compared == 30


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (np.nan, np.array([0x7FF80000000000FF], "u8").view("f8")[0]),
    ],
)
def test_bits_count_but_not_as_values(one: float, other: float) -> None:
    pair = signal(changed((1, 1), one)), signal(changed((1, 1), other))
    found, part = compared(*pair)
    assert found.verdict == EQUAL
    assert not found.same
    assert part is not None
    assert part.first is not None
    assert part.first.index == (1, 1)
    assert part.arrays[0].rewritten == 1
    found, _ = compared(*pair, tolerance=0)
    assert found.same
    assert not found.identical


def test_nan_is_nan_and_no_number() -> None:
    both = changed((0, 0), np.nan)
    found, part = compared(signal(both), signal(changed((5, 1), np.nan, both)))
    assert found.verdict == DIFFERENT
    assert part is not None
    assert part.arrays[0].differing == 1
    assert part.arrays[0].largest == 0
    assert part.first is not None
    assert part.first.index == (5, 1)
    found, _ = compared(signal(both), signal(both))
    assert found.identical


@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_infinity(infinite: float) -> None:
    with_it = changed((2, 2), infinite)
    assert compared(signal(with_it), signal(with_it))[0].identical
    found, part = compared(signal(with_it), signal(WAVE), tolerance=0.5)
    assert found.verdict == DIFFERENT
    assert part is not None
    assert part.arrays[0].largest == np.inf


def test_tolerance_is_a_share_of_the_largest_value() -> None:
    pair = signal(WAVE), signal(changed((3, 0), 9 + 2.9e-6))
    assert compared(*pair)[0].verdict == DIFFERENT
    assert compared(*pair, tolerance=0.9e-7)[0].verdict == DIFFERENT
    found, part = compared(*pair, tolerance=1.1e-7)
    assert found.verdict == CLOSE
    assert found.same
    assert part is not None
    assert (part.arrays[0].close, part.arrays[0].differing) == (1, 0)


def test_with_a_tolerance_the_first_is_the_first_beyond_it() -> None:
    other = changed((6, 1), 25.0, changed((2, 0), 6.001))
    _, part = compared(signal(WAVE), signal(other), tolerance=1e-2)
    assert part is not None
    assert part.first is not None
    assert part.first.index == (6, 1)
    assert (part.arrays[0].differing, part.arrays[0].close) == (1, 1)


def test_units_are_converted() -> None:
    volts = signal(WAVE / 1000, unit="V", sampling_period=1e-4, time_unit="s")
    found, part = compared(signal(WAVE), volts)
    assert found.verdict == EQUAL
    assert part is not None
    assert part.notes == (
        "time_unit: ms -> s, compared in ms",
        "unit: mV -> V, compared in mV",
    )
    assert not part.facts
    wrong = signal(changed((4, 1), 13.5) / 1000, unit="V", sampling_period=1e-4, time_unit="s")
    found, part = compared(signal(WAVE), wrong)
    assert found.verdict == DIFFERENT
    assert part is not None
    assert part.arrays[0].largest == pytest.approx(0.5)
    # the same numbers in another unit are not the same values
    found, part = compared(signal(WAVE), signal(WAVE, unit="V"))
    assert found.verdict == DIFFERENT


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (signal(WAVE, unit="nA"), "unit: mV -> nA"),
        (signal(WAVE, sampling_period=0.2), "sampling_period: 0.1 -> 0.2"),
        (signal(WAVE, t_start=1.0), "t_start: 0.0 -> 1.0"),
        (signal(WAVE[:7]), "values: shape (10, 3) -> (7, 3)"),
        (signal(WAVE.astype("f4")), "values: float64 -> float32"),
        (signal(WAVE, channels=[0, 1, 5]), "1 neuron only in the first, 1 only in the second"),
        (signal(WAVE, channels=[2, 1, 0]), "the same neurons in another order"),
        (signal(WAVE, description="x"), "description: none -> x"),
        (signal(WAVE, annotations={"a": 1}), "annotations.a: none -> 1"),
    ],
)
def test_what_is_not_compared_is_said(other: Entry, said: str) -> None:
    found, part = compared(signal(WAVE), other)
    assert not found.identical
    assert said in str(part)
    assert said in str(found)


def test_neurons_of_both_are_compared() -> None:
    one, other = signal(WAVE, channels=[3, 5, 8]), signal(changed((4, 0), 7.0), channels=[5, 9, 3])
    _, part = compared(one, other)
    assert part is not None
    assert part.first is not None
    # column 0 of the first is neuron 3, which is column 2 of the second
    assert (part.first.neuron, part.first.index) == (3, (0, 0))
    assert (part.first.first, part.first.second) == (0.0, 2.0)
    assert part.arrays[0].compared == 20


def table(kind: type[schemas.Part], facts: dict[str, Any] | None = None, **arrays: Any) -> Entry:
    model = kind(variable="x", **(facts or {}))
    return Entry(model, {name: np.asarray(array) for name, array in arrays.items()})


IRREGULAR = {"times": [1.0, 2.5, 4.0], "values": [[1.0], [2.0], [3.0]]}
EPOCHS = {"times": [1.0, 2.5], "durations": [1.0, 0.5], "labels": np.array(["a", "b"], object)}
ADDRESSES = {"addresses": np.array([3, 4, 5]), "ticks": np.array([10, 20, 30])}


@pytest.mark.parametrize(
    ("kind", "facts", "arrays", "array", "value", "time"),
    [
        (schemas.IrregularSignal, {"unit": "mV"}, IRREGULAR, "values", [[1.0], [9.0], [3.0]], 2.5),
        (schemas.IrregularSignal, {"unit": "mV"}, IRREGULAR, "times", [1.0, 2.6, 4.0], 2.5),
        (schemas.Event, {}, EPOCHS, "labels", np.array(["a", "c"], object), 2.5),
        (schemas.Epoch, {}, EPOCHS, "durations", [1.0, 0.25], 2.5),
        (schemas.AddressEvents, {"tick": 0.5}, ADDRESSES, "addresses", np.array([3, 7, 5]), 10),
        (
            schemas.ImageSequence,
            {"unit": "mV", "sampling_period": 2.5},
            {"values": np.zeros((2, 3, 4))},
            "values",
            changed((1, 2, 3), 1.0, np.zeros((2, 3, 4))),
            2.5,
        ),
    ],
)
def test_every_kind(
    kind: type[schemas.Part],
    facts: dict[str, Any],
    arrays: dict[str, Any],
    array: str,
    value: Any,
    time: float,
) -> None:
    if kind is schemas.Event:
        arrays = {name: values for name, values in arrays.items() if name != "durations"}
    one, other = table(kind, facts, **arrays), table(kind, facts, **arrays | {array: value})
    found, part = compared(one, other)
    assert found.verdict == DIFFERENT
    assert part is not None
    assert part.first is not None
    assert (part.first.array, part.first.time) == (array, time)
    assert [one.array for one in part.arrays] == [array]
    assert part.arrays[0].differing == 1
    assert compared(one, table(kind, facts, **arrays))[0].identical


def test_segments_and_recordings_that_only_one_has(tmp_path: Path) -> None:
    path = tmp_path / "a.nix"
    i = signal(WAVE).model.model_copy(update={"variable": "i"})
    other = Entry(i, signal(WAVE).arrays)
    with archive.open(path, "x") as exp:
        for name, order in (("a", "xyz"), ("b", "xz"), ("c", "zyx")):
            with exp.run(name) as run:
                for one in order:
                    own = [signal(WAVE), other] if name != "b" else [signal(WAVE)]
                    run.put([Entry(schemas.Segment(name=one), parts=own)])
    with archive.open(path) as exp:
        found = archive.diff(exp.runs["a"], exp.runs["b"])
        assert found.data is not None
        assert [fact.name for fact in found.data.segments] == ["segment y"]
        assert [part.name for part in found.data.parts] == ["x: exc/i", "z: exc/i"]
        assert found.data.parts[0].notes == ("only in the first",)
        assert found.data.compared == 2
        found = archive.diff(exp.runs["a"], exp.runs["c"])
        assert found.verdict == EQUAL
        assert "the segments are in another order" in str(found)


def test_documents(tmp_path: Path) -> None:
    path = tmp_path / "a.nix"
    with archive.open(path, "x") as exp:
        parameters = {"tau": quantity(10.0, "ms"), "size": 5}
        with exp.run("a", parameters=parameters, annotations={"x": quantity(1.0, "mV")}) as run:
            run.put([])
        rewritten = {"tau": quantity(0.01, "s"), "size": 5}
        with exp.run("b", parameters=rewritten, annotations={"x": quantity(0.001, "V")}):
            pass
        with pytest.raises(ZeroDivisionError), exp.run("c", parameters={"size": 6}):
            raise ZeroDivisionError
        one, other, failed = exp.runs
        found = archive.diff(one, other)
        assert found.verdicts["parameters"] == found.verdicts["run"] == EQUAL
        assert "tau" in str(found)
        found = archive.diff(one, failed)
        assert found.verdicts["parameters"] == DIFFERENT
        assert {fact.name for fact in found.documents["run"]} == {
            "annotations.x", "outcome", "reason",
        }  # fmt: skip
        assert archive.diff(one, one).identical
        with pytest.raises(archive.NotFound, match="neither run has any snapshots"):
            archive.diff(one, other, only="snapshots")
        with pytest.raises(archive.NotFound, match="'code'"):
            archive.diff(one, other, only="cod")
        with pytest.raises(archive.ContractError, match="tolerance"):
            archive.diff(one, other, tolerance=-1)


def with_voltage(values: npt.NDArray[Any]) -> Entry:
    one = network_states.population()
    return network_states.snapshot(
        Entry(one.model, {**one.arrays, "state:v": values}), network_states.population("inh", 10)
    )


def test_snapshots(tmp_path: Path) -> None:
    path = tmp_path / "a.nix"
    v = np.asarray(network_states.population().arrays["state:v"])
    v[3] = 0.0
    projections = [network_states.projection(seed=seed) for seed in (0, 1)]
    populations = network_states.population(), network_states.population("inh", 10)
    states = {
        "a": with_voltage(v),
        "again": with_voltage(v),
        "bits": with_voltage(np.where(v == 0, -0.0, v)),
        "close": with_voltage(v + 1e-9),
        "late": network_states.snapshot(time=20.0, name="x"),
        "wired": network_states.snapshot(*populations, projections[0]),
        "rewired": network_states.snapshot(*populations, projections[1]),
    }
    with archive.open(path, "x") as exp:
        for name, entry in states.items():
            with exp.run(name) as run:
                run.snapshot(entry)
    with archive.open(path) as exp:

        def verdict(one: str, other: str, **options: Any) -> str:
            found = archive.diff(exp.runs[one], exp.runs[other], only="snapshots", **options)
            assert found.verdicts["snapshots"] == found.verdict
            return found.verdict

        assert verdict("a", "again", deep=True) == IDENTICAL
        assert verdict("a", "bits") == EQUAL
        assert verdict("a", "close") == DIFFERENT
        assert verdict("a", "close", tolerance=1e-9) == CLOSE
        assert verdict("a", "close", tolerance=1e-13) == DIFFERENT
        found = archive.diff(exp.runs["a"], exp.runs["late"])
        assert "time: 12.5 -> 20.0" in str(found)
        found = archive.diff(exp.runs["wired"], exp.runs["rewired"])
        assert found.verdict == DIFFERENT
        assert "connections added" in str(found)
        assert found.to_dict()["snapshots"][0]["connections"][0]["added"] > 0


def test_it_says_itself(tmp_path: Path) -> None:
    one = put(tmp_path / "one.nix", a=signal(WAVE))
    other = put(tmp_path / "other.nix", a=signal(changed((7, 2), 24.0)), b=signal(WAVE))
    with archive.open(one) as mine, archive.open(other) as theirs:
        found = archive.diff(mine.runs["a"], theirs.runs["a"])
        assert archive.diff(mine.runs["a"], theirs.runs["b"]).identical
    text = str(found)
    assert "one.nix:a -> other.nix:a: different" in text
    assert "neuron 2, values[7, 2]: 23.0 -> 24.0 mV" in text
    assert "environment: identical" in text
    assert "parameters: neither has any" in text
    assert "<td>different</td>" in found._repr_html_()
    assert found.to_dict()["data"]["parts"][0]["first"]["index"] == (7, 2)


@pytest.mark.damaged
def test_deep_reads_what_digests_promise(tmp_path: Path) -> None:
    path = put(tmp_path / "one.nix", a=signal(WAVE), b=signal(WAVE))
    with h5py.File(path, "r+") as file:
        (block,) = file["data"].values()
        block["data_arrays/exc.v/data"][3, 1] += 1
    with archive.open(path) as exp:
        assert archive.diff(*exp.runs).identical  # as it was written
        with pytest.raises(archive.CorruptArchive, match="not what was written"):
            archive.diff(*exp.runs, deep=True)
