"""Which parameter set each run of an archive has."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from archive.container import Container


def sets_of_runs(container: Container) -> npt.NDArray[Any]:
    """The row of the parameter set of each run, -1 for none. CorruptArchive for a row that there
    is not."""
    rows = container.runs.all()["parameters"]
    there = len(container.parameter_sets)
    for run in np.flatnonzero(rows >= there)[:1].tolist():
        what = f"parameters {rows[run]} do not lie within the {there} there are"
        raise container.runs.damaged(run, what)
    return rows
