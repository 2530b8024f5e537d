"""The MATLAB adapter, in both directions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from archive.adapters.mat5 import LIMIT, Mat5, TooLarge
from archive.adapters.mat73 import Mat73
from archive.adapters.mat_content import content, recognised
from archive.adapters.mat_experiment import Plan, Variables, plan
from archive.adapters.mat_reading import entries
from archive.adapters.replacing import replacing
from archive.adapters.unpickling import Limits
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError
from archive.storage.files import system

VERSIONS = ("5", "7.3")


class Mat:
    """Reads and writes MATLAB files, those for MATLAB and for Octave.

    What is written comes back as it was, but for what is a loss. Of Neo's own files segments are
    made; of all others each variable is a value under its name.

    The variables written are ``experiment``; ``runs``, whose segments hold a struct per
    population and in it one per variable, as in ``runs(1).segments(2).cell.v.values``; ``names``,
    with what was renamed because MATLAB cannot have the name; ``about``; and ``types``, for the
    reader. Version 7.3 has numbered fields in place of the arrays of structs:
    ``runs.run_1.segments.segment_2.cell.v.values``.
    """

    name: ClassVar[str] = "mat"
    suffixes: ClassVar[tuple[str, ...]] = (".mat",)
    extra: ClassVar[str | None] = None
    general: ClassVar[bool] = True

    def recognises(self, path: Path, /) -> bool:
        """Whether it is a MATLAB file of version 4, 5 (also 6 and 7) or 7.3, by its beginning."""
        return recognised(Path(path))

    def read(
        self,
        path: Path,
        /,
        *,
        losses: list[Loss] | None = None,
        limits: Limits | None = None,
    ) -> Iterator[Entry]:
        """The experiment that was written to a file, or the segments in one of Neo's, or each
        variable as a keyed value; what is not carried is appended to `losses`.

        A number is a number, and all else keeps MATLAB's shape: two axes or more. `limits` is for
        files that unpack to more than 40 times their size.

        Raises FormatError, with file and place, for damage, for Octave's own formats, and for
        files of a VAX or Cray.
        """
        path = Path(path)
        return iter(entries(content(path, limits), path, [] if losses is None else losses))

    def write(
        self, source: Source, path: Path, /, *, version: str | None = None, overwrite: bool = False
    ) -> list[Loss]:
        """Write an experiment and return what MATLAB could not carry.

        `version` is "5" or "7.3"; None chooses 5, or 7.3 if a variable has 2 GB or more.
        Raises AlreadyExists if the file exists and `overwrite` is False, FormatError if the
        version is unknown, or is 5 and the experiment too large, or the file cannot be written.
        """
        path = Path(path)
        if version not in (None, *VERSIONS):
            raise FormatError(
                f"there is no version {version!r} of this format",
                path=path,
                hint=f"known are {' and '.join(VERSIONS)}",
            )
        with replacing(path, overwrite=overwrite) as staged:
            found = plan(source)
            if version != "7.3":
                losses = _write_5(source, found, staged)
                if losses is not None:
                    return losses
                if version == "5":
                    raise FormatError(
                        "a variable has 2 GB or more, which version 5 cannot hold",
                        path=path,
                        hint='version="7.3" can',
                    )
            return _write_73(source, found, staged)


def _write_5(source: Source, found: Plan, path: Path) -> list[Loss] | None:
    """The losses; or None, and no file, if it is too large."""
    if found.size > LIMIT:
        return None
    variables = Variables(source, found)
    try:
        with path.open("xb") as file:
            mat = Mat5(file, partial(system().start_writing, file.fileno()))
            for name, node in variables:
                mat.write(name, node)
    except TooLarge:
        path.unlink()
        return None
    return variables.notes.losses


def _write_73(source: Source, found: Plan, path: Path) -> list[Loss]:
    variables = Variables(source, found)
    with Mat73(path) as mat:
        for name, node in variables:
            mat.write(name, node)
    return variables.notes.losses
