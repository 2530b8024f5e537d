"""A projection, or a connectivity, as ANNarchy saves it, from the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.annarchy_populations import plain
from archive.adapters.annarchy_rows import Rows, is_single, numbers, rows, single
from archive.adapters.annarchy_texts import EXTRA, attributes, text, texts
from archive.adapters.models import checked_size, model_of
from archive.connections import Compressed, compressed
from archive.entry import Entry
from archive.errors import ContractError, FormatError
from archive.values import to_schema_dict

_OWN = {
    "name", "pre", "post", "target", "post_ranks", "pre_ranks", "attributes", "parameters",
    "variables", "delays", "delay", "max_delay", "uniform_delay", "size", "nb_synapses", "w", EXTRA,
}  # fmt: skip
_STEPS = "the delays are in time steps, and the file does not say how long a step is"


class Sizes:
    """How many neurons populations have: as the user says, as the file says, or as many at the
    least as its connections name."""

    def __init__(
        self,
        objects: Mapping[str, Mapping[str, Any]],
        kinds: Mapping[str, str],
        given: Mapping[str, int],
    ) -> None:
        self._known = {
            name: int(numbers(item["size"], f"{name}: size", whole=True)[0])
            for name, item in objects.items()
            if kinds[name] == "population" and is_single(item.get("size"))
        }
        self._known |= dict(given)
        self._least: dict[str, int] = {}
        for name, item in objects.items():
            if kinds[name] == "projection":
                for end in ("pre", "post"):
                    self.expect(_end(item, end, name), _last(item, f"{end}_ranks", name))

    def expect(self, name: str, last: int) -> None:
        """Note that a population has a neuron of this rank."""
        self._least[name] = max(self._least.get(name, 0), last + 1)

    def is_known(self, name: str) -> bool:
        return name in self._known

    def __getitem__(self, name: str) -> int:
        return self._known[name] if name in self._known else self._least.get(name, 0)


def _last(item: Mapping[str, Any], key: str, name: str) -> int:
    posts = numbers(item.get("post_ranks", []), f"{name}: post_ranks", whole=True)
    if key == "pre_ranks":
        posts = rows(item.get(key, []), len(posts), f"{name}: {key}", whole=True).values
    return int(posts.max(initial=-1))


def _end(item: Mapping[str, Any], end: str, name: str) -> str:
    if end not in item:
        raise FormatError("the projection does not name it", entry=f"{name}: {end}")
    return text(item[end], f"{name}: {end}")


def projection(
    key: str, item: Mapping[str, Any], sizes: Sizes, dt: float | None, ends: tuple[str, str]
) -> Entry:
    """The entry of a projection, or of a connectivity, whose `ends` the file does not name."""
    name = text(item["name"], f"{key}: name") if "name" in item else key
    for needed in ("post_ranks", "pre_ranks"):
        if needed not in item:
            raise FormatError("they are missing", entry=f"{name}: {needed}")
    post_ranks = numbers(item["post_ranks"], f"{name}: post_ranks", whole=True)
    found = rows(item["pre_ranks"], len(post_ranks), f"{name}: pre_ranks", whole=True)
    whole = "attributes" in item
    pre = _end(item, "pre", name) if whole else ends[0]
    post = _end(item, "post", name) if whole else ends[1]
    if not whole:
        _check_counts(item, found, name)
    sizes.expect(pre, int(found.values.max(initial=-1)))
    sizes.expect(post, int(post_ranks.max(initial=-1)))
    for end in (pre, post):
        checked_size(sizes[end], end, is_known=sizes.is_known(end))
    try:
        connections = compressed(
            found.values, np.repeat(post_ranks, found.lengths), sizes[pre], sizes[post], name
        )
        if len(post_ranks) and not 0 <= post_ranks.min() <= post_ranks.max() < sizes[post]:
            raise ContractError("a receiving neuron is not among the population's", entry=name)
    except ContractError as error:
        raise FormatError(error.message, entry=error.entry) from None
    held = _Held(name, found, connections)
    delays = _delays(item, held, dt) if whole else _connectivity_delays(item, held, dt)
    if delays is not None:
        held.arrays["delays"] = delays
    native = _attributes(item, held) if whole else _weights_only(item, held)
    native["post_ranks"] = post_ranks
    unknown = [end for end in dict.fromkeys((pre, post)) if not sizes.is_known(end)]
    if unknown:
        native["sizes"] = f"at least; the file does not say how many neurons {unknown} have"
    targets = texts(item["target"], f"{name}: target") if "target" in item else []
    model = model_of(
        schemas.Projection,
        name,
        name=name,
        pre=pre,
        post=post,
        pre_size=sizes[pre],
        post_size=sizes[post],
        size=len(found.values),
        rows=connections.rows,
        receptor="+".join(targets) or None,
        parameters=to_schema_dict(held.parameters, name),
        native=to_schema_dict(native, name),
    )
    return Entry(model, {**connections.arrays(), **held.arrays})


class _Held:
    """What is known of a projection so far."""

    def __init__(self, name: str, found: Rows, connections: Compressed) -> None:
        self.name = name
        self.lengths = found.lengths
        self.connections = connections
        self.arrays: dict[str, npt.NDArray[Any]] = {}
        self.parameters: dict[str, Any] = {}

    def by_connection(self, value: Any, what: str) -> npt.NDArray[Any]:
        """One value for each connection. Raises FormatError if there are not as many."""
        where = f"{self.name}: {what}"
        found = rows(value, len(self.lengths), where)
        if not np.array_equal(found.lengths, self.lengths):
            row = int(np.flatnonzero(found.lengths != self.lengths)[0])
            raise FormatError(
                f"{found.lengths[row]} values for the {self.lengths[row]} connections of row {row}",
                entry=where,
            )
        return self.connections.arranged(found.values)

    def is_for_all(self, value: Any) -> bool:
        """Whether one number is for all connections, not for the only one that there is."""
        cells = isinstance(value, np.ndarray) and value.dtype.hasobject and value.ndim > 0
        alone = self.lengths.sum() == 1 and (len(self.lengths) == 1 or cells)
        return np.ndim(value) == 0 or not alone

    def is_by_neuron(self, value: Any) -> bool:
        """Whether it has one number for each receiving neuron, not for each connection."""
        count = len(self.lengths)
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            return value.size == count and (
                value.ndim == 1 or (value.ndim == 2 and value.shape == (1, count) and count > 1)
            )
        if isinstance(value, (list, tuple)):
            return len(value) == count and not any(map(np.ndim, value))
        return False


def _attributes(item: Mapping[str, Any], held: _Held) -> dict[str, Any]:
    """Take weights, parameters and variables; what has no place in the contract is returned."""
    names, parameters, variables = attributes(item, held.name)
    native: dict[str, Any] = {"parameters": parameters, "variables": variables}
    if "w" in item and "w" not in names:
        names.append("w")
    for each in names:
        value = item[each]
        if is_single(value) and held.is_for_all(value):
            if each == "w":
                held.arrays["weights"] = np.array([single(value)], np.float64)
                native["single_weight"] = True
            elif each in variables:
                held.arrays[f"state:{each}"] = np.array([single(value)])
            else:
                held.parameters[each] = single(value)
        elif each == "w":
            held.arrays["weights"] = held.by_connection(value, each).astype(np.float64)
        elif held.is_by_neuron(value):
            found = numbers(value, f"{held.name}: {each}")
            native.setdefault("semiglobal", {})[each] = found
        else:
            held.arrays[f"state:{each}"] = held.by_connection(value, each)
    unlisted = {each: value for each, value in item.items() if each not in _OWN | set(names)}
    if unlisted:
        native["unlisted"] = plain(unlisted)
    return native


def _weights_only(item: Mapping[str, Any], held: _Held) -> dict[str, Any]:
    native: dict[str, Any] = {
        key: single(item[key]) for key in ("max_delay", "uniform_delay") if is_single(item.get(key))
    }
    if "w" not in item:
        return native
    if is_single(item["w"]):
        held.arrays["weights"] = np.array([single(item["w"])], np.float64)
        native["single_weight"] = held.is_for_all(item["w"])
    else:
        held.arrays["weights"] = held.by_connection(item["w"], "w").astype(np.float64)
    return native


def _delays(item: Mapping[str, Any], held: _Held, dt: float | None) -> npt.NDArray[Any] | None:
    """Delays in ms, (1,) or (connection,). A whole projection has them in ms as ANNarchy writes
    it; whole numbers are steps, as our own writer puts them for other connections."""
    value = item.get("delays")
    if value is None:
        return None
    if is_single(value) and held.is_for_all(value):
        known = np.array([single(value)])
        if known[0] == 0:
            return None
    elif is_single(value):
        known = np.array([single(value)])
    else:
        known = held.by_connection(value, "delays")
    return _in_ms(known, held.name, dt)


def _connectivity_delays(
    item: Mapping[str, Any], held: _Held, dt: float | None
) -> npt.NDArray[Any] | None:
    """As `_delays`. A connectivity has them in steps up to ANNarchy 4.8 and in ms since 5.0;
    steps are whole numbers, times are not."""
    value, uniform = item.get("delay"), item.get("uniform_delay")
    steps = single(uniform) if is_single(uniform) else None
    if value is None or (is_single(value) and single(value) == 0):
        if not steps or steps < 1:
            return None
        return _in_ms(np.array([int(steps)]), held.name, dt)
    if is_single(value):
        return _in_ms(np.array([single(value)]), held.name, dt)
    return _in_ms(held.by_connection(value, "delay"), held.name, dt)


def _in_ms(values: npt.NDArray[Any], name: str, dt: float | None) -> npt.NDArray[Any]:
    where = f"{name}: delays"
    if values.dtype.kind in "iu":
        if dt is None:
            raise FormatError(
                _STEPS, entry=where, hint="give it, as in time_step=0.1, in ms or as a quantity"
            )
        values = values * dt
    elif values.dtype.kind != "f":
        raise FormatError("they are no times", entry=where)
    if values.size and not (np.isfinite(values).all() and values.min() >= 0):
        raise FormatError("some are no times", entry=where)
    if dt is not None and values.size:
        exact = values / dt
        if np.abs(exact - np.rint(exact)).max() > 1e-6 * max(1.0, float(exact.max())):
            raise FormatError(f"some are no multiples of the time step of {dt:g} ms", entry=where)
    return values.astype(np.float64)


def _check_counts(item: Mapping[str, Any], found: Rows, name: str) -> None:
    for key, count in (("size", len(found.lengths)), ("nb_synapses", int(found.lengths.sum()))):
        if is_single(item.get(key)) and single(item[key]) != count:
            raise FormatError(
                f"it says {single(item[key])}, and has {count}", entry=f"{name}: {key}"
            )
