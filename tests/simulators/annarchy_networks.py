"""ANNarchy networks that are stopped, and gone on with in another process.

    python annarchy_networks.py rich|plain run|resume <folder>

`run` writes what it had, `resume` what it got; each compiles in the folder, once for both.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ANNarchy as ann
import numpy as np
from ANNarchy.intern.NetworkManager import NetworkManager

from archive.entry import Entry
from archive.errors import ArchiveError
from archive.hooks import annarchy_compile
from archive.hooks.annarchy_capture import dendrites
from archive.hooks.snapshots import capture, restore

HALF = 22.0  # ms; of the rich network, some are refractory then, and spikes on their way
FIRE = dict(spike="v > -55.0", reset="v = -70.0")


def rich(seed: int) -> Any:
    """All that ANNarchy's own files lose: refractoriness, delays, events, random numbers."""
    net = ann.Network(dt=0.5, seed=seed)
    net.constant("drive", 20.0)
    neuron = ann.Neuron(
        parameters="""
            tau = 10.0
            Vr = -70.0 : population
            n = 3 : int
            flag = True : bool, population
        """,
        equations="""
            tau * dv/dt = Vr - v + g_exc + drive + Normal(0.0, 2.0)
            du/dt = (1.0 - u) / 50.0 : population
            dg_exc/dt = -g_exc / 5.0
            count = count + 1 : int
        """,
        refractory=7.0,
        **FIRE,
    )
    stdp = ann.Synapse(
        parameters="""
            tau = 20.0 : projection
            wmax = 1.0
            k = 2 : int, projection
        """,
        equations="""
            tau * dx/dt = -x : event-driven
            tau * dy/dt = -y : event-driven
            z = z + 0.5 : postsynaptic
        """,
        pre_spike="g_target += w; x += 0.1; w = clip(w - y, 0.0, wmax)",
        post_spike="y += 0.1; w = clip(w + x, 0.0, wmax)",
    )
    rate = ann.Neuron(equations="10.0 * dr/dt = 1.0 + sum(exc) - r")
    one = net.create(geometry=(2, 3), neuron=neuron, name="one")
    two = net.create(geometry=4, neuron=neuron, name="two")
    played = net.create(ann.SpikeSourceArray([[5.0, 33.0, 40.0], [31.0, 47.5]], name="played"))
    noise = net.create(ann.PoissonPopulation(3, rates=200.0, name="noise"))
    slow = net.create(geometry=3, neuron=rate, name="slow")
    late = net.create(geometry=2, neuron=rate, name="late")
    weights, delays = ann.Uniform(0.0, 1.0), ann.Uniform(1.0, 5.0)
    lists = net.connect(one, two, "exc", stdp, name="lists")
    lists.fixed_probability(0.6, weights=weights, delays=delays)
    compressed = net.connect(one, two, "exc", stdp, name="compressed")
    compressed.fixed_number_pre(2, weights=weights, delays=2.0, storage_format="csr")
    net.connect(one, two, "exc", name="alike").all_to_all(weights=1.0, delays=3.0)
    net.connect(one[1:4], one, "exc", name="view").all_to_all(weights=weights, delays=3.0)
    net.connect(two, two, "exc", name="itself").all_to_all(weights=weights, storage_format="dense")
    net.connect(played, one, "exc", name="input").fixed_number_pre(1, weights=9.0)
    net.connect(noise, two, "exc", name="noisy").all_to_all(weights=weights)
    net.connect(slow, late, "exc", name="rates").all_to_all(weights=weights, delays=4.0)
    one.compute_firing_rate(20.0)
    return net


def plain(_: int) -> Any:
    """What ANNarchy's own files keep, in its global network, with connections it cannot load."""
    net = NetworkManager().magic_network()
    rate = ann.Neuron(
        parameters="tau = 10.0 : population\n base = 0.5",
        equations="tau * dr/dt = base + 0.2 * sum(exc) - r",
    )
    hebb = ann.Synapse(
        parameters="eta = 0.01 : projection", equations="dw/dt = eta * (pre.r * post.r - w)"
    )
    spiking = ann.Neuron(
        parameters="drive = 20.0", equations="10.0 * dv/dt = drive - 70.0 - v + g_exc", **FIRE
    )
    some = ann.Uniform(0.0, 1.0)
    a, b = net.create((2, 2), rate, name="a"), net.create(5, rate, name="b")
    net.connect(a, b, "exc", hebb, name="learns").fixed_probability(0.5, weights=some)
    net.connect(b, b, "exc", name="alike").fixed_number_pre(2, weights=0.1)
    net.connect(a, b, "exc", name="same pair").from_matrix(ragged())
    net.connect(a, b[2:4], "exc", name="view").all_to_all(weights=some)
    net.connect(b, a, "exc", name="empty").fixed_probability(0.0, weights=some)
    net.create(0, rate, name="nobody")
    c = net.create(3, rate, name="c")
    net.connect(b, c, "exc", name="later").all_to_all(weights=0.2, delays=ann.Uniform(1.0, 6.0))
    fires, hears = net.create(3, spiking, name="fires"), net.create(2, spiking, name="hears")
    fires.drive, hears.drive = np.array([17.0, 19.0, 23.0]), 0.0
    net.connect(fires, hears, "exc", name="heard").all_to_all(weights=some)
    return net


def ragged() -> Any:
    """Connections from four neurons to five, of which one has none."""
    matrix = np.full((5, 4), np.nan)
    matrix[0, :3], matrix[2, 3], matrix[4, 1:3] = 0.1, 0.2, 0.3
    return [[None if np.isnan(each) else float(each) for each in row] for row in matrix]


def content(net: Any) -> dict[str, Any]:
    """All that ANNarchy's own save writes, as plain arrays and lists."""
    found: dict[str, Any] = {"time": net.time}
    for each in net.get_populations():  # not get(): some inputs do not have what they list
        for name in each.attributes:
            found[f"{each.name}.{name}"] = getattr(each.cyInstance, name, None)
    for each in net.get_projections():
        found[f"{each.name}.delay"] = each.delay
        found[f"{each.name}.connections"] = tuple(dendrites(each))
        for name in each.attributes:
            found[f"{each.name}.{name}"] = each.get(name)
    return found


def refused(net: Any, snapshot: Entry, **options: Any) -> tuple[str, bool]:
    """Why a snapshot is refused, and whether the network is still as it was."""
    before = pickle.dumps(content(net))
    try:
        restore(snapshot, [net], **options)
    except ArchiveError as error:
        return str(error), before == pickle.dumps(content(net))
    return "", False


def part_of(snapshot: Entry, name: str) -> Any:
    """The part of this name."""
    parts: list[Any] = list(snapshot.parts)
    return next(each for each in parts if each.model.name == name)


def changed_part(snapshot: Entry, name: str, change: Callable[[Entry], Entry]) -> Entry:
    """The snapshot with one part made otherwise."""
    it = part_of(snapshot, name)
    return replace(
        snapshot, parts=tuple(change(each) if each is it else each for each in snapshot.parts)
    )


def bad(net: Any, snapshot: Entry) -> dict[str, Any]:
    """What becomes of snapshots that do not fit the plain network."""

    def arrays(name: str, **new: Any) -> Entry:
        return changed_part(
            snapshot,
            name,
            lambda part: replace(
                part,
                arrays={
                    k.replace("state_", "state:"): v
                    for k, v in {**part.arrays, **new}.items()
                    if v is not None
                },
            ),
        )

    def model(name: str, **new: Any) -> Entry:
        return changed_part(
            snapshot, name, lambda part: replace(part, model=part.model.model_copy(update=new))
        )

    def renamed(part: Entry, name: str) -> Entry:
        return replace(part, model=part.model.model_copy(update={"name": name}))

    n = part_of(snapshot, "learns").model.size
    wrong = {
        "too long": arrays("b", state_r=np.zeros(6)),
        "too short": arrays("b", state_r=np.zeros(4)),
        "one for all": arrays("b", state_r=np.zeros(1)),
        "shaped": arrays("b", state_r=np.zeros((5, 1))),
        "unknown": arrays("b", state_other=np.zeros(5)),
        "integers": arrays("b", state_r=np.zeros(5, np.int64)),
        "unknown of synapses": arrays("learns", state_other=np.zeros(n)),
        "one weight for many": arrays("learns", weights=np.zeros(1)),
        "a part of another": replace(
            snapshot, parts=(*snapshot.parts, renamed(part_of(snapshot, "a"), "stranger"))
        ),
        "missing": changed_part(
            snapshot,
            "b",
            lambda part: replace(
                part, arrays={k: v for k, v in part.arrays.items() if k != "state:r"}
            ),
        ),
        "size": model("b", size=6),
        "weights": arrays("learns", weights=np.zeros(n + 1)),
        "no weights": arrays("learns", weights=None),
        "ranks": arrays("learns", columns=np.full(n, 4)),
        "pointers": arrays("learns", row_pointers=np.array([0, 9, 3, 5, 6, n])),
        "delays of none": arrays("learns", delays=np.full(n, 3.0)),
        "many weights": arrays("alike", weights=np.arange(10.0)),
        "end": model("learns", post="a", post_size=4),
        "target": model("learns", receptor="inh"),
        "time step": replace(snapshot, model=snapshot.model.model_copy(update={"time_step": 0.5})),
        "no population": replace(snapshot, parts=tuple(snapshot.parts)[1:]),
    }
    found: dict[str, Any] = {name: refused(net, each) for name, each in wrong.items()}
    found["geometry"] = restore(model("a", geometry=(4,)), [net])
    nan = arrays("learns", weights=np.full(n, np.nan))
    found["nan"] = (restore(nan, [net]), net.get_projection("learns").w)
    step = net.current_step
    silent = {"native": {}, "time": 0.0}  # as a file without the key "time_step" is read
    timeless = replace(snapshot, model=snapshot.model.model_copy(update=silent))
    found["no clock"] = (restore(timeless, [net], strict=False), step, net.current_step)
    lax = {name: restore(each, [net], strict=False) for name, each in wrong.items()}
    return found | {"lax": lax}


def parts(net: Any, snapshot: Entry) -> dict[str, Any]:
    """Some of a network and of a snapshot, and snapshots of another simulator."""
    found: dict[str, Any] = {}
    net.get_population("a").r = 7.0
    net.get_projection("learns").w = 0.25
    step = net.current_step
    found["one projection"] = restore(snapshot, [net.get_projection("learns")])
    found["after it"] = content(net)
    found["clock"] = (step, net.current_step)
    found["populations"] = restore(snapshot, [ann], projections=False)
    found["after them"] = content(net)
    found["chosen"] = restore(snapshot, [net], populations=["a"], projections=["learns"])

    model = part_of(snapshot, "later").model
    foreign = Entry(
        snapshot.model.model_copy(update={"simulator": "nest", "time_step": None, "native": {}}),
        parts=[
            Entry(
                model.model_copy(
                    update={
                        "rows": "pre",
                        "delay_unit": "s",
                        "native": {},
                        "size": 3,
                        "parameters": {"tau": 1.0},
                        "receptor": "whatever",
                        "weight_unit": "nS",
                    }
                ),
                {
                    "row_pointers": np.array([0, 1, 1, 3, 3, 3]),
                    "columns": np.array([2, 0, 1], np.int32),
                    "weights": np.full(3, 0.5),
                    "delays": np.array([0.002, 0.0094, 0.004]),
                    "state:x": np.zeros(3),
                },
            )
        ],
    )
    found["foreign"] = restore(foreign, [net], projections=["later"])
    found["after foreign"] = content(net)
    restore(snapshot, [net])

    learns = net.get_projection("learns").cyInstance  # as after pruning
    learns.clear()
    learns.init_from_lil([0, 1, 3], [[0, 1], [], [2]], [[0.5, 0.25], [], [1.0]], [[1]], False)
    found["pruned"], found["pruned content"] = capture([net]), content(net)
    restore(snapshot, [net])
    found["to pruned"] = restore(found["pruned"], [net])
    found["after pruned"] = content(net)
    restore(snapshot, [net])
    return found


def as_from_a_file(snapshot: Entry) -> Entry:
    """What is left of a snapshot in ANNarchy's own files: no time step, constants or types."""

    def left(part: Any) -> Entry:
        kept = {"parameters", "variables", "semiglobal", "post_ranks"}
        native = {key: value for key, value in part.model.native.items() if key in kept}
        update: dict[str, Any] = {"native": native}
        arrays = part.arrays
        if part.model.kind == "population":
            update["parameters"] = {k: float(v) for k, v in part.model.parameters.items()}
            arrays = {key: np.asarray(values, float) for key, values in arrays.items()}
        return Entry(part.model.model_copy(update=update), arrays)

    native = {"time_step": snapshot.model.native["step"]}  # type: ignore[attr-defined]
    whole = {"native": native, "time_step": None, "time": 0.0, "constants": {}}
    return Entry(snapshot.model.model_copy(update=whole), parts=tuple(map(left, snapshot.parts)))


def main(which: str, what: str, folder: Path) -> None:
    run = what == "run"
    net = {"rich": rich, "plain": plain}[which](1 if run else 2)
    whole = net if which == "rich" else ann
    build = {"directory": str(folder / which), "silent": True}
    if which == "rich":
        annarchy_compile.compile(net, **build)
    else:
        net.compile(**build)
    kept = folder / f"{which}.snapshot"
    found: dict[str, Any] = {"at first": content(net)}
    if run:
        net.simulate(HALF)
        if which == "plain":
            net.get_population("b").tau = 12.0  # ANNarchy's JSON would have what it was at first
        snapshot = capture([whole])
        kept.write_bytes(pickle.dumps(snapshot))
        found |= {"stopped": content(net), "snapshot": snapshot}
        found["single"] = capture([net.get_projections()[0], net.get_populations()[1]])
    else:
        snapshot = pickle.loads(kept.read_bytes())
        found["report"] = restore(snapshot, [whole])
        found["restored"] = content(net)
        found["again"] = capture([whole])
    net.simulate(HALF)
    found["end"] = content(net)
    if not run:
        restore(snapshot, [whole])  # into a network that has gone on meanwhile
        net.simulate(HALF)
        found["end again"] = content(net)
    if not run and which == "rich":
        found["from a file"] = restore(as_from_a_file(snapshot), [net])
        found["after the file"], found["hidden after it"] = content(net), capture([net])
    if not run and which == "plain":
        found["parts"] = parts(net, snapshot)
        found["bad"] = bad(net, snapshot)
    (folder / f"{which}-{what}.result").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
