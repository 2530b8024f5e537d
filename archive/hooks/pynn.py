"""Populations of PyNN, on any of its simulators, as the parts of a segment.

PyNN is asked for everything it recorded, never for single variables: asked for these, it
empties the segments that it holds. What belongs to a view is chosen afterwards.
"""

from __future__ import annotations

import sys
import warnings
import weakref
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.entry import Entry
from archive.errors import ArchiveWarning, FormatError
from archive.hooks.neo_ import segment_entry
from archive.hooks.plain import modelled
from archive.values import from_schema, quantity, to_schema

CONFLICT = "MERGE CONFLICT"
OF_RUN = ("simulator", "dt", "mpi_processes")
OF_POPULATION = ("size", "first_id", "last_id")
DERIVED = ("first_index", "last_index", "label")


def is_population(item: object) -> bool:
    """Whether the object is a Population, PopulationView or Assembly."""
    return any(
        kind.__module__ == "pyNN.common.populations"
        and kind.__name__ in ("BasePopulation", "Assembly")
        for kind in type(item).__mro__
    )


def is_first_rank(item: Any) -> bool:
    """Whether this process is the one of all MPI processes that writes."""
    return bool(next(_single(item)).recorder._simulator.state.mpi_rank == 0)


def facts_of_population(item: Any) -> dict[str, Any]:
    """The simulator, the time step and the number of processes."""
    simulator = next(_single(item)).recorder._simulator
    return _run_facts(
        {
            "simulator": simulator.name,
            "dt": simulator.state.dt,
            "mpi_processes": simulator.state.num_processes,
        }
    )


def run_facts(block: Any) -> dict[str, Any]:
    """What a block of PyNN says of the run as a whole; empty for other blocks."""
    return _run_facts({key: block.annotations.get(key) for key in OF_RUN})


def _run_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    known = {
        key: value for key, value in facts.items() if value is not None and not _is_conflict(value)
    }
    if "dt" in known:
        known["dt"] = quantity(float(known["dt"]), "ms")
    return known


def current_segment(objects: Sequence[Any]) -> Entry:
    """What populations have recorded since the last reset (or before it, if nothing ran since).

    The parts of an assembly are those of its populations, each with its own label. A population
    and views of it give what any of them has. Raises FormatError if nothing was recorded.
    """
    pieces = []
    for population, wanted in _by_recorder(objects):
        try:
            block = population.get_data("all", gather=True)
        except (IndexError, KeyError) as empty:
            raise FormatError(
                "nothing has been recorded since it was set up, reset or cleared",
                entry=population.label,
                hint="append after sim.run(...)",
            ) from empty
        piece = settled(block, block.segments[-1])
        if wanted is not None:
            piece = Entry(piece.model, parts=[chosen(part, wanted) for part in piece.parts])
        pieces.append(piece)
    models = [piece.model for piece in pieces if isinstance(piece.model, schemas.Segment)]
    annotations: dict[str, Any] = {}
    for model in models:
        annotations = {**model.annotations, **annotations}  # each part has its own besides
    together = models[0].model_copy(
        update={
            "annotations": annotations,
            "description": "\n\n".join(model.description or "" for model in models),
        }
    )
    return Entry(together, parts=[part for piece in pieces for part in piece.parts])


def settled(block: Any, segment: Any) -> Entry:
    """A segment of a block from PyNN as an entry, with what gathering and merging did put right.

    Channels come in order. The simulator's ids of cells are the array annotation
    ``channel_ids`` of signals. What the block says of the population is the annotation
    ``population`` of every part; what a user said of it is in the segment's annotations too.
    """
    entry = segment_entry(segment)
    model = entry.model
    assert isinstance(model, schemas.Segment)
    merged = ";" in str(block.annotations.get("label", ""))
    facts = {
        key: to_schema(value, f"{block.name}: annotation {key!r}")
        for key, value in block.annotations.items()
        if key not in (*OF_RUN, *DERIVED)
        and not _is_conflict(value)
        and not (merged and key in OF_POPULATION)
    }
    said = {key: value for key, value in facts.items() if key not in OF_POPULATION}
    annotations = {**said, **model.annotations, **_true_annotations(block, segment)}
    told = modelled(schemas.Segment, model.name or "segment", **_fields(model, annotations))
    return Entry(told, parts=[_in_order(part, facts) for part in entry.parts])


def chosen(part: Entry, wanted: npt.NDArray[np.int64]) -> Entry:
    """A part with the channels of a view only, as PyNN's own filter is not there for all."""
    model = part.model
    keep = np.flatnonzero(np.isin(np.asarray(part.arrays["channels"]), wanted))
    return rearranged(part, keep) if isinstance(model, schemas.Part) else part


def rearranged(part: Entry, order: npt.NDArray[np.intp]) -> Entry:
    """A signal with other columns, or spike trains with other trains, in this order."""
    model, arrays = part.model, dict(part.arrays)
    arrays["channels"] = np.asarray(arrays["channels"])[order]
    if isinstance(model, schemas.SpikeTrains):
        neuron = np.asarray(arrays["neuron"])
        place = np.full(model.size, -1)
        place[order] = np.arange(len(order))
        moved = place[neuron]
        kept = np.flatnonzero(moved >= 0)
        kept = kept[np.argsort(moved[kept], kind="stable")]
        arrays["neuron"] = moved[kept].astype(np.int32)
        for name in arrays.keys() & {"times", "waveforms"}:
            arrays[name] = np.asarray(arrays[name])[kept]
        update: dict[str, Any] = {
            "size": len(order),
            "train_annotations": _picked(model.train_annotations, order),
            "array_annotations": _picked(model.array_annotations, kept),
        }
    else:
        assert isinstance(model, schemas.Signal | schemas.IrregularSignal)
        arrays["values"] = np.asarray(arrays["values"])[:, order]
        update = {"array_annotations": _picked(model.array_annotations, order)}
    return Entry(model.model_copy(update=update), arrays)


class PyNNMemory:
    """What was stored of segments that were still running, until PyNN knows their annotations.

    ``reset(annotations=...)`` annotates the segment that it ends, which by then is stored.
    """

    def __init__(self) -> None:
        self._running: list[tuple[object, weakref.ref[Any], str]] = []

    def note(self, objects: Sequence[object], position: object) -> None:
        """Remember that the running segments of populations were stored at a position."""
        for item in objects:
            if is_population(item):
                for population, _ in _by_recorder([item]):
                    simulator = population.recorder._simulator
                    name = f"segment{simulator.state.segment_counter:03d}"
                    self._running.append((position, weakref.ref(population.recorder), name))

    def pending(self) -> list[tuple[object, dict[str, Any]]]:
        """The annotations that PyNN gave to segments since they were stored, by position.

        Each is given once; segments that still run are asked again the next time.
        """
        found: dict[object, dict[str, Any]] = {}
        running = []
        for position, reference, name in self._running:
            recorder = reference()
            if recorder is None:
                continue  # with its population: nothing can be said of the segment any more
            ended = next((one for one in recorder.cache if one.name == name), None)
            if ended is not None:
                found.setdefault(position, {}).update(ended.annotations)
            else:
                running.append((position, reference, name))
        self._running = running
        return [(position, facts) for position, facts in found.items() if facts]


def _single(item: Any) -> Iterator[Any]:
    """The populations and views of an object, assemblies taken apart."""
    for each in getattr(item, "populations", (item,)):
        if each is item:
            yield item
        else:
            yield from _single(each)


def _by_recorder(objects: Sequence[Any]) -> list[tuple[Any, npt.NDArray[np.int64] | None]]:
    """Each population once, with the indices that are wanted of it, None for all."""
    found: dict[int, tuple[Any, npt.NDArray[np.int64] | None]] = {}
    for item in objects:
        for each in _single(item):
            population = each.recorder.population
            wanted = None
            if each is not population:
                ids = [population.id_to_index(cell) for cell in each.all_cells]
                wanted = np.asarray(ids, dtype=np.int64)
            key = id(population)
            if key in found:
                before = found[key][1]
                wanted = None if before is None or wanted is None else np.union1d(before, wanted)
            found[key] = (population, wanted)
    return list(found.values())


def _is_conflict(value: Any) -> bool:
    return isinstance(value, str) and value == CONFLICT


def _fields(model: schemas.Model, annotations: dict[str, Any]) -> dict[str, Any]:
    fields = {name: getattr(model, name) for name in type(model).model_fields}
    return fields | {"annotations": annotations}


def _in_order(part: Entry, facts: dict[str, Any]) -> Entry:
    """A part with its channels in order, its label cleaned and its population's facts."""
    model = part.model
    assert isinstance(model, schemas.Part)
    annotations = dict(model.annotations)
    update: dict[str, Any] = {"annotations": annotations}
    if facts:
        annotations["population"] = facts
    if model.population is not None:
        # An assembly that was written twice has the label "a;b;b".
        update["population"] = ";".join(dict.fromkeys(model.population.split(";")))
    ids = from_schema(annotations.get("channel_ids"))
    channels = part.arrays.get("channels")
    ids = np.asarray(ids) if isinstance(ids, list) else ids
    if channels is not None and isinstance(ids, np.ndarray) and ids.shape == channels.shape:
        del annotations["channel_ids"]
        own = to_schema(ids, "channel_ids")
        update["array_annotations"] = {**model.array_annotations, "channel_ids": own}
    if "channel_ids" in annotations and _is_conflict(ids):
        del annotations["channel_ids"]
    settled_part = Entry(model.model_copy(update=update), part.arrays)
    if channels is None:
        return settled_part
    order = np.argsort(np.asarray(channels), kind="stable")
    in_order = np.array_equal(order, np.arange(len(order)))
    return settled_part if in_order else rearranged(settled_part, order)


def _picked(values: Mapping[str, Any], order: npt.NDArray[np.intp]) -> dict[str, Any]:
    picked = {}
    for name, value in values.items():
        held = from_schema(value)
        some = [held[number] for number in order] if isinstance(held, list) else held[order]
        picked[name] = to_schema(some, name)
    return picked


def _true_annotations(block: Any, segment: Any) -> dict[str, Any]:
    """The annotations of a segment that was gathered or merged as ``reset`` was given them.

    Merging joins the arrays of all processes or populations, and takes the unit from
    quantities. The recorders of this process hold their own segments, where some are whole; what
    they cannot tell is repaired if it repeats, or told in a warning and marked.
    """
    whole = _cached_annotations(block, segment.name)
    true: dict[str, Any] = {}
    doubtful = []
    for name, value in segment.annotations.items():
        others = [one for one in whole.get(name, []) if not _is_conflict(one)]
        best = min([*others, value], key=lambda one: (np.size(one), not _has_unit(one)))
        processes = int(block.annotations.get("mpi_processes") or 1)
        if np.ndim(best) and not others and processes > 1 and np.size(best) % processes == 0:
            rows = np.asarray(best).reshape(processes, -1)
            if (rows == rows[0]).all():
                best = rows[0] if rows.shape[1] > 1 else rows[0, 0]
                doubtful.append(name)
        if _is_conflict(best):
            doubtful.append(name)
        true[name] = to_schema(best, f"{segment.name}: annotation {name!r}")
    if doubtful:
        warnings.warn(
            f"{segment.name}: PyNN merged the annotations {', '.join(doubtful)} of several"
            " processes or populations; their unit is lost",
            ArchiveWarning,
            stacklevel=4,
        )
        true["merged_by_pynn"] = list(doubtful)
    return true


def _has_unit(value: Any) -> bool:
    return hasattr(value, "dimensionality") and str(value.dimensionality) != "dimensionless"


def _cached_annotations(block: Any, name: str | None) -> dict[str, list[Any]]:
    """By name, the values that the recorders of this process have for the segment's annotations."""
    found: dict[str, list[Any]] = {}
    for recorder in recorders(block) or ():
        for segment in recorder.cache:
            if segment.name == name:
                for key, value in segment.annotations.items():
                    found.setdefault(key, []).append(value)
    return found


def recorders(block: Any) -> set[Any] | None:
    """All recorders of the simulator that a block comes from; another set after each set-up."""
    name = str(block.annotations.get("simulator", "")).lower()
    module = sys.modules.get(f"pyNN.{name}.simulator")
    held: set[Any] | None = getattr(getattr(module, "state", None), "recorders", None)
    return held
