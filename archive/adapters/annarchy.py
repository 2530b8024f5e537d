"""The adapter of ANNarchy's own files, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import schemas
from archive.adapters.annarchy_content import content, recognised
from archive.adapters.annarchy_forms import FILE, form_of, write_form
from archive.adapters.annarchy_reading import Choice, Reading, is_chosen, snapshot
from archive.adapters.annarchy_texts import EXTRA
from archive.adapters.annarchy_writing import (
    Writing,
    connectivity_item,
    network_item,
    part_item,
)
from archive.adapters.milliseconds import milliseconds, milliseconds_in
from archive.adapters.replacing import replacing
from archive.adapters.snapshots import placed_snapshot
from archive.adapters.unpickling import Limits
from archive.entry import Entry, Loss, Source
from archive.errors import FormatError


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

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        snapshot: str | None = None,
        only: str | None = None,
        connectivity: bool = False,
        connections: str = "same",
        populations: Choice = True,
        projections: Choice = True,
        time_step: Any = None,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write a snapshot and return what ANNarchy's files cannot carry.

        The suffix chooses the form, as ANNarchy does: ``.npz``, ``.gz``, ``.mat`` (which
        ANNarchy cannot load), or else a pickle. `snapshot` names one of several; `only` names
        a population or projection to be written alone, with `connectivity` as
        ``Projection.from_file`` reads it. Where the network that is to load the file may have
        drawn other connections, give ``connections="other"``: see the reference. `time_step` (ms,
        or a quantity) is needed if the snapshot has none.

        Raises AlreadyExists if the file exists and `overwrite` is False, and FormatError for
        what ANNarchy could not load.
        """
        path = Path(path)
        if connections not in ("same", "other"):
            raise FormatError(
                f"connections={connections!r}", path=path, hint="give 'same' or 'other'"
            )
        way, chosen = placed_snapshot(source, snapshot, path)
        assert isinstance(chosen.model, schemas.Snapshot)
        chosen = replace(chosen, parts=list(chosen.parts))
        dt = chosen.model.time_step
        if time_step is not None:
            dt = milliseconds(time_step, "time_step")
        elif dt is not None:
            dt *= milliseconds_in(chosen.model.time_unit, "time_unit")
        form = form_of(path)
        # only ANNarchy needs the trick of `connections`, and it loads no MATLAB file
        writing = Writing(dt, connections == "other" and form != ".mat")
        try:
            item = _item(chosen, only, connectivity, (populations, projections), writing)
        except FormatError as error:
            raise FormatError(error.message, path=path, entry=error.entry, hint=error.hint) from (
                error.__cause__
            )
        with replacing(path, overwrite=overwrite) as staged:
            write_form(item, form, staged, writing)
        return list(_placed(writing.losses, way, chosen))


def _placed(losses: list[Loss], snapshot: str, chosen: Entry) -> Iterator[Loss]:
    """The losses with the ways to what they are of, as the one to the snapshot is known."""
    parts = {str(getattr(part.model, "name", "")): part for part in chosen.parts}
    for loss in losses:
        name, field = loss.entry, loss.field
        if name == FILE and field in parts:  # all of it
            name, field = field, parts[field].model.kind
        elif name in parts and f"state:{field}" in parts[name].arrays:
            field = f"state:{field}"
        way = f"{snapshot}/{name}".strip("/") if name in parts else snapshot or "snapshot"
        yield Loss(way, field, loss.reason)


def _item(
    chosen: Entry,
    only: str | None,
    connectivity: bool,
    choices: tuple[Choice, Choice],
    writing: Writing,
) -> dict[str, Any]:
    parts = list(chosen.parts)
    if only is None and not connectivity:
        kinds = (schemas.Population, schemas.Projection)
        wanted = [
            part
            for part in parts
            for kind, choice in zip(kinds, choices, strict=True)
            if isinstance(part.model, kind) and is_chosen(part.model.name, choice)
        ]
        return network_item(chosen, wanted, writing)
    kinds_left = (schemas.Projection,) if connectivity else (schemas.Population, schemas.Projection)
    left = [part for part in parts if isinstance(part.model, kinds_left)]
    found = [part for part in left if only is None or getattr(part.model, "name", None) == only]
    if len(found) != 1:
        names = ", ".join(str(getattr(part.model, "name", "")) for part in left[:10])
        raise FormatError(
            f"there is no one part {only!r} in the snapshot" if only else "which projection?",
            hint=f"name one of them as `only`: {names or 'there are none'}",
        )
    if connectivity:
        return connectivity_item(found[0], writing)
    item = part_item(found[0], writing)
    return item if writing.dt is None else {**item, EXTRA: {"dt": writing.dt}}
