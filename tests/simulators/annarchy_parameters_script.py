"""Builds a network in ANNarchy, and passes its parameters out and in; prints what was found.

A program of its own: ANNarchy compiles into the working folder, and loads what it compiled.
"""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from typing import Any

import ANNarchy as ann

import archive

warnings.simplefilter("ignore")  # ANNarchy's deprecations


def build() -> Any:
    net = ann.Network()
    neuron = ann.Neuron(
        parameters={
            "tau": ann.Parameter(10.0),
            "gain": ann.Parameter(2),
            "local": ann.Parameter(1.0, locality="local"),
        },
        equations=[
            ann.Variable("tau * dr/dt + r = gain * local * mu"),
        ],
    )
    synapse = ann.Synapse(
        parameters={"eta": ann.Parameter(0.01), "own": ann.Parameter(3.0, locality="semiglobal")},
        equations=["dw/dt = eta * own * pre.r * post.r"],
    )
    net.constant("mu", 0.5)
    exc = net.create(4, neuron, name="exc")
    inh = net.create(2, neuron, name="inh")
    projection = net.connect(exc, inh, "exc", synapse=synapse, name="exc_inh")
    projection.all_to_all(weights=0.1)
    return net


def now(net: Any) -> dict[str, Any]:
    exc, inh = net.get_population("exc"), net.get_population("inh")
    projection = net.get_projection("exc_inh")
    return {
        "exc.tau": exc.tau,
        "inh.tau": inh.tau,
        "exc.gain": exc.gain,
        "exc.local": list(exc.local),
        "exc_inh.eta": projection.eta,
        "exc_inh.own": list(projection.own),
        "mu": net.get_constant("mu").value,
    }


def main() -> dict[str, Any]:
    found: dict[str, Any] = {}
    net = build()
    exp = archive.open("a.nix", mode="a")
    exp.parameters.capture(net, "before compile")
    net.compile(directory="annarchy")
    net.get_population("exc").tau = 12.0
    net.get_projection("exc_inh").eta = 0.03
    net.get_constant("mu").set(0.7)
    now_saved = exp.parameters.capture(net, "trained")
    found["captured"] = dict(now_saved)
    found["before"] = dict(exp.parameters["before compile"])

    # what the real program writes, stale values and all
    ann.save_parameters("real.json", net_id=net.id)
    found["real"] = dict(exp.parameters.load("real.json"))

    # what we write, read by the real program
    changed = {
        "populations": {"exc": {"tau": 33.0, "local": 5.0, "nonsense": 1.0}, "inh": {"tau": 44.0}},
        "projections": {"exc_inh": {"eta": 0.5}},
        "network": {"r_min": 0.25},
        "constants": {"mu": 0.9},
    }
    losses = exp.parameters.save("changed", changed).export("ours.json", "annarchy")
    found["losses"] = [str(loss) for loss in losses]
    found["network"] = ann.load_parameters("ours.json", net_id=net.id)
    found["loaded"] = now(net)

    # what we set ourselves
    report = now_saved.apply(net)
    found["applied"] = now(net)
    found["report"] = [list(report.restored), list(map(str, report.skipped)), list(report.missing)]
    report = exp.parameters["changed"].apply(net)
    found["skipped"] = list(map(str, report.skipped))
    found["missing"] = list(report.missing)
    found["global only"] = now(net)
    report = exp.parameters["changed"].apply(net, global_only=False)
    found["skipped of all"] = list(map(str, report.skipped))
    found["all"] = now(net)

    # populations without a network of their own
    ann.Constant("nu", 0.25)
    neuron = ann.Neuron(parameters={"tau": ann.Parameter(7.0)}, equations=["r = tau"])
    ann.Population(3, neuron, name="lone")
    found["module"] = dict(exp.parameters.capture(ann, "module"))
    exp.close()
    return found


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):
        result = main()
    print(json.dumps(result, default=float))
