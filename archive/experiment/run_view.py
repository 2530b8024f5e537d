"""Runs, as the user holds several of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archive.container import Container
from archive.entry import Entry, Loss
from archive.experiment.export import export
from archive.experiment.runs import Run
from archive.experiment.tabulated import run_table
from archive.experiment.views import View


class RunView(View[Run]):
    """Some runs of an archive, in order."""

    _scope = "run"

    def _item(self, container: Container, row: int) -> Run:
        return Run(container, row)

    def entry(self) -> Entry:
        """The experiment with these runs only: what makes a view a Source."""
        model = self._joined.main.model("experiment", 0)
        return Entry(model, parts=(run.to_entry() for run in self))

    def export(self, path: str | Path, format: str | None = None, **options: Any) -> list[Loss]:
        """Write these runs in another format; see `Experiment.export`."""
        return export(self, path, format, **options)

    def table(self) -> list[dict[str, Any]]:
        """One dict per run: ``run``, ``outcome`` and its annotations."""
        return [row for piece in self._pieces() for row in run_table(*piece)]
