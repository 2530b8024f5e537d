"""ANNarchy's own MATLAB files, which do not tell one value for all from one for each of one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import schemas
from archive.errors import ArchiveWarning
from tests.formats.annarchy_examples import (
    named,
    network,
    objects,
    population,
    projection,
    read,
    save,
)
from tests.typed import of_kind


def one_connection(**values: Any) -> dict[str, Any]:
    return projection(post_ranks=[1], pre_ranks=[[2]], w=[[0.5]], x=[[3.0]], **values)


def test_a_parameter_of_one_connection_is_said_to_be_either(tmp_path: Path) -> None:
    """As ANNarchy writes it: the contents are right, and what they are of is a warning."""
    item = network(population(), one_connection(delays=0.5))
    path = save(item, tmp_path / "a.mat")
    with pytest.warns(ArchiveWarning, match="proj0: 'tau' is one number, and MATLAB does not"):
        found = named(read(path), "proj0")
    held = {key: np.asarray(value).tolist() for key, value in found.arrays.items()}
    assert held["state:tau"] == [20.0]
    assert (held["weights"], held["state:x"], held["delays"]) == ([0.5], [3.0], [0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickled = named(read(save(item, tmp_path / "a.data")), "proj0")
    assert of_kind(schemas.Projection, pickled).parameters == {"tau": 20.0}


def test_a_parameter_of_one_neuron_is_said_to_be_either(tmp_path: Path) -> None:
    path = save(network(population(size=1)), tmp_path / "a.mat")
    with pytest.warns(ArchiveWarning, match="exc: 'tau' is one number"):
        found = named(read(path), "exc")
    assert np.asarray(found.arrays["state:v"]).tolist() == [0.0]


def test_what_is_alone_beside_empty_rows_is_for_all(tmp_path: Path) -> None:
    """One for each would be in cells; nothing is unclear there."""
    item = projection(
        post_ranks=[0, 1], pre_ranks=objects([2], []), w=objects([0.5], []), delays=0.5
    )
    found = named(read(save(network(population(), item), tmp_path / "a.mat")), "proj0")
    assert of_kind(schemas.Projection, found).parameters == {"tau": 20.0}
    assert np.asarray(found.arrays["delays"]).tolist() == [0.5]


def test_steps_stay_steps_beside_empty_rows(tmp_path: Path) -> None:
    """An empty matrix is one of fractions; it must not make milliseconds of steps."""
    item = projection(
        post_ranks=[0, 1, 3], pre_ranks=objects([2], [], [0, 1]),
        w=objects([0.5], [], [1.5, 2.5]), delays=objects([1], [], [2, 3]),
    )  # fmt: skip
    for suffix in (".mat", ".data"):
        path = save(network(population(), item), tmp_path / f"a{suffix}")
        found = named(read(path, time_step=0.5), "proj0")
        assert np.asarray(found.arrays["delays"]).tolist() == [0.5, 1.0, 1.5]
