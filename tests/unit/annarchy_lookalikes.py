"""Populations and projections that behave as ANNarchy's do where a snapshot is taken or put back:
its C++ side takes lists only, delays as whole steps, and sizes as they come."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

DT = 0.5
TYPES = {"double": float, "int": int, "bool": bool}


def description(attributes: dict[str, tuple[str, str, bool]]) -> dict[str, Any]:
    """What ANNarchy knows of a model: attributes by name, each with locality, type and whether it
    is a variable."""
    listed = {
        variable: [
            {"name": name, "ctype": kind, "method": "explicit"}
            for name, (_, kind, changes) in attributes.items()
            if changes is variable
        ]
        for variable in (False, True)
    }
    by_place: dict[str, Any] = {"local": [], "semiglobal": [], "global": []}
    for name, (locality, _, _) in attributes.items():
        by_place[locality].append(name)
    return {
        "parameters": listed[False],
        "variables": listed[True],
        "refractory": None,
        "post_spike": [],
        "random_distributions": [],
        **by_place,
    }


class Population:
    __module__ = "ANNarchy.core.Population"

    def __init__(self, name: str, size: int) -> None:
        attributes = {
            "v": ("local", "double", True),
            "n": ("local", "int", False),
            "tau": ("global", "double", False),
            "u": ("global", "double", True),
        }
        self.name, self.size, self.geometry = name, size, (size,)
        self.neuron_type = SimpleNamespace(type="rate", description=description(attributes))
        self.parameters, self.variables = ["n", "tau"], ["v", "u"]
        self.attributes = [*self.parameters, *self.variables]
        self.targets, self.max_delay, self._compute_mean_fr = ["exc"], 0, -1.0
        self.enabled = True
        self.cyInstance = SimpleNamespace(
            v=[0.0] * size,
            n=[0.0] * size,  # ANNarchy gives whole numbers of neurons as floating-point ones
            tau=10.0,
            u=0.0,
            reset=lambda: None,
            update_max_delay=lambda steps: None,
        )

    def enable(self) -> None:
        self.enabled = True

    def disable(self) -> None:
        self.enabled = False


class Inner:
    """The C++ side of a projection."""

    def __init__(self, projection: Projection) -> None:
        self._of = projection
        self._transmission = self._update = self._plasticity = True
        self.clear()

    def clear(self) -> None:
        self.ranks: list[int] = []
        self.rows: list[list[int]] = []
        self.held: dict[str, Any] = {}
        self.delay: Any = 1

    def post_rank(self) -> list[int]:
        return list(self.ranks)

    def pre_ranks(self) -> list[list[int]]:
        return [list(row) for row in self.rows]

    def init_from_lil(
        self, ranks: Any, rows: Any, weights: Any, delays: Any, requires_sorting: bool
    ) -> bool:
        given = [ranks, rows, weights, delays]
        assert all(type(each) is list for each in given)
        if not all(type(step) is int for row in delays for step in row):
            raise TypeError("init_from_lil(): incompatible function arguments")
        form = self._of._storage_format
        if form == "csr":  # appends, as ANNarchy's does
            ranks, rows = self.ranks + ranks, self.rows + rows
        order = [sorted(range(len(row)), key=row.__getitem__) for row in rows]
        if form != "dense":
            order = [list(range(len(row))) for row in rows]
        self.ranks = ranks
        self.rows = [[row[i] for i in at] for row, at in zip(rows, order, strict=True)]
        self.held = {
            "w": weights[0][0] if self._of.single else weights,
            "x": [[0.0] * len(row) for row in rows],
            "z": [0.0] * len(rows),
            "k": 0,
        }
        self.delay = delays[0][0] if self._of.uniform_delay >= 0 else delays
        return True

    def set_delay(self, delay: Any) -> None:
        self.delay = delay

    def _set(self, name: str, value: Any) -> None:
        self.held[name] = value

    set_local_attribute_all_double = set_semiglobal_attribute_all_double = _set
    set_global_attribute_double = set_global_attribute_int = _set


class Delayed(Inner):
    def get_delay(self) -> Any:
        return self.delay


class Projection:
    __module__ = "ANNarchy.core.Projection"
    _saveable = True
    _storage_order = "post_to_pre"

    def __init__(
        self,
        pre: Population,
        post: Population,
        form: str = "lil",
        delays: str = "none",
        single: bool = False,
    ) -> None:
        attributes = {
            "k": ("global", "int", False),
            "w": ("local", "double", True),
            "x": ("local", "double", True),
            "z": ("semiglobal", "double", True),
        }
        self.name, self.pre, self.post, self.target = "p", pre, post, "exc"
        self.synapse_type = SimpleNamespace(type="rate", description=description(attributes))
        self.parameters, self.variables = ["w", "k"], ["w", "x", "z"]
        self.attributes = self.parameters + self.variables
        self.init, self.connector_name = {"x": 0.0, "z": 0.0, "k": 0}, "Random"
        self._storage_format, self.single = form, single
        self.uniform_delay = {"none": 0, "one": 2, "many": -1}[delays]
        self.max_delay = {"none": 0, "one": 2, "many": 9}[delays]
        self.cyInstance = Inner(self) if delays == "none" else Delayed(self)

    def connect(self, pairs: list[tuple[int, int]], seed: int) -> None:
        """Connect pairs of (post, pre), with values drawn for all there is."""
        draw = np.random.default_rng(seed)
        ranks = sorted({post for post, _ in pairs})
        rows = [[pre for post, pre in pairs if post == rank] for rank in ranks]
        values = [draw.random(len(row)).tolist() for row in rows]
        steps = [draw.integers(1, 9, len(row)).tolist() for row in rows]
        if self._storage_format == "dense":
            rows = [sorted(row) for row in rows]
        weights = [[0.5]] if self.single else values
        self.cyInstance.init_from_lil(
            ranks,
            rows,
            weights,
            steps if self.uniform_delay < 0 else [[max(1, self.uniform_delay)]],
            False,
        )
        held = self.cyInstance.held
        held["x"] = [draw.random(len(row)).tolist() for row in rows]
        held["z"], held["k"] = draw.random(len(rows)).tolist(), int(draw.integers(9))

    def _has_single_weight(self) -> bool:
        return self.single

    def _get_cython_attribute(self, name: str) -> Any:
        return self.cyInstance.held[name]

    def _get_attribute_cpp_type(self, name: str) -> str:
        return "int" if name == "k" else "double"


class Network:
    __module__ = "ANNarchy.core.Network"
    compiled, dt, id, seed = True, DT, 1, 3

    def __init__(self, populations: list[Population], projections: list[Projection]) -> None:
        self._held = populations, projections
        self.step = 0
        self.instance = SimpleNamespace(get_time=lambda: self.step, set_time=self._set_time)
        self.default_rng = np.random.default_rng(4)

    def _set_time(self, step: int) -> None:
        self.step = step

    def _get_config(self, key: str) -> str:
        return {"paradigm": "openmp", "precision": "double"}[key]

    def get_populations(self) -> list[Population]:
        return self._held[0]

    def get_projections(self) -> list[Projection]:
        return self._held[1]

    def get_constants(self) -> list[Any]:
        return []

    def get_monitors(self) -> list[Any]:
        return []


def connections(projection: Projection) -> dict[tuple[int, int], tuple[Any, ...]]:
    """What each connection has, by its ends."""
    inner, found = projection.cyInstance, {}
    for i, (post, row) in enumerate(zip(inner.ranks, inner.rows, strict=True)):
        for j, pre in enumerate(row):
            weight = inner.held["w"] if projection.single else inner.held["w"][i][j]
            step = inner.delay if projection.uniform_delay >= 0 else inner.delay[i][j]
            found[post, pre] = (weight, step, inner.held["x"][i][j], inner.held["z"][i])
    return found
