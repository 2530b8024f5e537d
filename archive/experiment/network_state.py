"""The state of populations and projections in a snapshot, as the user holds it: lazy, with
units."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

import schemas
from archive import values
from archive.container import Pooled
from archive.entry import ArrayLike, Entry
from archive.errors import NotFound
from archive.experiment.display import html_table, shape_text, value_text
from archive.experiment.naming import not_found

STATE = "state:"
# How people call the two arrays of every projection.
ALIASES = {
    **dict.fromkeys(("w", "weight", "weights"), "weights"),
    **dict.fromkeys(("delay", "delays"), "delays"),
}
AnyModel = TypeVar("AnyModel", bound=schemas.Population | schemas.Projection)


class StateArray:
    """One value for each neuron of a population, or connection of a projection. It is read when
    it is sliced, and then has its unit."""

    def __init__(self, name: str, array: ArrayLike, size: int, unit: str | None) -> None:
        self.name = name
        self._array = array
        self.unit = unit
        self.dtype = array.dtype
        self.shape = (size, *array.shape[1:])

    @property
    def shared(self) -> bool:
        """Whether one value is stored, which all have."""
        return self._array.shape[0] == 1

    @property
    def units(self) -> Any:
        """The unit as a quantity of 1; None where it is not known."""
        return None if self.unit is None else values.quantity(1.0, self.unit)

    @property
    def digest(self) -> str | None:
        """By what equal arrays are known without being read; None outside of an archive."""
        return self._array.digest if isinstance(self._array, Pooled) else None

    @property
    def magnitude(self) -> npt.NDArray[Any]:
        """All values without their unit."""
        found = np.asarray(self._array)
        return found if found.shape == self.shape else np.repeat(found, self.shape[0], axis=0)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """A part of the values, with unit where that is known."""
        whole = self._array.shape == self.shape
        found = self._array[key] if whole else self.magnitude[key]
        return found if self.unit is None else values.quantity(found, self.unit)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        magnitude = self.magnitude
        return magnitude if dtype is None else magnitude.astype(dtype)

    def __repr__(self) -> str:
        unit = "" if self.unit is None else f", unit {self.unit}"
        shared = ", one for all" if self.shared and self.shape[0] != 1 else ""
        return (
            f"<StateArray {self.name!r}: shape {shape_text(self.shape)}, dtype {self.dtype}"
            f"{unit}{shared}>"
        )


class _Part(Mapping[str, StateArray], Generic[AnyModel]):
    """What populations and projections of a snapshot have in common: variables by name."""

    def __init__(self, entry: Entry, model: AnyModel) -> None:
        self._entry = entry
        self._model = model
        self.name = model.name

    @property
    def size(self) -> int:
        """How many neurons, or connections."""
        return self._model.size

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters by name, with units."""
        return values.from_schema_dict(self._model.parameters)

    @property
    def native(self) -> dict[str, Any]:
        """What only the simulator itself can use."""
        return values.from_schema_dict(self._model.native)

    @property
    def annotations(self) -> dict[str, Any]:
        """Facts by name, with units."""
        return values.from_schema_dict(self._model.annotations)

    def to_entry(self) -> Entry:
        """The model and the arrays behind it, for adapters."""
        return self._entry

    def __getitem__(self, name: str) -> StateArray:
        """A variable, by its name. Raises NotFound."""
        found = self._array(name)
        if found is None:
            if name in self._model.parameters:
                raise NotFound(
                    f"{name!r} is one value for all",
                    entry=self.name,
                    hint=f"it is in .parameters[{name!r}]",
                )
            raise not_found("variable", name, [*self, *self._model.parameters])
        return found

    def _array(self, name: str) -> StateArray | None:
        array = self._entry.arrays.get(f"{STATE}{name}")
        if array is None:
            return None
        return StateArray(name, array, self.size, self._model.state_units.get(name))

    def __iter__(self) -> Iterator[str]:
        return (n.removeprefix(STATE) for n in self._entry.arrays if n.startswith(STATE))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @abstractmethod
    def _said(self) -> str:
        """What `repr` says before the variables."""

    def __repr__(self) -> str:
        lines = "".join(f"\n  {array!r}" for array in self.values())
        return f"<{type(self).__name__} {self.name!r}: {self._said()}>{lines}"

    def _repr_html_(self) -> str:
        rows = [(name, repr(array)) for name, array in self.items()]
        rows += [(f"parameter {k}", value_text(v)) for k, v in self.parameters.items()]
        return html_table(f"{self.name}: {self._said()}", ["", ""], rows)


class PopulationState(_Part[schemas.Population]):
    """A population in a snapshot: a mapping of its variables, and of the parameters that differ
    from neuron to neuron, by their names."""

    @property
    def model(self) -> str | None:
        """Cell type or equations, as the simulator names it."""
        return self._model.model

    @property
    def geometry(self) -> tuple[int, ...] | None:
        """Neurons along each axis of a grid."""
        return self._model.geometry

    @property
    def positions(self) -> Any:
        """Where the neurons are, (neuron, axis), with unit; None if that is not known."""
        found = self._entry.arrays.get("positions")
        if found is None:
            return None
        return values.quantity(np.asarray(found), self._model.position_unit)

    @property
    def ids(self) -> npt.NDArray[np.int64] | None:
        """The simulator's identifiers, (neuron,); None if that had none."""
        found, first = self._entry.arrays.get("ids"), self._model.first_id
        if found is None:
            return None if first is None else np.arange(first, first + self.size)
        return np.asarray(found)

    def _said(self) -> str:
        return f"{self.size} neurons" + ("" if self.model is None else f" of {self.model:.60}")


class ProjectionState(_Part[schemas.Projection]):
    """A projection in a snapshot: a mapping of its variables by name.

    All that has a value for each connection is in one order: by receiving neuron (by sending
    neuron where the simulator keeps them so), and within one as the simulator had them.
    ``w``, ``weight`` and ``weights`` mean the same, as do ``delay`` and ``delays``.
    """

    @property
    def pre_name(self) -> str:
        """Name of the sending population."""
        return self._model.pre

    @property
    def post_name(self) -> str:
        """Name of the receiving population."""
        return self._model.post

    @property
    def shape(self) -> tuple[int, int]:
        """Number of sending and of receiving neurons."""
        return self._model.pre_size, self._model.post_size

    @property
    def receptor(self) -> str | None:
        """What it acts on."""
        return self._model.receptor

    @property
    def synapse(self) -> str | None:
        """Model of the synapse, as the simulator names it."""
        return self._model.synapse

    @property
    def connector(self) -> str | None:
        """Rule by which the connections were made."""
        return self._model.connector

    @property
    def pre(self) -> npt.NDArray[np.integer[Any]]:
        """The index of the sending neuron of each connection, (connection,)."""
        return self._rows() if self._model.rows == "pre" else self._columns()

    @property
    def post(self) -> npt.NDArray[np.integer[Any]]:
        """The index of the receiving neuron of each connection, (connection,)."""
        return self._columns() if self._model.rows == "pre" else self._rows()

    @property
    def weight(self) -> StateArray:
        """The weights. Raises NotFound if there are none."""
        return self._own("weights")

    @property
    def delay(self) -> StateArray:
        """The delays. Raises NotFound if there are none."""
        return self._own("delays")

    def _own(self, name: str) -> StateArray:
        array = self._entry.arrays.get(name)
        if array is None:
            raise NotFound(f"the snapshot has no {name} of it", entry=self.name)
        unit = self._model.weight_unit if name == "weights" else self._model.delay_unit
        return StateArray(name, array, self.size, unit)

    def to_csr(self, name: str = "weights") -> Any:
        """A variable as a scipy.sparse.csr_matrix with a row for each sending neuron and a column
        for each receiving one; the values without their unit.

        Several connections from one neuron to another are entries of their own, which SciPy adds
        up in arithmetic and where it makes a dense array.
        """
        from scipy.sparse import csc_matrix, csr_matrix

        kind = csr_matrix if self._model.rows == "pre" else csc_matrix
        pointers = np.asarray(self._entry.arrays["row_pointers"])
        return kind((self[name].magnitude, self._columns(), pointers), shape=self.shape).tocsr()

    def _columns(self) -> npt.NDArray[Any]:
        return np.asarray(self._entry.arrays["columns"])

    def _rows(self) -> npt.NDArray[Any]:
        counts = np.diff(np.asarray(self._entry.arrays["row_pointers"]))
        return np.repeat(np.arange(len(counts), dtype=self._entry.arrays["columns"].dtype), counts)

    def _array(self, name: str) -> StateArray | None:
        found = super()._array(name)
        own = ALIASES.get(name)
        if found is None and own is not None and own in self._entry.arrays:
            return self._own(own)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in ("weights", "delays") if name in self._entry.arrays)
        yield from super().__iter__()

    def _said(self) -> str:
        return f"{self.size} connections, {self.pre_name} to {self.post_name}"
