"""The MATLAB adapter: chooses the version, and writes the file whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from archive.adapters.mat5 import LIMIT, Mat5, TooLarge
from archive.adapters.mat73 import Mat73
from archive.adapters.mat_experiment import Plan, Variables, plan
from archive.adapters.replacing import replacing
from archive.entry import Loss, Source
from archive.errors import FormatError

VERSIONS = ("5", "7.3")


class Mat:
    """Writes MATLAB files, for MATLAB and for Octave.

    The variables are ``experiment``; ``runs``, whose segments hold a struct per population and
    in it one per variable, as in ``runs(1).segments(2).cell.v.values``; ``names``, with what was
    renamed because MATLAB cannot have the name; and ``about``. Version 7.3 has numbered fields
    in place of the arrays of structs: ``runs.run_1.segments.segment_2.cell.v.values``.
    """

    name: ClassVar[str] = "mat"
    suffixes: ClassVar[tuple[str, ...]] = (".mat",)
    extra: ClassVar[str | None] = None

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
            mat = Mat5(file)
            for name, node in variables:
                mat.write(name, node)
    except TooLarge:
        path.unlink()
        return None
    return variables.notes.losses


def _write_73(source: Source, found: Plan, path: Path) -> list[Loss]:
    variables = Variables(source, found)
    with Mat73(path, variables.notes.losses) as mat:
        for name, node in variables:
            mat.write(name, node)
    return variables.notes.losses
