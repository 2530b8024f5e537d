"""The judges: classes of tests that the author of an adapter inherits."""

from __future__ import annotations

import inspect
import os
import tempfile
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, given, reject, settings, strategies as st

from archive.entry import Entry, Loss
from archive.errors import AlreadyExists, ArchiveError, ArchiveWarning, ContractError, FormatError
from archive.testing.comparing import Declared, differences, placed
from archive.testing.fuzzing import SECONDS, exhausted, fuzz
from archive.testing.judging import (
    broken_promises,
    misdeclared,
    not_equal,
    problems,
    topmost,
    unfit,
)
from archive.testing.sample import sample
from archive.testing.sources import Failing, Given, ReadingFailed
from archive.testing.strangers import strangers
from archive.testing.strategies import experiments
from archive.testing.trimmed import only

TOP = frozenset(
    ("experiment", "run", "segment", "snapshot", "parameter-set", "keyed-value")
)  # what a reader may give by itself


class _Suite:
    """What the suites share: the adapter, and what it is asked with."""

    adapter: ClassVar[Any]
    """An instance of the adapter, of a class that is defined in a module."""

    scope: ClassVar[str] = "experiment"
    """The kind of entry that a file of this format is; what lies around it is not judged."""

    read_options: ClassVar[Mapping[str, Any]] = {}
    write_options: ClassVar[Mapping[str, Any]] = {}

    def _protocol(self, verb: str) -> None:
        adapter, name = self.adapter, type(self.adapter).__name__
        assert isinstance(adapter.name, str), f"{name}.name must be text"
        assert adapter.name, f"{name}.name must not be empty"
        assert ":" not in adapter.name, f"{name}.name must have no colon: it parts name and kind"
        assert isinstance(adapter.suffixes, tuple), f"{name}.suffixes must be a tuple"
        for suffix in adapter.suffixes:
            fits = isinstance(suffix, str) and suffix.startswith(".") and suffix == suffix.lower()
            assert fits, f"{name}.suffixes: {suffix!r} must be in lower case, with its dot"
        assert adapter.extra is None or isinstance(adapter.extra, str), f"{name}.extra"
        method = getattr(adapter, verb, None)
        assert callable(method), f"{name} has no {verb}()"
        given = [*inspect.signature(method).parameters.values()]
        positional = [p for p in given if p.kind is inspect.Parameter.POSITIONAL_ONLY]
        count = 1 if verb == "read" else 2
        assert len(positional) == count, (
            f"{name}.{verb}() must take {count} arguments by position only, as the protocol does"
        )
        taken = [p for p in given if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        assert not taken, f"{name}.{verb}() must take its options by keyword only: {taken}"

    def _read(self, path: Path) -> list[Entry]:
        return list(self.adapter.read(path, **self.read_options))

    def _read_with_losses(self, path: Path) -> tuple[list[Entry], list[Loss]]:
        """What is in a file, and what the reader left out of it, if it can say."""
        losses: list[Loss] = []
        if "losses" not in inspect.signature(self.adapter.read).parameters:
            return self._read(path), losses
        return list(self.adapter.read(path, **{**self.read_options, "losses": losses})), losses


class ReaderSuite(_Suite):
    """Inherit, and give `adapter` and `files`, to have a reader judged."""

    mutations: ClassVar[int] = 30
    """How many damaged copies are read; give thousands now and then."""
    seconds: ClassVar[float] = SECONDS
    """That reading a damaged file may take, of the processor."""
    takes: ClassVar[Collection[str]] = ()
    """Names of files of `archive.testing.strangers` that are of the format all the same."""

    # pytest passes over abstract classes in silence: the judge itself says that there is no file
    def files(self, folder: Path) -> Iterable[Path]:
        """Files of the format: ready ones, or ones that are written into the folder."""
        return ()

    def _files(self, folder: Path) -> list[Path]:
        found = list(self.files(folder))
        assert found, f"{type(self).__name__}.files() gives no file to judge by"
        return found

    def test_it_is_a_reader(self) -> None:
        self._protocol("read")

    def test_it_recognises_its_own_files(self, tmp_path: Path) -> None:
        if not hasattr(self.adapter, "recognises"):
            pytest.skip("this reader does not look into files")
        for path in self._files(tmp_path):
            assert self.adapter.recognises(path) is True, f"{path.name} is not recognised"

    def test_it_recognises_no_others(self) -> None:
        if not hasattr(self.adapter, "recognises"):
            pytest.skip("this reader does not look into files")
        with tempfile.TemporaryDirectory() as folder:
            for path in strangers(Path(folder), self.adapter):
                if path.name in self.takes:
                    continue
                try:
                    said = self.adapter.recognises(path)
                except Exception as error:
                    pytest.fail(f"recognises() raised {error!r} for {path.name!r}")
                assert said is False, f"{path.name!r} is taken for a file of {self.adapter.name}"

    def test_what_it_reads_keeps_the_contract(self, tmp_path: Path) -> None:
        for path in self._files(tmp_path):
            entries, losses = self._read_with_losses(path)
            for loss in losses:
                assert isinstance(loss, Loss), f"a loss must be an archive.entry.Loss, not {loss!r}"
            for entry in entries:
                assert isinstance(entry, Entry), f"read() gave {entry!r:.100}"
                kind = entry.model.kind
                assert kind in TOP, f"a {kind} does not stand by itself; {sorted(TOP)} do"
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ArchiveWarning)
                    try:
                        unfit(entry)
                    except ContractError as error:
                        pytest.fail(f"{path.name}: no archive would take it: {error}")

    def test_it_reads_the_same_twice(self, tmp_path: Path) -> None:
        for path in self._files(tmp_path):
            first, second = (list(map(placed, self._read(path))) for _ in range(2))
            found = list(map(str, differences(first, second, Declared([]))))
            assert not found, problems(f"{path.name} is read otherwise the second time", found)

    def test_it_lets_go_of_the_file(self, tmp_path: Path) -> None:
        for path in self._files(tmp_path):
            before = _open_files(path)
            exhausted(self.adapter.read(path, **self.read_options))
            assert _open_files(path) <= before, f"{path.name} is still open when all was read"
            entries = iter(self.adapter.read(path, **self.read_options))
            next(entries, None)
            del entries
            assert _open_files(path) <= before, f"{path.name} is still open when reading stopped"

    def test_it_refuses_what_is_no_file(self, tmp_path: Path) -> None:
        for path in (tmp_path / "missing", tmp_path):
            with pytest.raises(ArchiveError) as caught:
                exhausted(iter(self._read(path)))
            where = caught.value.path
            assert where, f"the error for {path} does not say of which file: {caught.value}"

    def test_it_refuses_what_is_of_another_format(self, tmp_path: Path) -> None:
        for name, content in {"empty": b"", "noise": bytes(range(256)) * 9}.items():
            path = tmp_path / name
            path.write_bytes(content)
            if name in self.takes:
                continue
            with pytest.raises(FormatError) as caught:
                exhausted(iter(self._read(path)))
            assert caught.value.path, f"the error does not say of which file: {caught.value}"

    def test_damaged_files_are_refused(self, tmp_path: Path) -> None:
        """Or read, if they still say something; but nothing worse. See `fuzz`."""
        files, numbers = self._files(tmp_path), range(self.mutations)
        options = self.read_options
        found = fuzz(self.adapter, files, numbers, seconds=self.seconds, options=options)
        assert not found, problems(f"{self.adapter.name} and damaged files", list(map(str, found)))


class WriterSuite(_Suite):
    """Inherit, and give `adapter`, to have a writer judged."""

    examples: ClassVar[int] = 15
    """How many experiments Hypothesis makes."""
    file_name: ClassVar[str] = "written"
    may_refuse: ClassVar[bool] = False
    """Whether some of `sources` may be refused with an ArchiveError; these are not judged."""

    def source(self) -> Entry:
        """An experiment that the format takes: without more, `sample` cut down to the scope."""
        return only(sample(), self.scope)

    def sources(self) -> st.SearchStrategy[Entry]:
        """Experiments that the format takes: without more, the one of `source`; or any, if a
        file of the format is an experiment."""
        return experiments() if self.scope == "experiment" else st.just(self.source())

    def _path(self, folder: Path) -> Path:
        return folder / f"{self.file_name}{(*self.adapter.suffixes, '')[0]}"

    def _write(self, source: Any, path: Path, **options: Any) -> list[Loss]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ArchiveWarning)
            losses: list[Loss] = self.adapter.write(source, path, **self.write_options, **options)
        return losses

    def _each(self, check: Any) -> None:
        """Call it with each of the experiments, and a new folder."""

        @settings(
            max_examples=self.examples,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            phases=set(Phase) - {Phase.explain},  # the judgement says what is wrong
        )
        @given(self.sources())
        def judged(experiment: Entry) -> None:
            if self.may_refuse and self._refused(experiment):
                reject()
            with tempfile.TemporaryDirectory() as folder:
                check(experiment, Path(folder))

        judged()

    def _refused(self, experiment: Entry) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            try:
                self._write(Given(experiment), self._path(Path(folder)))
            except ArchiveError:
                return True
        return False

    def test_it_is_a_writer(self) -> None:
        self._protocol("write")
        options = inspect.signature(self.adapter.write).parameters
        assert "overwrite" in options, "write() has no option overwrite"
        assert options["overwrite"].default is False, "overwrite must be False without more"

    def test_it_says_what_is_lost(self, tmp_path: Path) -> None:
        self._declares(self.source(), tmp_path)
        if not isinstance(self, ReaderSuite):  # else that is judged with what comes back
            self._each(self._declares)

    def _declares(self, experiment: Entry, folder: Path) -> list[Loss]:
        losses = self._write(Given(experiment), self._path(folder))
        wrong = list(misdeclared(placed(experiment), losses))
        assert not wrong, problems(f"{self.adapter.name} declares badly", wrong)
        return losses

    def test_it_refuses_a_file_that_exists(self, tmp_path: Path) -> None:
        path = self._path(tmp_path)
        path.write_bytes(b"mine")
        with pytest.raises(AlreadyExists):
            self._write(Given(self.source()), path)
        assert path.read_bytes() == b"mine", "the file that existed was changed"
        _nothing_else(path)

    def test_it_replaces_a_file_when_told(self, tmp_path: Path) -> None:
        path = self._path(tmp_path)
        self._write(Given(self.source()), path)
        first = path.stat().st_size
        path.write_bytes(b"mine" * 9999)
        self._write(Given(self.source()), path, overwrite=True)
        assert path.read_bytes()[:4] != b"mine", "the file that existed was not replaced"
        second = path.stat().st_size
        # dates and identifiers may differ
        assert abs(second - first) < 100 + first // 10, f"first {first} bytes, then {second}"
        _nothing_else(path)

    def test_it_leaves_nothing_when_it_fails(self, tmp_path: Path) -> None:
        for source in self._failing():
            path = self._path(tmp_path)
            if self._fails(source, path):
                left = _names(tmp_path)
                assert not left, f"left behind was {left}"
            for file in tmp_path.iterdir():
                file.unlink()

    def test_it_leaves_the_old_file_when_it_fails(self, tmp_path: Path) -> None:
        for source in self._failing():
            path = self._path(tmp_path)
            path.write_bytes(b"mine")
            if self._fails(source, path, overwrite=True):
                _nothing_else(path)
                assert path.read_bytes() == b"mine", "the file that existed is gone"

    def _failing(self) -> Iterator[Failing]:
        """At several places, and in the second time that it is gone through, too."""
        experiment = self.source()
        count = sum(1 for _ in placed(experiment).walk())
        for good in sorted({1, 2, 3, count // 2, count - 1}):
            yield from (Failing(experiment, good, call) for call in (1, 2))

    def _fails(self, source: Failing, path: Path, **options: Any) -> bool:
        try:
            self._write(source, path, **options)
        except (ReadingFailed, ArchiveError):
            return True
        return False  # it had all that it wanted by then

    def test_it_refuses_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(FormatError) as caught:
            self._write(Given(self.source()), self._path(tmp_path / "missing"))
        assert caught.value.path, f"the error does not say of which file: {caught.value}"


class RoundTripSuite(ReaderSuite, WriterSuite):
    """Inherit, and give `adapter`, to have one judged that reads what it writes: what it has not
    declared lost must come back equal."""

    carries: ClassVar[Mapping[str, Collection[str]]] = {}
    """What the format promises to carry of `source`: by kind, names of fields and arrays, or
    ``"*"``. A loss of it is an error, declared or not."""
    adds: ClassVar[Mapping[str, Collection[str]]] = {}
    """What the reader says of itself where nothing was said: by kind, names of fields and
    arrays, such as a name after the file."""

    def files(self, folder: Path) -> Iterable[Path]:
        path = self._path(folder)
        self._write(Given(self.source()), path)
        return [path]

    def normal(self, entry: Entry) -> Entry:
        """The form in which what was written and what was read are compared, where the format
        says the same otherwise: `canonical`, for connections. Without more, as it is."""
        return entry

    def _judge(self, experiment: Entry, folder: Path) -> list[Loss]:
        losses = self._declares(experiment, folder)
        entries = self._read(self._path(folder))
        found = [
            one for entry in entries for one in topmost(placed(self.normal(entry)), self.scope)
        ]
        wanted = list(topmost(placed(self.normal(experiment)), self.scope))
        wrong = not_equal(wanted, found, losses, self.adds, self.adapter.name)
        assert not wrong, wrong
        return losses

    def test_what_is_not_declared_lost_comes_back(self, tmp_path: Path) -> None:
        losses = self._judge(self.source(), tmp_path)
        kept = list(broken_promises(placed(self.source()), losses, self.carries))
        assert not kept, problems(f"{self.adapter.name} loses what it promises", kept)
        self._each(self._judge)


def _open_files(path: Path) -> int:
    """How often this process has a file open; 0 where the system does not say."""
    try:
        held = [os.path.realpath(number) for number in Path("/proc/self/fd").iterdir()]
    except OSError:
        return 0
    return held.count(os.path.realpath(path))


def _nothing_else(path: Path) -> None:
    names = _names(path.parent)
    assert names == [path.name], f"beside the file was left: {names}"


def _names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())
