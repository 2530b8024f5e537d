"""What is in a snapshot: the state of populations and projections, by name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemas
from archive import values
from archive.container import snapshot_entry
from archive.entry import Entry, Loss
from archive.experiment.annotated import Annotated
from archive.experiment.display import annotation_text, html_table
from archive.experiment.export import export
from archive.experiment.naming import Named
from archive.experiment.network_state import PopulationState, ProjectionState
from archive.experiment.parents import restored
from archive.hooks import snapshots as hooks

if TYPE_CHECKING:  # few need it
    from archive.experiment.snapshot_diff import SnapshotDiff


class SnapshotContents(Annotated):
    """A snapshot, but for the run that it belongs to."""

    _scope = "snapshot"

    @cached_property
    def _entry(self) -> Entry:
        return snapshot_entry(self._container, self._row)

    @property
    def _model(self) -> schemas.Snapshot:
        model = self._entry.model
        assert isinstance(model, schemas.Snapshot)
        return model

    @property
    def time(self) -> Any:
        """When in the simulation it was taken, with unit."""
        return values.quantity(self._model.time, self.time_unit)

    @property
    def time_unit(self) -> str:
        """Unit of time and time step, as text."""
        return self._model.time_unit

    @property
    def time_step(self) -> Any:
        """Time step of the simulation, with unit; None if that is not known."""
        step = self._model.time_step
        return None if step is None else values.quantity(step, self.time_unit)

    @property
    def simulator(self) -> str | None:
        """``neuron``, ``nest``, ``brian2``, ..."""
        return self._model.simulator

    @property
    def taken(self) -> datetime | None:
        """When it was taken, by the clock on the wall."""
        return self._model.taken

    @property
    def constants(self) -> dict[str, Any]:
        """Constants and parameters of the whole network, with units."""
        return values.from_schema_dict(self._model.constants)

    @property
    def native(self) -> dict[str, Any]:
        """What only the simulator itself can use."""
        return values.from_schema_dict(self._model.native)

    @property
    def populations(self) -> Named[PopulationState]:
        """The populations by name."""
        found = {
            entry.model.name: PopulationState(entry, entry.model)
            for entry in self._entry.parts
            if isinstance(entry.model, schemas.Population)
        }
        return Named("population", found)

    @property
    def projections(self) -> Named[ProjectionState]:
        """The projections by name."""
        found = {
            entry.model.name: ProjectionState(entry, entry.model)
            for entry in self._entry.parts
            if isinstance(entry.model, schemas.Projection)
        }
        return Named("projection", found)

    def diff(self, other: SnapshotContents | Entry) -> SnapshotDiff:
        """In what another snapshot differs. Arrays that are equal are not read."""
        from archive.experiment.snapshot_diff import difference

        return difference(self.entry(), other if isinstance(other, Entry) else other.entry())

    def restore(
        self,
        *,
        into: Any,
        populations: hooks.Choice = True,
        projections: hooks.Choice = True,
        strict: bool = True,
    ) -> hooks.Restoration:
        """Put the state into a live network, also of another simulator; returns what became of
        each thing.

        `into` is a network, or a list of populations and projections. With `strict` a
        ContractError is raised before anything is touched, if structure, size or type disagree.
        The snapshot is noted as a parent of the run that goes on in this process, or else of the
        one that begins next. Raises FormatError for objects of which no simulator is known.
        """
        items: Sequence[Any] = into if isinstance(into, list | tuple) else [into]
        done = hooks.restore(
            self.entry(), items, populations=populations, projections=projections, strict=strict
        )
        restored(self)
        return done

    def entry(self) -> Entry:
        """The snapshot, with its populations and projections as parts: what makes it a Source.
        Its arrays are still on disk."""
        model = self._container.model("snapshot", self._row)  # the annotations as they are now
        return Entry(model, parts=self._entry.parts)

    def to_entry(self) -> Entry:
        """The same with the later changes of its annotations."""
        changes = [Entry(model) for model in self._container.changes("snapshot", self._row)]
        entry = self.entry()
        return Entry(entry.model, parts=[*entry.parts, *changes])

    def export(self, path: str | Path, format: str | None = None, **options: Any) -> list[Loss]:
        """Write this snapshot in another format; see `Experiment.export`."""
        return export(self, path, format, runs=[self.run], **options)

    @property
    @abstractmethod
    def run(self) -> Annotated:
        """The run that it belongs to."""

    def __repr__(self) -> str:
        name = f" {self.name!r}" if self.name else ""
        said = annotation_text(self.annotations)
        parts = [
            *(f"\n  population {p.name!r}: {p._said()}" for p in self.populations.values()),
            *(f"\n  projection {p.name!r}: {p._said()}" for p in self.projections.values()),
        ]
        head = f"<Snapshot {self._row}{name} at {self._model.time:g} {self.time_unit}"
        return head + (f": {said}>" if said else ">") + "".join(parts)

    def _repr_html_(self) -> str:
        rows: list[tuple[str, Any]] = [("time", self.time), ("time step", self.time_step)]
        rows += [("simulator", self.simulator), ("taken", self.taken)]
        rows += [(f"population {p.name}", p._said()) for p in self.populations.values()]
        rows += [(f"projection {p.name}", p._said()) for p in self.projections.values()]
        rows += [(f"annotation {key}", value) for key, value in self.annotations.items()]
        return html_table(f"Snapshot {self._row} {self.name}", ["", ""], rows)
