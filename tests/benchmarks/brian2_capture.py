"""The state of a Brian 2 network of a million synapses as a snapshot in memory, beside copies of
the arrays that it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from archive.entry import Entry
from archive.hooks import snapshots
from tests.benchmarks.measure import Row, agree, interleaved, milliseconds


class Size(NamedTuple):
    neurons: int  # on either side, each connected with each
    rounds: int


FULL = Size(neurons=1000, rounds=25)
QUICK = Size(neurons=30, rounds=2)

RUN = 8  # ms, so that events are on their way


def measure(folder: Path, *, quick: bool) -> Iterator[Row]:
    size = QUICK if quick else FULL
    network = built(size)
    check(snapshots.capture([network]), network)
    held = arrays(network)
    takes = {
        "ours": lambda _: milliseconds(lambda: snapshots.capture([network])),
        "copies": lambda _: milliseconds(lambda: [array.copy() for array in held]),
    }
    taken = interleaved(size.rounds, takes)
    count = len(network["stdp"])
    work = f"capture of {count} plastic synapses of Brian 2, {sum(a.nbytes for a in held)} bytes"
    yield Row(work, "ms", taken["ours"], "copies of its arrays", taken["copies"], "cost", 1.5)


def built(size: Size) -> Any:
    """A network with STDP that has run for a while, interpreted: nothing is compiled."""
    import brian2 as b2

    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    b2.seed(4)
    source = b2.PoissonGroup(size.neurons, rates=10 * b2.Hz, name="source")
    cells = b2.NeuronGroup(
        size.neurons, "dv/dt = -v/(10*ms) : 1", threshold="v > 1", reset="v = 0", method="exact",
        name="cells",
    )  # fmt: skip
    stdp = b2.Synapses(
        source,
        cells,
        """w : 1
           dapre/dt = -apre/(20*ms) : 1 (event-driven)
           dapost/dt = -apost/(20*ms) : 1 (event-driven)""",
        on_pre="v_post += w; apre += 0.01; w = clip(w + apost, 0, 1)",
        on_post="apost -= 0.0105; w = clip(w + apre, 0, 1)",
        name="stdp",
    )
    stdp.connect()
    stdp.w = "0.01*rand()"
    stdp.pre.delay = "rand()*5*ms"
    network = b2.Network(source, cells, stdp)
    network.run(RUN * b2.ms)
    b2.prefs.codegen.target = before
    return network


def arrays(network: Any) -> list[Any]:
    """Every array of the synapses and of the groups, as Brian 2 has it in memory."""
    stdp = network["stdp"]
    names = ("_synaptic_pre", "_synaptic_post", "w", "apre", "apost", "lastupdate")
    found = [stdp.variables[name].get_value() for name in names]
    found += [pathway.variables["delay"].get_value() for pathway in (stdp.pre, stdp.post)]
    found += [network["cells"].variables["v"].get_value()]
    found += [network["source"].variables["rates"].get_value()]
    return found


def check(entry: Entry, network: Any) -> None:
    """Raise Disagreement if the snapshot has other numbers than the network."""
    stdp = next(part for part in entry.parts if part.model.kind == "projection")
    for ours, theirs in (
        ("weights", "w"),
        ("state:apre", "apre"),
        ("state:lastupdate", "lastupdate"),
    ):
        agree(ours, stdp.arrays[ours], network["stdp"].variables[theirs].get_value())
    agree("delays", stdp.arrays["delays"], np.asarray(network["stdp"].delay_))
