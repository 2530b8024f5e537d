"""Run by itself, where ANNarchy can compile: saves a network in all forms, loads ours, and says
in JSON what it found. Arguments: a folder to work in, and the time step in ms."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ANNarchy as ann
import numpy as np

import schemas
from archive.adapters.annarchy import Annarchy
from archive.connections import compressed, ends
from archive.entry import Entry

FORMS = (".data", ".txt.gz", ".npz")
PARTS = ("exc", "pop", "plastic", "single", "ragged", "square")


class Held:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def entry(self) -> Entry:
        return self._entry


def build(dt: float, folder: Path, made: Entry) -> Any:
    net = ann.Network(dt=dt, seed=3)
    neuron = ann.Neuron(
        parameters="tau = 10.0 : population\n noise = 1.0\n kind = 3 : int, population",
        equations="tau * dv/dt = -v + g_exc + noise\n total = mean(v) : population",
        spike="v > 1.0",
        reset="v = 0.0",
    )
    synapse = ann.Synapse(
        parameters="tau = 20.0 : projection\n gain = 1.0 : postsynaptic",
        equations="tau * dx/dt = -x : event-driven\n z = 0.1 : postsynaptic",
        pre_spike="g_target += w * gain\n x += 1.0\n w = clip(w + 0.01 * x, 0, 3)",
        post_spike="w = clip(w + 0.02, 0, 3)",
    )
    exc = net.create(geometry=(4, 3), neuron=neuron, name="exc")
    pop = net.create(geometry=5, neuron=neuron, name="pop")
    exc.noise = 1.5
    pop.noise = 2.0
    plastic = net.connect(exc, pop, target="exc", synapse=synapse, name="plastic")
    plastic.all_to_all(weights=ann.Uniform(0.0, 0.5), delays=3 * dt)
    single = net.connect(pop, exc, target="exc", name="single")
    single.all_to_all(weights=0.25)
    ragged = net.connect(exc, exc, target="exc", name="ragged")
    ragged.fixed_probability(0.5, weights=ann.Uniform(0.0, 0.5), delays=ann.Uniform(dt, 5 * dt))
    square = net.connect(exc, pop[1:4], target="exc", name="square")
    square.fixed_number_pre(3, weights=0.125, delays=ann.Uniform(dt, 5 * dt),
                            force_multiple_weights=True)  # fmt: skip
    connect(net, made, folder)
    net.compile(directory=str(folder / "compiled"), silent=True)
    return net


def part(net: Any, name: str) -> Any:
    return net.get_population(name) if name in PARTS[:2] else net.get_projection(name)


def state(net: Any) -> dict[str, Any]:
    """All that ANNarchy itself knows of the network, as plain values."""
    found: dict[str, Any] = {"step": int(net.current_step)}
    for name in PARTS:
        item = part(net, name)
        if name in PARTS[:2]:
            found[name] = {
                each: np.asarray(getattr(item, each)).tolist() for each in item.attributes
            }
            continue
        held: dict[str, Any] = {
            "post_ranks": list(item.post_ranks),
            "pre_ranks": [list(row) for row in item.cyInstance.pre_ranks()],
            "delays": item._get_delay(),
        }
        for each in dict.fromkeys(item.attributes):
            held[each] = item._get_cython_attribute(each)
        found[name] = held
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def blur(net: Any) -> None:
    """Give everything other values, so that what is loaded is seen."""
    net.simulate(10.0)
    for name in PARTS[:2]:
        item = part(net, name)
        item.tau, item.noise, item.v = 33.0, 4.0, -1.0
    for name in PARTS[2:]:
        part(net, name)._set_cython_attribute("w", 0.75)
    part(net, "plastic").tau = 7.0


def main(folder: Path, dt: float) -> dict[str, Any]:
    made = made_up(dt)
    net, adapter = build(dt, folder, made), Annarchy()
    report: dict[str, Any] = {}

    def tried(name: str, check: Callable[[], Any]) -> None:
        try:
            report[name] = check()
        except Exception:
            report[name] = traceback.format_exc()

    tried("connected", partial(connected, net, made))
    net.simulate(50.0)
    known = state(net)
    whole = folder / "theirs.data"
    net.save(str(whole))
    for form in (*FORMS[1:], ".mat"):
        net.save(str(folder / f"theirs{form}"))
    (snapshot,) = adapter.read(whole, time_step=dt)

    def compared() -> Any:
        now = state(net)
        return [
            f"{name}: {key}"
            for name, held in known.items()
            for key in (held if isinstance(held, dict) else [""])
            if (held[key] if key else held) != (now[name][key] if key else now[name])
        ]

    def loads(path: Path, **options: Any) -> Any:
        losses = adapter.write(Held(snapshot), path, overwrite=True, **options)
        blur(net)
        if not options.get("only"):
            net.load(str(path))
            return [*map(str, losses), *compared()]
        part(net, options["only"]).load(str(path))
        return [each for each in compared() if each.startswith(options["only"] + ":")]

    for form in FORMS:
        for connections in ("same", "other"):
            path = folder / f"ours-{connections}{form}"
            tried(path.name, partial(loads, path, connections=connections))
            for name in PARTS:
                path = folder / f"{name}-{connections}{form}"
                tried(path.name, partial(loads, path, only=name, connections=connections))
    snapshot, known = rewired(snapshot, known)
    for form in FORMS:
        path = folder / f"rewired{form}"
        tried(path.name, partial(loads, path, connections="other"))
    if dt == 1.0:
        # whole numbers are ms as well as steps; of a single weight ANNarchy wants a list of lists
        path, chosen = folder / "rewired-same.data", ("plastic", "square")
        tried(path.name, partial(loads, path, projections=chosen))
        left = report[path.name]
        if isinstance(left, list):
            report[path.name] = [each for each in left if each.startswith(chosen)]
    return report


def rewired(snapshot: Entry, known: dict[str, Any]) -> tuple[Entry, dict[str, Any]]:
    """The same with the senders of all connections counted from the other end."""
    parts = []
    for part in snapshot.parts:
        model = part.model
        if isinstance(model, schemas.Projection) and model.name in PARTS:
            last = model.pre_size - 1
            senders = last - np.asarray(part.arrays["columns"])
            part = Entry(model, {**part.arrays, "columns": senders})
            held = known[model.name]
            held["pre_ranks"] = [[last - rank for rank in row] for row in held["pre_ranks"]]
        parts.append(part)
    return Entry(snapshot.model, parts=parts), known


def made_up(dt: float) -> Entry:
    """Projections from exc to pop to be read by ``from_file``, which takes none with state."""
    pre = np.array([0, 5, 11, 3, 4, 5])
    post = np.array([0, 0, 0, 2, 2, 4])
    found = compressed(pre, post, 12, 5, "made")
    each = np.arange(1.0, 7.0)
    parts = []
    for name, weights, delays in (
        ("one-delay", each, np.array([3 * dt])),
        ("own-delays", each, each * dt),
        ("no-delay", each, np.array([dt])),
        ("one-weight", np.array([0.25]), np.array([2 * dt])),
    ):
        model = schemas.Projection(
            name=name, pre="exc", post="pop", pre_size=12, post_size=5, size=6, rows=found.rows,
        )  # fmt: skip
        parts.append(Entry(model, {**found.arrays(), "weights": weights, "delays": delays}))
    return Entry(schemas.Snapshot(time=0.0, time_step=dt), parts=parts)


def connect(net: Any, snapshot: Entry, folder: Path) -> None:
    """Make the projections from files of ours."""
    exc, pop = net.get_population("exc"), net.get_population("pop")
    for part in snapshot.parts:
        assert isinstance(part.model, schemas.Projection)
        name = part.model.name
        path = folder / f"{name}.npz"
        losses = Annarchy().write(Held(snapshot), path, only=name, connectivity=True)
        assert not losses, losses
        net.connect(exc, pop, target="exc", name=name).from_file(str(path))


def connected(net: Any, snapshot: Entry) -> list[str]:
    """What differs in the projections that were made from files."""
    differing = []
    for part in snapshot.parts:
        assert isinstance(part.model, schemas.Projection)
        item = net.get_projection(part.model.name)
        pre, post = ends(part.model, part.arrays)
        ranks = [
            [int(a) for a, b in zip(pre, post, strict=True) if b == rank] for rank in (0, 2, 4)
        ]
        found = {
            "post_ranks": (list(item.post_ranks), [0, 2, 4]),
            "pre_ranks": ([list(row) for row in item.cyInstance.pre_ranks()], ranks),
            "weights": (item._get_cython_attribute("w"), part.arrays["weights"]),
            "delays": (item._get_delay(), part.arrays["delays"]),
        }
        for key, (one, other) in found.items():
            flat = one if isinstance(other, list) else flattened(one)
            wanted = other if isinstance(other, list) else np.asarray(other).tolist()
            if flat != wanted and not (len(wanted) == 1 and set(flat) == set(wanted)):
                differing.append(f"{part.model.name}: {key}: {flat}, not {wanted}")
    return differing


def flattened(value: Any) -> list[float]:
    if not isinstance(value, list):
        return [value]
    return [each for row in value for each in row]


if __name__ == "__main__":
    place = Path(sys.argv[1])
    found = main(place, float(sys.argv[2]))
    (place / "report.json").write_text(json.dumps(found, indent=1))
