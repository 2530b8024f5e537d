"""The adapter of Axon text files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from archive.adapters.atf_reading import Reading
from archive.adapters.atf_text import LIMIT, MAGIC, parsed
from archive.adapters.atf_writing import AtfWriting
from archive.adapters.bounded import whole
from archive.adapters.foreign_units import is_time
from archive.adapters.replacing import replacing
from archive.adapters.segments import chosen_run
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError


class Atf:
    """Reads and writes Axon text files, as Clampfit does: a run, with a segment for each sweep."""

    name: ClassVar[str] = "atf"
    suffixes: ClassVar[tuple[str, ...]] = (".atf",)
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether its first line says ATF and a version."""
        try:
            with path.open("rb") as file:
                words = file.read(64).removeprefix(b"\xef\xbb\xbf").splitlines()[:1]
        except OSError:
            return False
        fields = words[0].replace(b",", b"\t").split() if words else []
        return len(fields) == 2 and fields[0] == MAGIC and fields[1][:1].isdigit()

    def read(
        self,
        path: Path,
        /,
        *,
        time_unit: str | None = None,
        regular: bool | None = None,
        losses: list[Loss] | None = None,
    ) -> Iterator[Entry]:
        """A run with a segment for each sweep; of a table without times a value under each title.

        `time_unit` is taken for what the title of the first column does not tell. `regular` is
        whether to take the times for regularly sampled; by default where they are, as precisely as
        they are printed. Raises FormatError, naming the line, for what is no ATF file.
        """
        path = Path(path)
        if time_unit is not None and not is_time(time_unit):
            raise FormatError(f"{time_unit!r:.40} is no unit of time", path=path)
        reading = Reading(path, parsed(whole(path, LIMIT), path), time_unit, regular)
        entries = list(reading.entries())
        if losses is not None:
            losses += reading.losses
        yield from entries

    def write(
        self, source: Source, path: Path, /, *, run: str | None = None, overwrite: bool = False
    ) -> list[Loss]:
        """Write the signals of a run that have the times of the first, and return what is lost.

        `run` names one of several. Raises FormatError if no signal can be written.
        """
        path = Path(path)
        losses: list[Loss] = []
        way, chosen = chosen_run(source, run, path, losses)
        with replacing(path, overwrite=overwrite) as staged:
            writing = AtfWriting(chosen, way, path)
            writing.write(staged)
        return losses + writing.losses
