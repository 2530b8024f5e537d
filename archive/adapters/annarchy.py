"""The adapter of ANNarchy's own files, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from archive.adapters.annarchy_content import content, recognised
from archive.adapters.annarchy_reading import Choice, Reading, snapshot
from archive.adapters.milliseconds import milliseconds
from archive.adapters.unpickling import Limits
from archive.entry import Entry


class Annarchy:
    """Reads and writes what ANNarchy's ``save`` writes: a whole network, or one population,
    projection or connectivity; as a pickle (``.txt``, ``.data``, any suffix), a pickle in gzip,
    ``.npz`` or MATLAB. Files of 4.6 to 5.0 are read."""

    name: ClassVar[str] = "annarchy"
    suffixes: ClassVar[tuple[str, ...]] = (".data", ".npz")
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether the names in the file are those of ANNarchy; nothing is made of it."""
        return recognised(path)

    def read(
        self,
        path: Path,
        /,
        *,
        time_step: Any = None,
        sizes: Mapping[str, int] | None = None,
        pre: str = "pre",
        post: str = "post",
        populations: Choice = True,
        projections: Choice = True,
        encoding: str = "ASCII",
        limits: Limits | None = None,
    ) -> Iterator[Entry]:
        """The snapshot in a file.

        ANNarchy writes no time step: without `time_step` (ms, or a quantity) the time of the
        snapshot is not known, and a file with delays in steps is refused. `sizes` are the sizes
        of populations that the file does not have; `pre` and `post` name the ends of a
        connectivity. `encoding` is "latin1" for files that ANNarchy wrote under Python 2.

        Raises FormatError, with file and place, for files of ANNarchy before 4.5, for what is
        inconsistent, and for pickles that ask for anything else than arrays and plain values.
        """
        path = Path(path)
        given = Reading(
            None if time_step is None else milliseconds(time_step, "time_step"),
            sizes or {},
            pre,
            post,
            populations,
            projections,
        )
        found = content(path, encoding=encoding, limits=limits or Limits())
        return iter((snapshot(found, path, given),))
