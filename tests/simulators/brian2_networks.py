"""Networks of Brian 2 that are run straight on, or stopped, or built anew and continued.

python brian2_networks.py (straight | stop | go_on | from_theirs | from_ours) TARGET FOLDER NAME...
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import schemas
from archive.adapters.brian2_store import Brian2Store
from archive.entry import Entry
from archive.hooks import snapshots

HALF = 50  # ms


def plasticity(b2: Any) -> list[Any]:
    """STDP with event-driven traces, delays of both pathways, a third pathway with one delay."""
    source = b2.PoissonGroup(30, rates=40 * b2.Hz, name="source")
    cells = b2.NeuronGroup(
        20,
        """dv/dt = (ge - v)/(10*ms) : 1
           dge/dt = -ge/(5*ms) : 1""",
        threshold="v > 0.4",
        reset="v = 0",
        method="exact",
        name="cells",
    )
    stdp = b2.Synapses(
        source,
        cells,
        """w : 1
           dapre/dt = -apre/(20*ms) : 1 (event-driven)
           dapost/dt = -apost/(20*ms) : 1 (event-driven)""",
        on_pre={
            "pre": "ge_post += w; apre += 0.01; w = clip(w + apost, 0, 1)",
            "late": "w = clip(w - 0.001, 0, 1)",
        },
        on_post="apost -= 0.0105; w = clip(w + apre, 0, 1)",
        delay={"late": 3 * b2.ms},
        name="stdp",
    )
    stdp.connect(p=0.5)
    stdp.w = "rand()"
    stdp.pre.delay = "rand()*8*ms"
    stdp.post.delay = "rand()*3*ms"
    recurrent = b2.Synapses(
        cells[5:15], cells[:8], "w : 1", on_pre="ge_post += w", delay=1.5 * b2.ms, name="recurrent"
    )
    recurrent.connect(i=[7, 0, 3, 3, 9], j=[1, 7, 2, 2, 0])
    recurrent.w = 0.2
    return [source, cells, stdp, recurrent, b2.SpikeMonitor(cells, name="spikes")]


def noise(b2: Any) -> list[Any]:
    """Refractory cells with every source of random numbers that Brian 2 has."""
    cells = b2.NeuronGroup(
        15,
        """dv/dt = (drive - v)/(8*ms) + sigma*xi : volt (unless refractory)
           sigma : volt*second**-0.5 (constant)
           drive : volt
           last_draw : integer
           awake : boolean
           common : siemens/meter**2 (shared)
           leak : volt (constant, shared)""",
        threshold="v > 15*mV and rand() > 0.2",
        reset="v = -2*mV + randn()*mV",
        refractory="3*ms + rand()*2*ms",
        method="euler",
        name="cells",
    )
    cells.sigma = "100*(1 + rand())*mV*second**-0.5"
    cells.drive = "(10 + randn())*mV"
    cells.run_regularly("drive += randn()*mV; last_draw = poisson(15)", dt=7 * b2.ms)
    kicks = b2.PoissonInput(cells, "v", N=20, rate=50 * b2.Hz, weight=1 * b2.mV)
    late = b2.NeuronGroup(
        4, "rate : Hz", threshold="rand() < rate*dt", dtype=np.float32, name="late"
    )
    late.rate = 60 * b2.Hz
    synapses = b2.Synapses(late, cells, on_pre="v_post += 1*mV*rand()", name="synapses")
    synapses.connect(p=0.4)
    synapses.delay = "1*ms + 4*ms*rand()"
    return [cells, kicks, late, synapses, b2.SpikeMonitor(cells, name="spikes")]


def clocks(b2: Any) -> list[Any]:
    """Groups on three clocks; spikes from lists, once and again; a current from an array."""
    current = b2.TimedArray(np.random.rand(40) * 2, dt=3 * b2.ms)
    slow = b2.NeuronGroup(
        6,
        "dv/dt = (current(t) + 0.1*i - v)/(6*ms) : 1",
        threshold="v > 1",
        reset="v = 0",
        refractory=2.1 * b2.ms,
        dt=0.3 * b2.ms,
        method="euler",
        namespace={"current": current},
        name="slow",
    )
    fast = b2.NeuronGroup(
        5, "dv/dt = -v/(4*ms) : 1", threshold="v > 0.6", reset="v = 0", method="exact", name="fast"
    )
    again = b2.SpikeGeneratorGroup(
        3, [0, 1, 2, 0], [1, 3, 4, 6] * b2.ms, period=9 * b2.ms, name="again"
    )
    once = b2.SpikeGeneratorGroup(
        2, [0, 1, 0, 1], [10, 48.9, 51.2, 90] * b2.ms, dt=0.2 * b2.ms, name="once"
    )
    made = [slow, fast, again, once, b2.SpikeMonitor(fast, name="spikes")]
    for number, (pre, post) in enumerate([(slow, fast), (again, fast), (once, slow)]):
        synapses = b2.Synapses(pre, post, "w : 1", on_pre="v_post += w", name=f"to_{number}")
        synapses.connect()
        synapses.w = "0.3 + 0.3*rand()"
        synapses.delay = "rand()*6*ms"
        made.append(synapses)
    return made


def summed(b2: Any) -> list[Any]:
    """Summed variables, synapses with equations of their own, several between one pair, a cable."""
    cells = b2.NeuronGroup(
        12,
        """dv/dt = (1.3 + gap + total - v)/(9*ms) : 1
           gap : 1
           total : 1""",
        threshold="v > 1",
        reset="v = 0",
        method="euler",
        name="cells",
    )
    cells.v = "rand()"
    gaps = b2.Synapses(cells, cells, "gap_post = 0.03*(v_pre - v_post) : 1 (summed)", name="gaps")
    gaps.connect(condition="i != j", p=0.5)
    currents = b2.Synapses(
        cells,
        cells,
        """dg/dt = -g/(4*ms) : 1 (clock-driven)
           total_post = g : 1 (summed)
           w : 1""",
        on_pre="g += w",
        method="exact",
        multisynaptic_index="number",
        name="currents",
    )
    currents.connect(p=0.3, n=2)
    currents.w = "0.01*(1 + number)"
    currents.delay = "number*ms + rand()*2*ms"
    cable = b2.SpatialNeuron(
        b2.Cylinder(length=100 * b2.um, diameter=2 * b2.um, n=5),
        "Im = -0.1*msiemens/cm**2*(v + 65*mV) : amp/meter**2\nI : amp (point current)",
        threshold="v > -20*mV",
        refractory="v > -20*mV",
        method="exponential_euler",
        name="cable",
    )
    cable.v = -65 * b2.mV
    cable.I[0] = 0.1 * b2.nA
    return [cells, gaps, currents, cable, b2.SpikeMonitor(cells, name="spikes")]


NETWORKS: dict[str, Callable[[Any], list[Any]]] = {
    made.__name__: made for made in (plasticity, noise, clocks, summed)
}


def built(b2: Any, name: str) -> Any:
    """A network, made as at the start of a script with a seed."""
    b2.start_scope()
    b2.seed(11)
    return b2.Network(*NETWORKS[name](b2))


class Given:
    """A source of one entry."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def entry(self) -> Entry:
        return self._entry


def save(entry: Entry, folder: Path) -> None:
    """An entry as JSON and arrays: all that it is, without any archive."""
    folder.mkdir(parents=True)
    for number, one in enumerate([entry, *entry.parts]):
        (folder / f"{number}.json").write_text(one.model.model_dump_json(), "utf-8")
        arrays: dict[str, Any] = {key: np.asarray(held) for key, held in one.arrays.items()}
        np.savez(folder / f"{number}.npz", **arrays)


def load(folder: Path) -> Entry:
    """An entry that `save` wrote."""
    kinds = {kind.model_fields["kind"].default: kind for kind in PARTS}
    found = []
    for number in range(len(list(folder.glob("*.json")))):
        text = (folder / f"{number}.json").read_text("utf-8")
        kind = kinds[text.split('"kind":"')[1].split('"')[0]]
        with np.load(folder / f"{number}.npz") as arrays:
            found.append(Entry(kind.model_validate_json(text), dict(arrays)))
    return Entry(found[0].model, found[0].arrays, found[1:])


def assert_identical(one: Entry, other: Entry) -> None:
    assert one.model == other.model
    assert list(one.arrays) == list(other.arrays)
    for name in one.arrays:
        ours, theirs = np.asarray(one.arrays[name]), np.asarray(other.arrays[name])
        assert ours.dtype == theirs.dtype, name
        assert ours.tobytes() == theirs.tobytes(), name
    parts, others = list(one.parts), list(other.parts)
    assert len(parts) == len(others)
    for part, its in zip(parts, others, strict=True):
        assert_identical(part, its)


PARTS = (schemas.Snapshot, schemas.Population, schemas.Projection)


def main(mode: str, target: str, folder: Path, names: list[str]) -> None:
    import brian2 as b2

    b2.prefs.codegen.target = target
    b2.prefs.logging.std_redirection = False
    b2.BrianLogger.log_level_error()
    for name in names:
        network = built(b2, name)
        ours, theirs = folder / f"{name}-ours.brian2", folder / f"{name}-theirs.brian2"
        if mode == "straight":
            network.run(2 * HALF * b2.ms)
        elif mode == "stop":
            network.run(HALF * b2.ms)
            network.store("half", str(theirs))
            Brian2Store().write(Given(snapshots.capture([network])), ours)
        elif mode == "go_on":
            report = snapshots.restore(load(folder / f"{name}-stop"), [network])
            assert report.complete, report
            assert not report.changed, report.changed
        elif mode == "from_theirs":  # which has no delays
            (entry,) = Brian2Store().read(theirs)
            report = snapshots.restore(entry, [network])
            assert not report.changed, report.changed
            assert all(one.endswith(".delay") for one in report.missing), report.missing
            assert {loss.entry for loss in report.skipped} == {"spikes"}, report.skipped
        elif mode == "from_ours":
            for held in network.objects:
                for pathway in getattr(held, "_pathways", ()):
                    pathway.delay = 0 * b2.ms
            network.restore("default", str(ours), restore_random_state=True)
        if mode not in ("straight", "stop"):
            network.run(HALF * b2.ms)
        save(snapshots.capture([network]), folder / f"{name}-{mode}")
        spikes = network["spikes"]
        np.savez(folder / f"{name}-{mode}.npz", t=np.asarray(spikes.t_), i=np.asarray(spikes.i))
        del network, spikes
        gc.collect()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
