"""The adapter of NEURON's vector files: which of their forms it is, and the file written whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from archive.adapters import neuron_binary, neuron_text
from archive.adapters.bounded import whole
from archive.adapters.milliseconds import milliseconds
from archive.adapters.neuron_reading import Reading
from archive.adapters.neuron_text import Table
from archive.adapters.neuron_writing import write_clipboard
from archive.adapters.replacing import replacing
from archive.adapters.segments import chosen_segment
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError
from schemas.v1.unit import UnitError, conversion, parse

FORMS = ("text", "vwrite", "fwrite")


@dataclass
class Neuron:
    """Reads the vectors that NEURON writes, and writes those of its clipboard.

    Known by content are a text that begins with ``label:``, and what ``Vector.vwrite`` writes.
    Other texts, as of ``Vector.printf`` and ``Matrix.fprint``, have no mark, and ``Vector.fwrite``
    has none at all: these are read by name, as ``neuron`` or ``neuron:text``, ``neuron:fwrite``.
    """

    name: ClassVar[str] = "neuron"
    suffixes: ClassVar[tuple[str, ...]] = (".dat",)
    extra: ClassVar[str | None] = None
    form: str | None = None  # None: text or vwrite, by content

    def variant(self, name: str) -> Neuron:
        """The adapter of one form: "text", "vwrite" or "fwrite"."""
        if name not in FORMS:
            raise FormatError(f"NEURON has no form {name!r}", hint=f"known are {', '.join(FORMS)}")
        return Neuron(name)

    def recognises(self, path: Path, /) -> bool:
        """Whether it begins with a label, or headers of vectors lead from its begin to its end."""
        try:
            with path.open("rb") as file:
                if file.read(len(neuron_text.LABEL)) == neuron_text.LABEL:
                    return True
                return neuron_binary.looks_written(file, path.stat().st_size)
        except OSError:
            return False

    def read(
        self,
        path: Path,
        /,
        *,
        times: bool | None = None,
        count: bool | None = None,
        sampling_period: Any = None,
        regular: bool | None = None,
        variable: str | None = None,
        unit: str = "dimensionless",
        time_unit: str = "ms",
        kind: int | str = 4,
        byte_order: str = "<",
    ) -> Iterator[Entry]:
        """A segment of what has times, and values under keys of what has none.

        `times` says whether the first column (of ``vwrite``: the first vector) is that of the
        times; by default it is in a text with several columns, but not in a matrix. `count` says
        whether a number that stands alone in the first line is that of the rows. A
        `sampling_period`, in ms, a quantity or text as "0.025 ms", makes signals of vectors
        without times. `regular` is whether to take times for regularly sampled; by default where
        they are, as precisely as they are printed. `kind` and `byte_order` are of ``fwrite``.
        Raises FormatError, naming the line, for all that is no such file.
        """
        path = Path(path)
        _check_units(unit, time_unit)
        period = None if sampling_period is None else milliseconds(sampling_period, path.name)
        content = whole(path, neuron_text.LIMIT)
        form = self.form or self._form(path)
        if form == "text":
            tables = neuron_text.tables(content, path, count=count)
        else:
            vectors = (
                [neuron_binary.raw(content, path, _kind(kind), byte_order)]
                if form == "fwrite"
                else list(neuron_binary.vectors(content, path))
            )
            tables = _timed(vectors, path) if times else [_table(one) for one in vectors]
        reading = Reading(path, times, period, regular, unit, time_unit, variable)
        yield from reading.entries(tables)

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        segment: str | None = None,
        signal: str | None = None,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write the signals of a segment as NEURON's clipboard does, one after the other, with all
        digits. NEURON's ``clipboard_retrieve`` takes the first of them, if it has one channel.

        `segment` and `signal` name one of several. Raises FormatError if there is none, or no way
        to choose.
        """
        path = Path(path)
        if self.form not in (None, "text"):
            raise FormatError(f"the form {self.form!r} is not written", hint="'neuron' is")
        losses: list[Loss] = []
        way, chosen = chosen_segment(source, segment, path, losses)
        with replacing(path, overwrite=overwrite) as staged:
            losses += write_clipboard(chosen, way, signal, staged, path)
        return losses

    def _form(self, path: Path) -> str:
        with path.open("rb") as file:
            is_binary = neuron_binary.looks_written(file, path.stat().st_size)
        return "vwrite" if is_binary else "text"


def _check_units(unit: str, time_unit: str) -> None:
    try:
        parse(unit)
        conversion(time_unit, "ms")
    except UnitError as error:
        raise FormatError(str(error)) from None


def _kind(kind: int | str) -> int:
    try:
        return int(kind)
    except ValueError:
        raise FormatError(f"there is no type {kind!r:.40}", hint="it is from 1 to 5") from None


def _table(vector: Any) -> Table:
    return Table(None, vector.reshape(-1, 1), "matrix", 1)


def _timed(vectors: list[Any], path: Path) -> list[Table]:
    """The first vector as the times of all others."""
    first, *others = vectors
    if not others:
        raise FormatError("there is one vector: nothing that belongs to its times", path=path)
    for number, one in enumerate(others, 2):
        if len(one) != len(first):
            raise FormatError(
                f"vector {number} has {len(one)} values, and the first {len(first)} times",
                path=path,
            )
    rows = np.stack([one.astype(np.float64) for one in vectors], axis=1)
    return [Table(None, rows, "matrix", 1)]
