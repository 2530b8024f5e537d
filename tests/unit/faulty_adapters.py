"""Adapters with one fault each, for the judge to find. All are the JSON adapter at heart."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import schemas
from archive.adapters.json_archive import JsonArchive
from archive.entry import Entry, Loss, Source, walk
from archive.errors import FormatError


class Sound:
    """Reads and writes without a fault."""

    name: ClassVar[str] = "json"  # whose files it takes
    suffixes: ClassVar[tuple[str, ...]] = (".faulty",)
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        return JsonArchive().recognises(path)

    def read(self, path: Path, /) -> Iterator[Entry]:
        return JsonArchive().read(path)

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        return JsonArchive().write(source, path, overwrite=overwrite)


def changed(entry: Entry, change: Callable[[Entry], Entry | None]) -> Entry | None:
    """The entry with a change made to it, and to all that is in it; None takes one away."""
    made = change(entry)
    if made is None:
        return None
    parts = (changed(part, change) for part in made.parts)
    return replace(made, parts=[part for part in parts if part is not None])


class Changing(Sound, ABC):
    """Changes entries when it reads."""

    def read(self, path: Path, /) -> Iterator[Entry]:
        for entry in super().read(path):
            made = changed(entry, self.change)
            if made is not None:
                yield made

    @abstractmethod
    def change(self, entry: Entry) -> Entry | None:
        """What is read in its place; None for nothing."""


def updated(entry: Entry, **fields: Any) -> Entry:
    return replace(entry, model=entry.model.model_copy(update=fields))


class DropsDescription(Changing):
    def change(self, entry: Entry) -> Entry:
        return updated(entry, description=None) if entry.model.kind == "run" else entry


class ChangesUnit(Changing):
    def change(self, entry: Entry) -> Entry:
        return updated(entry, unit="V") if entry.model.kind == "signal" else entry


class LosesRun(Changing):
    def change(self, entry: Entry) -> Entry | None:
        return None if getattr(entry.model, "name", "") == "second" else entry


class SwapsRuns(Changing):
    def change(self, entry: Entry) -> Entry:
        parts = list(entry.parts)
        is_whole = entry.model.kind == "experiment"
        return replace(entry, parts=[*parts[1::-1], *parts[2:]] if is_whole else parts)


class InventsSegment(Changing):
    def change(self, entry: Entry) -> Entry:
        more = [Entry(schemas.Segment(name="new"))] if entry.model.kind == "run" else []
        return replace(entry, parts=[*entry.parts, *more])


class TakesIntegersForFloats(Changing):
    def change(self, entry: Entry) -> Entry:
        said = getattr(entry.model, "annotations", {})
        made = {name: float(v) if type(v) is int else v for name, v in said.items()}
        return updated(entry, annotations=made) if said else entry


class RoundsArrays(Changing):
    def change(self, entry: Entry) -> Entry:
        made = {
            name: np.asarray(array).astype("f4") if name == "values" else array
            for name, array in entry.arrays.items()
        }
        return replace(entry, arrays=made)


class ChangesOneSample(Changing):
    def change(self, entry: Entry) -> Entry:
        if entry.model.kind != "signal":
            return entry
        values = np.array(entry.arrays["values"])
        values.flat[-1:] += 1
        return replace(entry, arrays={**entry.arrays, "values": values})


class ForgetsChannels(Changing):
    def change(self, entry: Entry) -> Entry:
        kept = {name: array for name, array in entry.arrays.items() if name != "channels"}
        return replace(entry, arrays=kept)


class DeclaresAnother(ChangesUnit):
    """What it says that it loses it does not, and the unit it does."""

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        super().write(source, path, overwrite=overwrite)
        return [Loss("first/segment000/exc/v", "time_unit", "no place for it")]


class DeclaresAll(DropsDescription):
    """Honest, but it promised better."""

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        super().write(source, path, overwrite=overwrite)
        return [Loss(name, "description", "no place for it") for name in ("first", "second")]


class LosesSnapshots(Changing):
    """Says so, or not."""

    def __init__(self, *, honest: bool) -> None:
        self._honest = honest

    def change(self, entry: Entry) -> Entry | None:
        return None if entry.model.kind == "snapshot" else entry

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        super().write(source, path, overwrite=overwrite)
        return [Loss("first/end", "snapshot", "no place for it")] if self._honest else []


class DeclaresNobody(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        super().write(source, path, overwrite=overwrite)
        return [Loss("the first run", "description", "no place for it")]


class DeclaresNothingKnown(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        super().write(source, path, overwrite=overwrite)
        return [Loss("first", "colour", "no place for it")]


class LeavesHalf(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        try:
            return super().write(source, path, overwrite=overwrite)
        except Exception:
            path.write_bytes(b'{"format": "neuro')
            raise


class LeavesHalfOfTheSecondTime(LeavesHalf):
    """What fails when it looks what there is does no harm, but what fails after that does."""

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        for _ in walk(source.entry()):
            pass
        return super().write(source, path, overwrite=overwrite)


class Overwrites(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        return super().write(source, path, overwrite=True)


class NeverReplaces(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        if path.exists() and overwrite:
            return []
        return super().write(source, path, overwrite=overwrite)


class GoesThroughTwice(Sound):
    """Goes twice through parts that are given once."""

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        entry = source.entry()
        list(entry.parts)

        class Again:
            def entry(self) -> Entry:
                return entry

        return super().write(Again(), path, overwrite=overwrite)


class RecognisesAll(Sound):
    def recognises(self, path: Path, /) -> bool:
        return True


class RecognisesNone(Sound):
    def recognises(self, path: Path, /) -> bool:
        return False


class FailsToRecognise(Sound):
    def recognises(self, path: Path, /) -> bool:
        return path.read_bytes().startswith(b'{"format": "neuroarchive"')


class KeepsFileOpen(Sound):
    held: ClassVar[list[Any]] = []

    def read(self, path: Path, /) -> Iterator[Entry]:
        self.held.append(path.open("rb"))
        return super().read(path)


class LetsErrorsThrough(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        try:
            yield from super().read(path)
        except FormatError as error:
            raise KeyError(error.message) from None


class Dies(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        try:
            yield from super().read(path)
        except FormatError:
            os._exit(3)


class Hangs(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        try:
            yield from super().read(path)
        except FormatError:
            while True:
                pass


class IsSlow(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        try:
            yield from super().read(path)
        except FormatError:
            began = time.process_time()
            while time.process_time() < began + 0.8:
                pass
            raise


class TakesMemory(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        try:
            yield from super().read(path)
        except FormatError:
            np.ones(1 << 30)
            raise


class RunsCode(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        try:
            yield from super().read(path)
        except FormatError:
            os.system("true")
            raise


class UnsortedSpikes(Changing):
    def change(self, entry: Entry) -> Entry:
        if entry.model.kind != "spike-trains":
            return entry
        arrays = {**entry.arrays, "neuron": np.asarray(entry.arrays["neuron"])[::-1]}
        return replace(entry, arrays=arrays)


class GivesPartsAlone(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        for experiment in super().read(path):
            for run in experiment.parts:
                for segment in run.parts:
                    yield from segment.parts


class Positional(Sound):
    def write(self, source: Source, path: Path, overwrite: bool = False) -> list[Loss]:
        return super().write(source, path, overwrite=overwrite)


class NeverTheSame(Changing):
    reads = 0

    def read(self, path: Path, /) -> Iterator[Entry]:
        self.reads += 1
        return super().read(path)

    def change(self, entry: Entry) -> Entry:
        said = f"read {self.reads} times"
        return updated(entry, description=said) if entry.model.kind == "run" else entry


class KeepsFileWhenStopped(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        entries = self._entries(path)
        KeepsFileOpen.held.append(entries)
        return entries

    def _entries(self, path: Path) -> Iterator[Entry]:
        with path.open("rb"):
            yield from super().read(path)


class SaysNotWhere(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        try:
            yield from super().read(path)
        except FormatError as error:
            raise FormatError(error.message) from None

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        if not path.parent.exists():
            raise FormatError("there is no such folder")
        return super().write(source, path, overwrite=overwrite)


class RefusesNothing(Sound):
    def read(self, path: Path, /) -> Iterator[Entry]:
        with suppress(FormatError):
            yield from super().read(path)

    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        path.parent.mkdir(exist_ok=True)
        return super().write(source, path, overwrite=overwrite)


class LeavesOldBeside(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        if path.exists() and overwrite:
            path.rename(path.with_suffix(".old"))
        return super().write(source, path, overwrite=overwrite)


class DeclaresWithoutReason(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Loss]:
        super().write(source, path, overwrite=overwrite)
        return [Loss("first", "description", "")]


class DeclaresTuples(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> list[Any]:
        super().write(source, path, overwrite=overwrite)
        return [("first", "description", "no place for it")]


class SaysNothing(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = False) -> Any:
        super().write(source, path, overwrite=overwrite)


class NameWithColon(Sound):
    name = "json:other"


class SuffixInCapitals(Sound):
    suffixes = (".JSON",)


class OverwritesUntold(Sound):
    def write(self, source: Source, path: Path, /, *, overwrite: bool = True) -> list[Loss]:
        return super().write(source, path, overwrite=overwrite)
