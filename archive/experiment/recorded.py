"""What was recorded in a segment, as the user holds it: lazy, with units."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

import schemas
from archive import values
from archive.addresses import decoded, times_of
from archive.container import Neurons
from archive.entry import ArrayLike, Entry
from archive.errors import NotFound
from archive.experiment.display import html_table, shape_text
from archive.hooks.neo_ import to_neo_part

AnyPart = TypeVar("AnyPart", bound=schemas.Part)


class Recorded(ABC, Generic[AnyPart]):
    """Base of what can lie in a segment. Nothing is read from the file until it is asked for."""

    def __init__(self, name: str, entry: Entry) -> None:
        self._entry = entry
        self._model: AnyPart = entry.model  # type: ignore[assignment]  # the segment chose the class
        self.name = name

    @property
    def population(self) -> str | None:
        """Label of the population that it was recorded from."""
        return self._model.population

    @property
    def variable(self) -> str:
        """What was recorded."""
        return self._model.variable

    @property
    def description(self) -> str | None:
        return self._model.description

    @property
    def annotations(self) -> dict[str, Any]:
        """Facts by name, with units."""
        return values.from_schema_dict(self._model.annotations)

    @property
    def array_annotations(self) -> dict[str, Any]:
        """Arrays with one value per channel (signals), or per event or epoch."""
        return values.from_schema_dict(self._model.array_annotations)

    @property
    def time_unit(self) -> str:
        """Unit of all times, as text."""
        return self._model.time_unit

    def to_entry(self) -> Entry:
        """The model and the arrays behind it, for adapters."""
        return self._entry

    def to_neo(self) -> Any:
        """The Neo object that says the same; reads the data."""
        return to_neo_part(self._entry)

    def _array(self, name: str) -> ArrayLike:
        return self._entry.arrays[name]

    def _time(self, number: float | npt.NDArray[Any]) -> Any:
        return values.quantity(number, self.time_unit)

    @abstractmethod
    def _facts(self) -> dict[str, str]:
        """What `repr` says, in order."""

    def __repr__(self) -> str:
        facts = ", ".join(f"{key} {value}" for key, value in self._facts().items())
        return f"<{type(self).__name__} {self.name!r}: {facts}>"

    def _repr_html_(self) -> str:
        return html_table(f"{type(self).__name__} {self.name}", ["", ""], self._facts().items())


class _Valued(Recorded[AnyPart]):
    """What has a table of values with a unit: signals and image sequences."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(time, channel) for signals, (frame, row, column) for images."""
        return self._array("values").shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._array("values").dtype

    @property
    def unit(self) -> str:
        """Unit of the values, as text."""
        return str(self._model.unit)  # type: ignore[attr-defined]  # all kinds that have values do

    @property
    def units(self) -> Any:
        """Unit of the values, as a quantity of 1 (as Neo has it)."""
        return values.quantity(1.0, self.unit)

    @property
    def magnitude(self) -> npt.NDArray[Any]:
        """All values without their unit."""
        return np.asarray(self._array("values"))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """A part of the values, with unit; reads no more than that from the file."""
        return values.quantity(self._array("values")[key], self.unit)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        magnitude = self.magnitude
        return magnitude if dtype is None else magnitude.astype(dtype)

    def _facts(self) -> dict[str, str]:
        return {"shape": shape_text(self.shape), "dtype": str(self.dtype), "unit": self.unit}


class _Channelled(_Valued[AnyPart]):
    @property
    def channels(self) -> npt.NDArray[np.int64]:
        """The index of each column in its population, shape (channel,)."""
        return np.asarray(self._array("channels"))

    def channel(self, index: int) -> Any:
        """The values of one neuron, by its index in the population, shape (time,), with unit.

        Raises NotFound if that neuron was not recorded.
        """
        at = np.flatnonzero(self.channels == index)
        if not len(at):
            raise NotFound(
                f"neuron {index} was not recorded",
                entry=self.name,
                hint=f"recorded are {shape_text(self.channels[:10].tolist())}",
            )
        return self[:, int(at[0])]


class Signal(_Channelled[schemas.Signal]):
    """Regularly sampled values of a population, shape (time, channel)."""

    @property
    def sampling_period(self) -> Any:
        """Time between samples, with unit."""
        return self._time(self._model.sampling_period)

    @property
    def t_start(self) -> Any:
        """Time of the first sample, with unit."""
        return self._time(self._model.t_start)

    @property
    def t_stop(self) -> Any:
        """Time after the last sample, with unit."""
        return self._time(self._model.t_start + len(self) * self._model.sampling_period)

    @property
    def times(self) -> Any:
        """Time of each sample, shape (time,), with unit."""
        return self._time(self._model.t_start + np.arange(len(self)) * self._model.sampling_period)

    def _facts(self) -> dict[str, str]:
        period = f"{self._model.sampling_period:g} {self.time_unit}"
        return {**super()._facts(), "sampled every": period}


class IrregularSignal(_Channelled[schemas.IrregularSignal]):
    """Values at arbitrary times, shape (time, channel)."""

    @property
    def times(self) -> Any:
        """Time of each sample, shape (time,), with unit."""
        return self._time(np.asarray(self._array("times")))


class ImageSequence(_Valued[schemas.ImageSequence]):
    """Frames, shape (frame, row, column)."""

    @property
    def times(self) -> Any:
        """Time of each frame, shape (frame,), with unit."""
        return self._time(self._model.t_start + np.arange(len(self)) * self._model.sampling_period)


class Spikes(Recorded[schemas.SpikeTrains]):
    """The spike trains of a population. Spikes are sorted by train, then by time."""

    @property
    def n(self) -> int:
        """Number of trains, silent ones included."""
        return self._model.size

    def __len__(self) -> int:
        """Number of spikes."""
        return self._array("times").shape[0]

    @property
    def times(self) -> Any:
        """Time of each spike, shape (spike,), with unit."""
        return self._time(np.asarray(self._array("times")))

    @property
    def neuron(self) -> npt.NDArray[np.int64]:
        """The train of each spike, 0 to n - 1, shape (spike,)."""
        return np.asarray(self._array("neuron"))

    @property
    def units(self) -> Any:
        """Unit of the times, as a quantity of 1."""
        return self._time(1.0)

    @property
    def t_start(self) -> Any:
        return self._time(self._model.t_start)

    @property
    def t_stop(self) -> Any:
        return self._time(self._model.t_stop)

    @property
    def channels(self) -> npt.NDArray[np.int64]:
        """The index of each train's neuron in its population, shape (n,)."""
        return np.asarray(self._array("channels"))

    @property
    def train_annotations(self) -> dict[str, Any]:
        """Arrays or lists with one value per train."""
        return values.from_schema_dict(self._model.train_annotations)

    @property
    def waveforms(self) -> Any:
        """The waveform of each spike, shape (spike, channel, sample), with unit; None if none."""
        waveforms = self._entry.arrays.get("waveforms")
        if waveforms is None:
            return None
        return values.quantity(np.asarray(waveforms), self._model.waveform_unit or "dimensionless")

    def train(self, index: int) -> Any:
        """The spike times of one train, with unit; reads only these.

        Raises NotFound for an index outside -n to n - 1.
        """
        if not -self.n <= index < self.n:
            raise NotFound(f"there is no train {index} among {self.n}", entry=self.name)
        neuron = self._array("neuron")
        assert isinstance(neuron, Neurons)
        first, last = neuron.bounds(index % self.n)
        return self._time(self._array("times")[first:last])

    def counts(self) -> npt.NDArray[np.int64]:
        """Number of spikes of each train, shape (n,)."""
        neuron = self._array("neuron")
        assert isinstance(neuron, Neurons)
        found = np.zeros(self.n, np.int64)
        found[neuron.active()] = neuron.counts()
        return found

    def _facts(self) -> dict[str, str]:
        start, stop = self._model.t_start, self._model.t_stop
        return {
            "spikes": str(len(self)),
            "trains": str(self.n),
            "from": f"{start:g} to {stop:g} {self.time_unit}",
        }


class AddressEvents(Recorded[schemas.AddressEvents]):
    """Addresses and the times that they came, in that order, as a device or a file had them."""

    def __len__(self) -> int:
        return self._array("ticks").shape[0]

    @property
    def addresses(self) -> ArrayLike:
        """The address of each event, shape (event,), still in the file."""
        return self._array("addresses")

    @property
    def ticks(self) -> ArrayLike:
        """When each came, in ticks, shape (event,), still in the file."""
        return self._array("ticks")

    @property
    def tick(self) -> Any:
        """The duration of a tick, with unit."""
        return self._time(self._model.tick)

    @property
    def coding(self) -> str | None:
        """What the bits of an address mean; None if that is not known."""
        return self._model.coding

    @property
    def times(self) -> Any:
        """Time of each event, shape (event,), with unit."""
        return self._time(times_of(self.ticks, self._model.tick))

    def decoded(
        self, coding: str | None = None, events: slice = slice(None)
    ) -> dict[str, npt.NDArray[Any]]:
        """What the addresses of some events say, as ``x``, ``y`` and ``polarity``; computed now.

        `coding` is one of `archive.addresses.CODINGS`, by default the one that the file names.
        Raises NotFound if there is no such one.
        """
        coding = coding or self.coding or ""
        try:
            return decoded(self.addresses[events], coding)
        except ValueError as error:
            raise NotFound(str(error), entry=self.name) from error

    def _facts(self) -> dict[str, str]:
        tick = f"{self._model.tick:g} {self.time_unit}"
        return {"events": str(len(self)), "tick": tick, "coding": str(self.coding)}


class Events(Recorded[schemas.Event]):
    """Moments with labels."""

    def __len__(self) -> int:
        return self._array("times").shape[0]

    @property
    def times(self) -> Any:
        """Time of each event, shape (event,), with unit."""
        return self._time(np.asarray(self._array("times")))

    @property
    def labels(self) -> list[str]:
        """Label of each event."""
        return [str(label) for label in np.asarray(self._array("labels")).tolist()]

    def _facts(self) -> dict[str, str]:
        return {"entries": str(len(self)), "time unit": self.time_unit}


class Epochs(Events):
    """Stretches of time with labels."""

    @property
    def durations(self) -> Any:
        """Duration of each epoch, shape (epoch,), with unit."""
        return self._time(np.asarray(self._array("durations")))


CLASSES: dict[str, Callable[[str, Entry], Recorded[Any]]] = {
    "signal": Signal,
    "irregular-signal": IrregularSignal,
    "spike-trains": Spikes,
    "address-events": AddressEvents,
    "event": Events,
    "epoch": Epochs,
    "image-sequence": ImageSequence,
}
