"""The parts of a run's entry by what they are, with the ways to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import schemas
from archive.adapters.left_out import whole
from archive.entry import Entry, Loss, parts_of
from schemas.v1.lineage import Exported, Parent
from schemas.v1.run import RunEnd
from schemas.v1.segment import Segment
from schemas.v1.snapshot import Snapshot

Record = schemas.Provenance | schemas.Environment | schemas.Code | schemas.Generator


@dataclass(slots=True)
class RunParts:
    """What is told of a run, and what was recorded in it."""

    parameters: list[tuple[str, schemas.ParameterSet]] = field(default_factory=list)
    records: list[tuple[str, Record]] = field(default_factory=list)
    ends: list[tuple[str, RunEnd]] = field(default_factory=list)
    inputs: list[tuple[str, schemas.Input]] = field(default_factory=list)
    parents: list[tuple[str, Parent]] = field(default_factory=list)
    exports: list[tuple[str, Exported]] = field(default_factory=list)
    recorded: list[tuple[str, Entry]] = field(default_factory=list)

    @classmethod
    def of(cls, way: str, run: Entry, losses: list[Loss], history: str) -> RunParts:
        """Those of a run; what is none of them is a loss, a change of annotations for the reason
        `history`."""
        found = cls()
        for to, part in parts_of(run, way):
            match part.model:
                case schemas.ParameterSet() as model:
                    found.parameters.append((to, model))
                case RunEnd() as model:
                    found.ends.append((to, model))
                case schemas.Input() as model:
                    found.inputs.append((to, model))
                case Parent() as model:
                    found.parents.append((to, model))
                case Exported() as model:
                    found.exports.append((to, model))
                case Segment() | Snapshot():
                    found.recorded.append((to, part))
                case (
                    schemas.Provenance() | schemas.Environment() | schemas.Code()
                    | schemas.Generator() as model
                ):  # fmt: skip
                    found.records.append((to, model))
                case model:
                    changed = model.kind == "annotation"
                    losses.append(whole(to, part, history if changed else "it has no place there"))
        return found

    def environments(self) -> Sequence[schemas.Environment]:
        """The machines and their software, that at the end of the run last."""
        return [one for _, one in self.records if isinstance(one, schemas.Environment)]

    def users(self) -> list[str]:
        """The accounts that it was computed under, each once."""
        found = (one.user for _, one in self.records if isinstance(one, schemas.Provenance))
        return [*dict.fromkeys(user for user in found if user is not None)]

    def scripts(self) -> Iterator[schemas.Source]:
        """The files that were started."""
        for _, one in self.records:
            if isinstance(one, schemas.Code) and one.script is not None:
                yield one.script

    def commits(self) -> Iterator[str]:
        """The commits of their repositories."""
        for _, one in self.records:
            if isinstance(one, schemas.Code) and one.repository and one.repository.commit:
                yield one.repository.commit
