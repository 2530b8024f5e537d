"""What ``population.write_data(io)`` of PyNN can write to, in scripts that stay as they are."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import schemas
from archive.entry import Entry
from archive.errors import ArchiveWarning, FormatError
from archive.hooks.pynn import recorders, settled
from archive.values import from_schema

Put = Callable[[list[Entry]], Sequence[Hashable]]
Annotate = Callable[[Any, Mapping[str, Any]], object]
CONTINUES = "continues"


@dataclass(slots=True)
class Written:
    """A segment in the archive: how its owner calls it, and which annotations it has."""

    handle: Hashable
    label: str | None
    told: set[str] = field(default_factory=set)


class PyNNIO:
    """Takes the blocks that PyNN writes, and stores every sample and spike once.

    PyNN passes all segments at every call. What was stored is recognised by the segment's name,
    the variable, the simulator's ids of the cells, and the data:

    - A segment that grew since (it was still running) is stored from there on, as a segment of
      the same name with the annotation ``continues``: True.
    - The populations of a script are written one by one: each call that brings something new is
      a segment of its own in the archive, with the same name.
    - Segments that PyNN has emptied (it does so when ``variables`` are named after a reset) are
      left alone, with a warning; another one tells if they had not been stored before.
    - Annotations that ``reset(annotations=...)`` gave to a segment after it was stored are given
      to it with the next call.
    - After a new ``setup()``, names of segments begin anew, and so does what is known of them.
    """

    def __init__(
        self,
        put: Put,
        annotate: Annotate,
        filename: str,
        open_part: Callable[[str], tuple[Put, Annotate]] | None = None,
    ) -> None:
        """`put` stores entries of segments together and returns a handle for each, by which
        `annotate` adds annotations to it later. PyNN changes `filename` when every MPI process
        shall write what it has (``gather=False``): then `open_part` is called with the new name,
        at the first write, for a `put` and `annotate` to use from then on."""
        self._put = put
        self._annotate = annotate
        self._filename = self._opened = self._given = filename
        self._open_part = open_part
        self._begin(None)

    @property
    def filename(self) -> str:
        """The name of the archive, or of this process's part of it."""
        return self._filename

    @filename.setter
    def filename(self, name: str) -> None:
        # PyNN adds the rank at every call, to a name that has it already.
        rank = self._filename.removeprefix(self._given)
        if not rank or name != self._filename + rank:
            self._filename = str(name)

    def write_block(self, block: Any, **options: object) -> None:
        """Store what is new in a block, in one go. `options` of other IOs have no meaning here.

        Raises FormatError or ContractError for what cannot be kept; then nothing is stored.
        """
        self._open()
        held = recorders(block)
        if held is not None and held is not self._recorders:
            self._begin(held)
        fresh: list[Entry] = []
        seen = [
            (segment, settled(block, segment))
            for segment in block.segments
            if not self._is_settled(segment)
        ]
        try:
            for segment, entry in seen:
                self._warn_of_emptied(block, segment, entry)
                parts, continues = self._stretches.fresh(entry)
                if parts:
                    fresh.append(
                        _continued(entry, parts) if continues else replace(entry, parts=parts)
                    )
            handles = self._put(fresh) if fresh else ()
        except BaseException:
            self._stretches.forget()
            raise
        self._stretches.keep(fresh)
        for entry, handle in zip(fresh, handles, strict=True):
            model = entry.model
            assert isinstance(model, schemas.Segment)
            written = Written(handle, block.name, set(model.annotations))
            self._written.setdefault(model.name, []).append(written)
        for segment, entry in seen:
            self._annotate_late(block, segment, entry)
            self._settled[id(segment)] = (weakref.ref(segment), _fingerprint(segment))

    def write(self, block: Any, **options: object) -> None:
        """The same as `write_block`; assemblies call it."""
        self.write_block(block, **options)

    def write_all_blocks(self, blocks: Iterable[Any], **options: object) -> None:
        """Store what is new in several blocks, one after the other."""
        for block in blocks:
            self.write_block(block, **options)

    def _begin(self, held: set[Any] | None) -> None:
        from archive.hooks.stretches import Stretches

        self._recorders = held
        self._stretches = Stretches()
        self._written: dict[str | None, list[Written]] = {}
        self._settled: dict[int, tuple[weakref.ref[Any], Hashable]] = {}

    def _open(self) -> None:
        if self._filename == self._opened:
            return
        if self._open_part is None:
            raise FormatError(
                f"the data of one process cannot go to a part, {self._filename!r}",
                hint="population.write_data(io, gather=True)",
            )
        self._put, self._annotate = self._open_part(self._filename)
        self._opened = self._filename
        self._begin(self._recorders)

    def _is_settled(self, segment: Any) -> bool:
        """Whether this very object was written as it is now; saves comparing its data again."""
        known = self._settled.get(id(segment))
        return known is not None and known[0]() is segment and known[1] == _fingerprint(segment)

    def _warn_of_emptied(self, block: Any, segment: Any, entry: Entry) -> None:
        """Tell what PyNN should have passed of a segment that ended, and has not."""
        from archive.hooks.stretches import variable_of

        recorder = next(
            (
                one
                for one in recorders(block) or ()
                if one.population.label == block.name
                and segment.name in {ended.name for ended in one.cache}
            ),
            None,
        )
        recorded = {} if recorder is None else recorder.recorded
        expected = {variable.name for variable, cells in recorded.items() if cells}
        parts = list(entry.parts)
        names = {variable_of(part.model) for part in parts}
        missing = {name for name in expected if not any(_is_of(full, name) for full in names)}
        stored = self._stretches.variables(segment.name)
        lost = {name for name in missing if not any(_is_of(full, name) for full in stored)}
        if missing and not lost:
            text = "its data are in the archive already, and stay"
        elif missing or not parts:
            text = "what was lost had not been written before: " + (
                ", ".join(sorted(lost)) or "nothing is known of it"
            )
        else:
            return
        warnings.warn(
            f"{segment.name} of {block.name}: PyNN passed it without data, as it does after"
            f" variables were named; {text}. Write with variables='all'",
            ArchiveWarning,
            stacklevel=4,
        )

    def _annotate_late(self, block: Any, segment: Any, entry: Entry) -> None:
        model = entry.model
        assert isinstance(model, schemas.Segment)
        for written in self._written.get(segment.name, ()):
            # What is said of one population belongs to segments of that population only.
            late = {
                name: from_schema(value)
                for name, value in model.annotations.items()
                if name not in written.told
                and (name in segment.annotations or written.label == block.name)
            }
            if late:
                self._annotate(written.handle, late)
                written.told.update(late)


def _continued(entry: Entry, parts: list[Entry]) -> Entry:
    model = entry.model
    assert isinstance(model, schemas.Segment)
    annotations = {**model.annotations, CONTINUES: True}
    return Entry(model.model_copy(update={"annotations": annotations}), parts=parts)


def _is_of(name: str, variable: str) -> bool:
    """Whether a signal is of a variable: a location may stand before it, as in ``soma.v``."""
    return name == variable or name.endswith(f".{variable}")


def _fingerprint(segment: Any) -> Hashable:
    return (
        tuple(signal.shape for signal in segment.analogsignals),
        tuple(signal.shape for signal in segment.irregularlysampledsignals),
        len(segment.spiketrains),
        tuple(sorted(segment.annotations)),
    )
