"""The judge of adapters finds each fault, says where it lies, and lets a sound adapter pass."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import strategies as st

import schemas
from archive.entry import Entry
from archive.testing import Given, ReaderSuite, RoundTripSuite, fuzz, sample
from archive.testing.comparing import Declared, differences, placed
from archive.testing.suites import WriterSuite
from tests.unit import faulty_adapters as faulty

BACK = "what_is_not_declared_lost_comes_back"


class TestSound(RoundTripSuite):
    adapter = faulty.Sound()
    carries: ClassVar = {"run": ("*",), "signal": ("values", "unit")}
    examples = 5
    mutations = 20


def suite(adapter: Any, carried: dict[str, Collection[str]] | None = None) -> RoundTripSuite:
    class Judge(RoundTripSuite):
        examples = 3
        mutations = 3
        seconds = 0.5
        carries = carried or {}

    Judge.adapter = adapter
    return Judge()


def judge(suite: ReaderSuite | WriterSuite, test: str) -> None:
    method = getattr(suite, f"test_{test}")
    if "tmp_path" not in inspect.signature(method).parameters:
        method()
        return
    with tempfile.TemporaryDirectory() as folder:
        method(Path(folder))


@pytest.mark.parametrize(
    ("adapter", "test", "message"),
    [
        (faulty.DropsDescription, BACK, r"second: description: wrote 'the same again', read None"),
        (faulty.ChangesUnit, BACK, r"first/segment000/exc/v: unit: wrote 'mV', read 'V'"),
        (faulty.LosesRun, BACK, r"second: run: wrote Run\(.*, read nothing"),
        (faulty.SwapsRuns, BACK, r"second: its place: wrote after first, read before it"),
        (faulty.InventsSegment, BACK, r"first/new: segment: wrote nothing, read Segment"),
        (faulty.TakesIntegersForFloats, BACK, r"first: annotations.trial: wrote 3, read 3.0"),
        (faulty.RoundsArrays, BACK, r"values: wrote an array of float64, read an array of float32"),
        (faulty.ChangesOneSample, BACK, r"exc/v: values: wrote -\d.* at \[7, 1\], read -\d"),
        (faulty.ForgetsChannels, BACK, r"channels: wrote an array of int64 \(2,\), read nothing"),
        (faulty.DeclaresAnother, BACK, r"(?s)unit: wrote 'mV', read 'V'.*declared lost were.*time"),
        (faulty.GoesThroughTwice, BACK, r"first: run: wrote .*, read nothing"),
        (faulty.DeclaresNobody, "it_says_what_is_lost", r"no entry has the way 'the first run'"),
        (faulty.DeclaresNothingKnown, "it_says_what_is_lost", r"first: a run has no.*'colour'"),
        (faulty.LeavesHalf, "it_leaves_nothing_when_it_fails", r"left behind was .*written"),
        (faulty.LeavesHalf, "it_leaves_the_old_file_when_it_fails", r"that existed is gone"),
        (faulty.LeavesHalfOfTheSecondTime, "it_leaves_nothing_when_it_fails", r"left behind was"),
        (faulty.Overwrites, "it_refuses_a_file_that_exists", r"DID NOT RAISE"),
        (faulty.NeverReplaces, "it_replaces_a_file_when_told", r"was not replaced"),
        (faulty.RecognisesAll, "it_recognises_no_others", r"'empty' is taken for a file"),
        (faulty.FailsToRecognise, "it_recognises_no_others", r"recognises\(\) raised IsADirectory"),
        (faulty.RecognisesNone, "it_recognises_its_own_files", r"written.faulty is not recognised"),
        (faulty.KeepsFileOpen, "it_lets_go_of_the_file", r"is still open when all was read"),
        (faulty.LetsErrorsThrough, "damaged_files_are_refused", r"copy \d+: KeyError: .*faulty_ad"),
        (faulty.Dies, "damaged_files_are_refused", r"copy \d+: the process ended with 3"),
        (faulty.IsSlow, "damaged_files_are_refused", r"copy \d+: it took \d"),
        (faulty.TakesMemory, "damaged_files_are_refused", r"it asked for too much memory"),
        (faulty.RunsCode, "damaged_files_are_refused", r"no reason for: .*os.system"),
        (faulty.UnsortedSpikes, "what_it_reads_keeps_the_contract", r"no archive would take it"),
        (faulty.GivesPartsAlone, "what_it_reads_keeps_the_contract", r"does not stand by itself"),
        (faulty.Positional, "it_is_a_writer", r"must take 2 arguments by position only"),
        (faulty.NameWithColon, "it_is_a_reader", r"must have no colon"),
        (faulty.SuffixInCapitals, "it_is_a_reader", r"'.JSON' must be in lower case"),
        (faulty.OverwritesUntold, "it_is_a_writer", r"overwrite must be False"),
        (faulty.NeverTheSame, "it_reads_the_same_twice", r"wrote 'read 1 times', read 'read 2"),
        (faulty.KeepsFileWhenStopped, "it_lets_go_of_the_file", r"still open when reading stopped"),
        (faulty.SaysNotWhere, "it_refuses_what_is_no_file", r"does not say of which file"),
        (faulty.SaysNotWhere, "it_refuses_what_is_of_another_format", r"not say of which file"),
        (faulty.SaysNotWhere, "it_refuses_a_folder_that_is_not_there", r"not say of which file"),
        (faulty.RefusesNothing, "it_refuses_what_is_no_file", r"DID NOT RAISE"),
        (faulty.RefusesNothing, "it_refuses_what_is_of_another_format", r"DID NOT RAISE"),
        (faulty.RefusesNothing, "it_refuses_a_folder_that_is_not_there", r"DID NOT RAISE"),
        (faulty.LeavesOldBeside, "it_replaces_a_file_when_told", r"left: .*written.old"),
        (faulty.DeclaresWithoutReason, "it_says_what_is_lost", r"the loss has no reason"),
        (faulty.DeclaresTuples, "it_says_what_is_lost", r"must be an archive.entry.Loss, not \("),
        (faulty.SaysNothing, "it_says_what_is_lost", r"return a list of losses, not NoneType"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_is_found(adapter: type[Any], test: str, message: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception), match=message):
        judge(suite(adapter()), test)
    while faulty.KeepsFileOpen.held:
        faulty.KeepsFileOpen.held.pop().close()


@pytest.mark.slow
def test_a_file_that_is_read_for_ever_is_a_finding_and_the_rest_goes_on(tmp_path: Path) -> None:
    (path,) = suite(faulty.Sound()).files(tmp_path)
    damaged = [one.number for one in fuzz(faulty.LetsErrorsThrough(), [path], range(30))][:2]
    found = fuzz(faulty.Hangs(), [path], damaged, seconds=0.2)
    assert [one.number for one in found] == damaged
    assert "did not come to an end in 2 s" in str(found[0])


def test_a_file_that_is_not_sound_is_named(tmp_path: Path) -> None:
    (path,) = suite(faulty.Sound()).files(tmp_path)
    bad = tmp_path / "bad"
    bad.write_bytes(b"none")
    (found,) = fuzz(faulty.LetsErrorsThrough(), [path, bad], range(3))
    assert (found.file, found.number) == ("bad", -1)
    assert found.what.startswith("sound, and: KeyError")


@pytest.mark.parametrize(
    "test",
    [
        "it_recognises_its_own_files",
        "what_it_reads_keeps_the_contract",
        "it_reads_the_same_twice",
        "it_lets_go_of_the_file",
        "damaged_files_are_refused",
    ],
)
def test_a_judge_without_files_does_not_acquit(test: str) -> None:
    class Judge(ReaderSuite):
        adapter = faulty.Sound()

    with pytest.raises(AssertionError, match=r"Judge.files\(\) gives no file"):
        judge(Judge(), test)


@pytest.mark.parametrize(
    ("wrote", "read", "are_same"),
    [
        ([0.0, 1.0], [-0.0, 1.0], False),
        ([complex(1, 0.0)], [complex(1, -0.0)], False),
        ([np.nan, 1.0], [1.0, 1.0], False),
        ([np.nan, 1.0], [-np.nan, 1.0], True),
        (np.array([1], "i4"), np.array([1], "i8"), False),
        (np.array([1], "<i4"), np.array([1], ">i4"), True),
        (["a", "b"], np.array(["a", "b"], object), True),
        (["a", "b"], np.array(["a", "c"], object), False),
        (np.array(["NaT", 5], "m8[s]"), np.array(["NaT", 5], "m8[s]"), True),
        (np.zeros((2, 0)), np.zeros((0, 2)), False),
    ],
)
def test_what_arrays_are_the_same(wrote: Any, read: Any, are_same: bool) -> None:
    one, other = (
        placed(Entry(schemas.Segment(), {"values": np.array(values)})) for values in (wrote, read)
    )
    found = [str(one) for one in differences([one], [other], Declared([]))]
    assert len(found) == (not are_same)
    assert all("values: wrote" in text for text in found)


def test_arrays_are_given_as_those_of_archives_are() -> None:
    (array,) = Given(Entry(schemas.Segment(), {"x": np.arange(3)})).entry().arrays.values()
    with pytest.raises(ValueError, match="read-only"):
        array[:2][0] = 7
    copied = np.array(array)
    copied[0] = 7
    assert np.asarray(array, np.float64).tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match="without copying"):
        np.array(array, copy=False)


def test_a_loss_that_is_declared_is_excused_but_not_where_it_was_promised_not_to_be() -> None:
    judge(of_the_sample(faulty.DeclaresAll()), BACK)
    with pytest.raises(AssertionError, match="a format that carries run: description may not"):
        judge(of_the_sample(faulty.DeclaresAll(), {"run": ["description"]}), BACK)


def test_what_is_lost_as_a_whole_is_excused_with_all_that_is_in_it() -> None:
    honest, silent = (faulty.LosesSnapshots(honest=honest) for honest in (True, False))
    judge(of_the_sample(honest), BACK)
    judge(of_the_sample(honest), "it_says_what_is_lost")
    with pytest.raises(AssertionError, match="first/end: snapshot: wrote Snapshot"):
        judge(of_the_sample(silent), BACK)
    with pytest.raises(AssertionError, match="a format that carries snapshot: snapshot may not"):
        judge(of_the_sample(honest, {"snapshot": ["*"]}), BACK)
    with pytest.raises(AssertionError, match="a format that carries population: population may"):
        judge(of_the_sample(honest, {"population": ["size"]}), BACK)


def of_the_sample(adapter: Any, carried: dict[str, Collection[str]] | None = None) -> Any:
    made: Any = suite(adapter, carried)
    made.sources = lambda: st.just(sample())
    return made
