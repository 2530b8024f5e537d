"""A network that learns, in a process that is killed: another goes on from what it has stored.

``python -m archive.demo FILE stopped`` (or ``continued``, or ``whole``) simulates with Brian 2 for
the demonstration, and keeps what comes of it as a run of that name.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import archive

SNAPSHOT = "trained"
SECONDS = 0.5  # before the snapshot, and once more after it
INPUTS = 200
SEED = 7
READY = "stored"  # what the process that will be killed says


@dataclass(frozen=True)
class Network:
    """What a script of Brian 2 has in its hands."""

    net: Any
    spikes: Any
    weights: Any


def network() -> Network:
    """Poisson sources onto one cell, whose synapses learn from the times of spikes.

    The rule is that of Song, Miller and Abbott, Nature Neuroscience 3 (2000), 919-926.
    """
    import brian2 as b2

    b2.prefs.codegen.target = "numpy"  # needs no compiler
    b2.seed(SEED)
    constants = {
        "tau_m": 10 * b2.ms, "tau_e": 5 * b2.ms, "E_e": 0 * b2.mV, "E_l": -74 * b2.mV,
        "tau_before": 20 * b2.ms, "tau_after": 20 * b2.ms, "w_max": 0.055,
    }  # fmt: skip
    inputs = b2.PoissonGroup(INPUTS, rates=15 * b2.Hz, name="input")
    cell = b2.NeuronGroup(
        1,
        """dv/dt = (g * (E_e - v) + E_l - v) / tau_m : volt (unless refractory)
        dg/dt = -g / tau_e : 1""",
        threshold="v > -54*mV",
        reset="v = -60*mV",
        refractory=2 * b2.ms,
        method="euler",
        namespace=constants,
        name="cell",
    )
    cell.v = -74 * b2.mV
    synapses = b2.Synapses(
        inputs,
        cell,
        """w : 1
        dbefore/dt = -before / tau_before : 1 (event-driven)
        dafter/dt = -after / tau_after : 1 (event-driven)""",
        on_pre="""g_post += w
        before += 0.02 * w_max
        w = clip(w + after, 0, w_max)""",
        on_post="""after -= 0.021 * w_max
        w = clip(w + before, 0, w_max)""",
        delay=1 * b2.ms,
        namespace=constants,
        name="synapses",
    )
    synapses.connect()
    synapses.w = "rand() * w_max"
    spikes = b2.SpikeMonitor(cell, name="spikes")
    weights = b2.StateMonitor(synapses, "w", record=range(10), dt=5 * b2.ms, name="weights")
    return Network(b2.Network(inputs, cell, synapses, spikes, weights), spikes, weights)


def main(path: str, name: str) -> None:
    """Simulate as the run of that name asks, and keep it."""
    import brian2 as b2

    made = network()
    second = SECONDS * b2.second
    with archive.open(path, mode="a") as experiment, experiment.run(name) as run:
        if name == "continued":
            experiment.snapshots[SNAPSHOT].restore(into=made.net)
        else:
            made.net.run(second)
        if name == "stopped":
            run.append(made.spikes, made.weights, name="the first half")
            run.snapshot(made.net, name=SNAPSHOT)
            print(READY, flush=True)
            time.sleep(600)  # until it is killed
        made.net.run(second)
        run.append(made.spikes, made.weights, name="to the end")
