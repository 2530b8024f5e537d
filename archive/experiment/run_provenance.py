"""What is known of how a run came about, as one object with typed parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import schemas
from archive.container import Container
from archive.container.provenance_records import process_records, records_of


@dataclass(frozen=True)
class RunProvenance:
    """How a run came about. What was not recorded is None or empty."""

    process: schemas.Provenance | None
    """The process: its command line, user and host, seeds; as it was at the end of the run."""
    environment: schemas.Environment | None
    """The machine and the software on it."""
    code: schemas.Code | None
    """The program: script, modules, repository."""
    generators: Mapping[str, schemas.Generator]
    """The generators of random numbers as the run began, by whose they are."""
    inputs: tuple[schemas.Input, ...]
    """The files that it came from, or made use of."""
    parents: tuple[schemas.Parent, ...]
    """The runs and snapshots that it began with, or went on from."""
    exports: tuple[schemas.Exported, ...]
    """The files that were made of it."""


def provenance_of(container: Container, row: int) -> RunProvenance:
    """That of a run, the newest where it changed while the run went on."""
    process = next(reversed(process_records(container, row).values()), None)
    records = {} if process is None else records_of(container, process)
    changes = container.changes("run", row)
    environment = records.get((process and process.environment) or "")
    code = records.get((process and process.code) or "")
    found = {} if process is None else process.generators
    generators = {whose: records.get(digest) for whose, digest in found.items()}
    return RunProvenance(
        process=process,
        environment=environment if isinstance(environment, schemas.Environment) else None,
        code=code if isinstance(code, schemas.Code) else None,
        generators={
            whose: one for whose, one in generators.items() if isinstance(one, schemas.Generator)
        },
        inputs=tuple(one for one in changes if isinstance(one, schemas.Input)),
        parents=tuple(one for one in changes if isinstance(one, schemas.Parent)),
        exports=tuple(one for one in changes if isinstance(one, schemas.Exported)),
    )
