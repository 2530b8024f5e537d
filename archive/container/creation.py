"""A new archive file: the tables and heaps of layout 1, and the experiment's document."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import schemas
from archive.container import digests, layout
from archive.container.documents import STAMPS
from archive.errors import ContractError
from archive.storage import Transaction, create


def create_container(path: Path, experiment: schemas.Experiment, writer: str) -> None:
    """A new archive file with no runs. Raises AlreadyExists, ContractError and Refused."""
    if experiment.name in (".", ".."):  # HDF5, or who goes along its paths, means a group by it
        raise ContractError(
            f"an experiment cannot be called {experiment.name!r}", path=path, hint="give its name"
        )
    contract = ".".join(map(str, schemas.CONTRACT))
    stamp: dict[str, str | int] = dict(zip(STAMPS, (layout.LAYOUT, contract, writer), strict=True))

    def fill(transaction: Transaction) -> None:
        metadata = transaction.section(
            "tables",
            "archive.tables",
            {"layout": layout.LAYOUT, "contract": contract, "writer": writer},
        )
        for heap in layout.HEAPS:
            made = transaction.data_array(
                heap,
                f"archive.{heap}",
                np.dtype(np.uint8),
                chunks=(layout.HEAP_CHUNK,),
                metadata=metadata,
            )
            if heap == layout.RECORDS:
                records = made
        for table, dtype in layout.TABLES.items():
            made = transaction.data_frame(
                table,
                f"archive.{table.replace(' ', '-')}",
                dtype,
                chunks=(layout.TABLE_CHUNK,),
                metadata=metadata,
            )
            if table == "experiment":
                document = json.dumps(schemas.dump(experiment), ensure_ascii=False).encode()
                line = digests.line(digests.BEGINNING, document)
                start = transaction.append(records, np.frombuffer(line, np.uint8))
                transaction.append(made, np.array([(start, len(document), 0, 0)], dtype))

    create(path, experiment.name, fill, stamp=stamp)
