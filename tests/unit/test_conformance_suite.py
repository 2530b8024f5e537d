"""The judge of adapters finds each fault, says where it lies, and lets a sound adapter pass."""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st

from archive.testing import RoundTripSuite, fuzz, sample
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


def judge(suite: WriterSuite, test: str) -> None:
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
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_fault_is_found(adapter: type[Any], test: str, message: str) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception), match=message):
        judge(suite(adapter()), test)
    for file in faulty.KeepsFileOpen.held:
        file.close()


@pytest.mark.slow
def test_a_file_that_is_read_for_ever_is_a_finding_and_the_rest_goes_on(tmp_path: Path) -> None:
    (path,) = suite(faulty.Sound()).files(tmp_path)
    damaged = [one.number for one in fuzz(faulty.LetsErrorsThrough(), [path], range(30))][:2]
    found = fuzz(faulty.Hangs(), [path], damaged, seconds=0.2)
    assert [one.number for one in found] == damaged
    assert "did not come to an end in 2 s" in str(found[0])


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


def of_the_sample(adapter: Any, carried: dict[str, Collection[str]] | None = None) -> Any:
    made: Any = suite(adapter, carried)
    made.sources = lambda: st.just(sample())
    return made
