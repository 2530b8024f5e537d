"""A run that many processes append to, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from archive.container import Container
from archive.experiment import parents
from archive.experiment.run_facts import Outcome
from archive.experiment.runs import Run, SegmentView

Opened = Callable[[], AbstractContextManager[Container]]
Begin = Callable[[str], "SharedRun"]


class SharedRun:
    """A run of a locking session: open for the moment of each operation. See `Run`."""

    def __init__(self, opened: Opened, begin: Begin, container: Container, row: int) -> None:
        self._opened = opened
        self._begin = begin
        self._run = Run(container, row)
        self.name = self._run.name

    def append(self, *objects: Any, **facts: Any) -> list[int]:
        """See `Run.append`; returns the numbers of the segments."""
        with self._open() as run:
            made = run.append(*objects, **facts)
            if made is None:
                return []
            return made.rows.tolist() if isinstance(made, SegmentView) else [made.index]

    def snapshot(self, *objects: Any, **how: Any) -> int:
        """See `Run.snapshot`; returns the number of the snapshot."""
        with self._open() as run:
            return run.snapshot(*objects, **how).index

    def annotate(self, annotations: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """See `Run.annotate`."""
        with self._open() as run:
            run.annotate(annotations, **more)

    def finish(self, outcome: Outcome = "finished", reason: str | None = None) -> None:
        """Note that the run has ended, for all processes; one that appends opens it again."""
        with self._opened() as container:
            self._run.moved_to(container).finish(outcome, reason)

    @contextmanager
    def _open(self) -> Iterator[Run]:
        with self._opened() as container:
            run = self._run.moved_to(container)
            if run.outcome != "running":
                container.resume_run(run.index)
            run.begin_with(parents.waiting())
            parents.goes_on(run)
            yield run

    def __reduce__(self) -> tuple[Begin, tuple[str]]:
        return self._begin, (self.name,)

    def __repr__(self) -> str:
        return f"<SharedRun {self.name!r}>"
