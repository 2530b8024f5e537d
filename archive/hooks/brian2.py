"""Monitors of Brian 2 as parts of a segment: what a monitor holds now, in SI units as it has it.

A monitor keeps its data from one ``run`` to the next, and so does each append: use ``store`` and
``restore``, or new monitors, between segments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry
from archive.errors import FormatError
from archive.hooks.neo_trains import spikes_entry
from archive.hooks.plain import check_period, modelled, plain_array, plain_times
from archive.values import quantity, to_schema

MONITORS = ("StateMonitor", "EventMonitor", "PopulationRateMonitor")
TOLERANCE = 1e-6  # of a time step: what rounding may move a sample by


def kind_of(item: object) -> str | None:
    """StateMonitor, EventMonitor (of which SpikeMonitor is one), PopulationRateMonitor, Network
    or None."""
    for ancestor in type(item).__mro__:
        if ancestor.__module__.startswith("brian2.") and ancestor.__name__ in (
            *MONITORS,
            "Network",
        ):
            return ancestor.__name__
    return None


def monitor_parts(item: Any) -> list[Entry]:
    """The parts that a monitor, or every monitor in a network, has recorded.

    Times are in s, values in the SI unit of their dimensions. The population is the name of the
    recorded group, channels are the recorded indices. Samples that a monitor did not take in
    regular steps become an irregular signal.
    """
    kind = kind_of(item)
    if kind == "Network":
        monitors = [each for each in item.sorted_objects if kind_of(each) in MONITORS]
        if not monitors:
            raise FormatError(
                "the network has no monitors",
                entry=item.name,
                hint="give the monitors themselves, or add them: network.add(monitor)",
            )
        return [part for monitor in monitors for part in monitor_parts(monitor)]
    if kind == "StateMonitor":
        return [_samples(item, name, np.asarray(item.record)) for name in item.record_variables]
    if kind == "PopulationRateMonitor":
        return [_samples(item, "rate", np.zeros(1))]
    return [_events(item)]


def si_unit(kind: type[Any], dimension: Any, where: str) -> str:
    """The SI unit in which Brian 2 keeps values of a dimension; `kind` is its Quantity.

    Raises ContractError for fractional powers, which no unit has.
    """
    one = to_schema(kind(1.0, dim=dimension), where)
    unit = one.unit if isinstance(one, schemas.Quantity) else "dimensionless"
    return "Hz" if unit == "1/s" else unit


def run_facts(item: Any) -> dict[str, Any]:
    """The simulator, and the time step where the object has a clock."""
    facts: dict[str, Any] = {"simulator": "Brian2"}
    if hasattr(item, "clock"):
        facts["dt"] = quantity(float(item.clock.dt_), "s")
    return facts


def _samples(monitor: Any, variable: str, record: npt.NDArray[Any]) -> Entry:
    where = f"{monitor.source.name}: {variable}"
    recorded = monitor.variables[variable]
    values = np.array(plain_array(recorded.get_value(), where))  # Brian 2 goes on writing into its
    values = values[:, np.newaxis] if values.ndim == 1 else values
    times = plain_times(np.array(monitor.variables["t"].get_value()), where)
    step = float(monitor.clock.dt_)
    check_period(step, where)
    fields = {
        "population": monitor.source.name,
        "variable": variable,
        "unit": si_unit(type(monitor.clock.dt), recorded.dim, where),
        "time_unit": "s",
    }
    arrays = {"values": values, "channels": record.astype(np.int64)}
    start = float(times[0]) if len(times) else 0.0
    regular = start + step * np.arange(len(times))
    if np.allclose(times, regular, rtol=1e-12, atol=TOLERANCE * step):
        model: schemas.Part = modelled(
            schemas.Signal, where, sampling_period=step, t_start=start, **fields
        )
    else:
        model = modelled(schemas.IrregularSignal, where, **fields)
        arrays["times"] = times.astype(np.float64, copy=False)
    return Entry(model, arrays)


def _events(monitor: Any) -> Entry:
    spiking = monitor.event == "spike"
    where = f"{monitor.source.name}: {monitor.event}"
    if not monitor.record:
        raise FormatError(
            "the monitor has counted events and kept no times",
            entry=where,
            hint="make it with record=True, or append its counts as an annotation",
        )
    held = {
        name: np.array(monitor.variables[name].get_value()) for name in monitor.record_variables
    }
    times = plain_times(held.pop("t"), where)
    along = {
        name: quantity(values, unit) if unit != "dimensionless" else values
        for name, values in sorted(held.items())
        if name != "i"
        for unit in [si_unit(type(monitor.clock.dt), monitor.variables[name].dim, where)]
    }
    stop = float(monitor.clock.variables["t"].get_value().item())
    return spikes_entry(
        times,
        held["i"],
        np.arange(len(monitor.source), dtype=np.int64),
        where,
        array_annotations=along,
        population=monitor.source.name,
        variable="spikes" if spiking else monitor.event,
        time_unit="s",
        t_stop=max(stop, float(times.max())) if len(times) else stop,
    )
