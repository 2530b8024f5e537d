"""Folding parts into their archive: taken over, compared, and only then removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from archive.container import Container, KeyedValues
from archive.container.comparing import difference
from archive.container.merge_notes import taken
from archive.container.taking import take
from archive.errors import ArchiveError, Busy, CorruptArchive, Refused
from archive.experiment.adding import add_annotations
from archive.experiment.joined import run_names, told_apart
from archive.experiment.merged import Merged
from archive.experiment.parameter_merging import take_parameter_names
from archive.experiment.parts import folder_of, part_paths, rank_of, remove_folder
from archive.experiment.rank_merging import is_ungathered, join_ranks, ranks_difference
from archive.storage.recovery import look


def merge(
    target: Container, parts: Sequence[Path] | None = None, *, keep: bool = False
) -> list[Merged]:
    """Append all that lies in the parts to an archive, and remove them; see `Experiment.merge`."""
    own = folder_of(target.path)
    paths = list(part_paths(target.path).values() if parts is None else parts)
    if not keep and target.durability != "commit" and any(path.parent == own for path in paths):
        raise Refused(
            "parts may only be removed once the archive is on the disk",
            path=target.path,
            hint="open it with durability='commit', or merge with keep=True",
        )
    with ExitStack() as stack:
        opened: dict[Path, Container] = {}
        done: dict[Path, Merged] = {}
        for path in dict.fromkeys(paths):
            removing = not keep and path.parent == own
            try:
                container = _open(path, removing=removing)
            except Busy as busy:
                done[path] = Merged(path, left=f"it is being written ({busy.message})")
            except ArchiveError as error:
                if parts is not None:
                    raise
                done[path] = Merged(path, left=f"it cannot be read ({error.message})")
            else:
                opened[path] = stack.enter_context(_closing(container))
        for merged in _merge_all(target, opened, done):
            done[merged.path] = merged
        for path, container in opened.items():
            removing = not keep and path.parent == own
            removed = removing and done[path].left is None
            container.close(remove=removed)
            done[path] = replace(done[path], removed=removed)
    remove_folder(target.path)
    return [done[path] for path in dict.fromkeys(paths)]


def _open(path: Path, *, removing: bool) -> Container:
    """A part: held for writing if it is about to go, so that nobody adds to it. Raises Busy while
    somebody writes to it."""
    if not removing:
        state = look(path)
        if state.held_by is not None:
            raise Busy(f"the archive is held by {state.held_by}", path=path)
    return Container(path, writable=removing, timeout=0)


@contextmanager
def _closing(container: Container) -> Iterator[Container]:
    try:
        yield container
    finally:
        container.close()


def _merge_all(
    target: Container, opened: Mapping[Path, Container], left: Mapping[Path, Merged]
) -> Iterator[Merged]:
    ranks = {
        path: container
        for path, container in opened.items()
        if rank_of(path.stem) is not None and is_ungathered(container)
    }
    missing = [path for path in left if rank_of(path.stem) is not None]
    if ranks and missing:
        # a population with a hole in it would be worse than none
        why = f"it belongs together with {missing[0].name}, and {left[missing[0]].left}"
        yield from (Merged(path, left=why) for path in ranks)
    elif ranks:
        yield from _merge_ranks(target, ranks)
    for path, container in opened.items():
        if path not in ranks:
            yield _merge_one(target, path, container)


def _merge_one(target: Container, path: Path, source: Container) -> Merged:
    part = path.stem
    runs = run_names(source)
    known = taken(target, source)
    there = run_names(target)
    before = {
        row: there[at] for row, at in enumerate(known.runs.tolist()) if there[at] != runs[row]
    }
    late = told_apart(runs[len(known.runs) :], set(there), part)
    names = before | {len(known.runs) + row: name for row, name in late.items()}
    for _ in take(target, source, part, names):
        pass
    take_parameter_names(target, source, part)
    add_annotations(target, "experiment", 0, [source.experiment.annotations(0)], [part])
    now = taken(target, source)
    fault = difference(target, source, now, names, part)
    if fault is not None:
        raise CorruptArchive(
            f"what was merged of {path.name} is not what it holds: {fault}",
            path=target.path,
            hint="the part is left as it is; was it changed after an earlier merge?",
        )
    return Merged(
        path, len(now.runs), len(now.segments), len(KeyedValues(source)), len(now.snapshots)
    )


def _merge_ranks(target: Container, ranks: Mapping[Path, Container]) -> Iterator[Merged]:
    parts = {path.stem: container for path, container in ranks.items()}
    join_ranks(target, parts)
    for part, container in parts.items():
        take_parameter_names(target, container, part)
    fault = ranks_difference(target, parts)
    if fault is not None:
        raise CorruptArchive(
            f"what was merged of the MPI processes is not what they hold: {fault}",
            path=target.path,
            hint="the parts are left as they are; were they changed after an earlier merge?",
        )
    for path, container in ranks.items():
        yield Merged(
            path,
            len(container.runs),
            len(container.segments),
            snapshots=len(container.snapshots),
        )
