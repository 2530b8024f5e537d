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
from archive.entry import Entry

FORMS = (".data", ".txt.gz", ".npz")
PARTS = ("exc", "pop", "plastic", "single", "ragged", "square")


class Held:
    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def entry(self) -> Entry:
        return self._entry


def build(dt: float, folder: Path) -> Any:
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
    net, adapter = build(dt, folder), Annarchy()
    report: dict[str, Any] = {}

    def tried(name: str, check: Callable[[], Any]) -> None:
        try:
            report[name] = check()
        except Exception:
            report[name] = traceback.format_exc()

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
    for name in PARTS[2:]:
        losses = adapter.write(
            Held(snapshot), folder / f"{name}.conn.npz", only=name, connectivity=True
        )
        report[f"{name}: losses"] = [str(each) for each in losses]
    report["connected"] = connected(folder, dt, known)
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
        if isinstance(model, schemas.Projection):
            last = model.pre_size - 1
            senders = last - np.asarray(part.arrays["columns"])
            part = Entry(model, {**part.arrays, "columns": senders})
            held = known[model.name]
            held["pre_ranks"] = [[last - rank for rank in row] for row in held["pre_ranks"]]
        parts.append(part)
    return Entry(snapshot.model, parts=parts), known


def connected(folder: Path, dt: float, known: dict[str, Any]) -> Any:
    """What differs in a network that is made from our files of connectivity."""
    net = ann.Network(dt=dt, seed=3)
    cell = ann.Neuron(equations="dv/dt = -v + g_exc", spike="v > 1.0", reset="v = 0.0")
    made = {
        name: net.create(geometry=n, neuron=cell, name=name)
        for name, n in (("exc", (4, 3)), ("pop", 5))
    }
    found = []
    for name, pre, post in (
        ("plastic", made["exc"], made["pop"]),
        ("single", made["pop"], made["exc"]),
        ("square", made["exc"], made["pop"][1:4]),
        ("ragged", made["exc"], made["exc"]),
    ):
        try:
            net.connect(pre, post, target="exc", name=name).from_file(
                str(folder / f"{name}.conn.npz")
            )
        except Exception:
            found.append(traceback.format_exc())
    net.compile(directory=str(folder / "connected"), silent=True)
    for projection in net.get_projections():
        item = projection
        held = {
            "post_ranks": list(item.post_ranks),
            "pre_ranks": [list(row) for row in item.cyInstance.pre_ranks()],
            "delays": item._get_delay(),
            "w": item._get_cython_attribute("w"),
        }
        found += [
            f"{item.name}: {key}: {value} {known[item.name][key]}"
            for key, value in json.loads(json.dumps(held)).items()
            if value != known[item.name][key] and not alike(value, known[item.name][key])
        ]
    return found


def alike(values: Any, one: Any) -> bool:
    """Whether all values are this one."""
    return isinstance(one, float) and {each for row in values for each in row} == {one}


if __name__ == "__main__":
    place = Path(sys.argv[1])
    found = main(place, float(sys.argv[2]))
    (place / "report.json").write_text(json.dumps(found, indent=1))
