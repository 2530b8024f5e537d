"""``python -m archive.demo``: experiments of PyNN and Brian 2 in one archive, what can be asked of
it, and a network that goes on learning after its process was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import archive
from archive.cli import app
from archive.cli.console import say, stdout
from archive.cli.tables import counted
from archive.demo import learning
from archive.errors import ArchiveError, MissingPackage
from archive.plot import Figure, Panel

FOLDER = Path("demo")
AMPLITUDES = (-0.2, -0.1, 0.0, 0.1, 0.2)  # nA
F_I = "f-I curve"
NETWORK = "feed-forward network"
SIGNALS = {
    "v": "Membrane potential",
    "w": "Adaptation current",
    "gsyn_exc": "Synaptic conductance",
}
SEED = 42
QUERY = f"run == '{F_I}' and amplitude > 50 pA"


def main() -> None:
    """Simulate, keep, ask, draw and export; all files go into ``demo/``.

    Raises MissingPackage without PyNN, NEURON, Brian 2 or matplotlib.
    """
    sim = _simulator()
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / "experiment.nix"
    path.unlink(missing_ok=True)
    _heading("1. Two experiments are simulated and kept in one archive")
    with archive.open(path, mode="x", description="What `make demo` simulated.") as experiment:
        f_i_curve(sim, experiment)
        network(sim, experiment)
    say(f"{path}: {path.stat().st_size / 1e6:.1f} MB")

    _heading("2. What is in it")
    _neuroarchive("ls", str(path))

    _heading("3. A question, with units: 50 pA finds what was noted in nA")
    _neuroarchive("query", str(path), QUERY)

    _heading("4. What a segment looks like")
    _neuroarchive("show", str(path), str(len(AMPLITUDES) - 1))

    _heading("5. Figures, and a file for MATLAB and Octave")
    with archive.open(path) as experiment:
        _draw(experiment)
    _neuroarchive("export", str(path), str(FOLDER / "fi.mat"), "--overwrite", "--query",
                  f"run == '{F_I}'")  # fmt: skip

    _heading("6. A network that learns: stored, killed, restored, continued")
    learn(path)

    if sys.prefix != sys.base_prefix:
        say(f"\nFor the commands to be found: source {os.path.relpath(sys.prefix)}/bin/activate")
    _heading("7. What to try next")
    for command in next_steps(path):
        _show_command(f"  {command}")


def next_steps(path: Path) -> list[str]:
    """Commands that work on what the demonstration leaves."""
    return [
        f"neuroarchive show {path} {len(AMPLITUDES)}",
        f'neuroarchive show {path} --run "{F_I}"',
        f'neuroarchive query {path} "amplitude < 0 nA" --json',
        f"neuroarchive plot {path} 0 {FOLDER / 'segment.png'} --overwrite",
        f"neuroarchive show {path} --run continued",
        f"neuroarchive provenance {path} continued",
        f"neuroarchive report {path} -o {FOLDER / 'report.html'} --overwrite",
        f"neuroarchive check {path} --files",
        f"python -c \"import archive; print(archive.open('{path}').segments[0].to_neo())\"",
    ]


def _simulator() -> Any:
    try:
        for name in ("matplotlib", "brian2"):  # missed here, not after the simulation
            if find_spec(name) is None:
                raise ImportError(f"No module named {name!r}")
        with _silenced():
            import pyNN.neuron as sim
    except ImportError as error:
        raise MissingPackage(
            f"the demonstration needs PyNN with NEURON, Brian 2 and matplotlib ({error})",
            hint="pip install 'neuroarchive[pynn,brian2,plot]'",
        ) from error
    return sim


@contextmanager
def _silenced() -> Iterator[None]:
    """Without what NEURON, which is no Python, tells on stdout: the number of processes."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a file of ours
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def f_i_curve(sim: Any, experiment: archive.Experiment) -> None:
    """One cell under five currents, with a reset between them: a segment for each."""
    import quantities as pq

    sim.setup(timestep=0.1, min_delay=0.1)
    cell = sim.Population(1, sim.HH_cond_exp(), label="cell")
    step = sim.DCSource(start=20.0, stop=80.0)
    step.inject_into(cell)
    cell.record(["v", "spikes"])
    with experiment.run(F_I, parameters={"step": {"start": 20 * pq.ms, "stop": 80 * pq.ms}}) as run:
        for amplitude in AMPLITUDES:
            step.amplitude = amplitude
            sim.run(100.0)
            name = f"step of {amplitude:g} nA"
            run.append(cell, name=name, annotations={"amplitude": amplitude * pq.nA})
            sim.reset()
    sim.end()
    say(f"{F_I}: a Hodgkin-Huxley cell under {len(AMPLITUDES)} currents")


def network(sim: Any, experiment: archive.Experiment) -> None:
    """Ten Poisson sources excite ten adaptive cells, for a second."""
    import quantities as pq
    from pyNN.random import NumpyRNG

    # the upstroke of a spike is exponential: with longer steps it overshoots by half a volt
    sim.setup(timestep=0.025, min_delay=0.1, native_rng_baseseed=SEED)
    sources = sim.Population(10, sim.SpikeSourcePoisson(rate=10.0), label="input")
    cells = sim.Population(10, sim.EIF_cond_exp_isfa_ista(), label="AdExp")
    sim.Projection(
        sources,
        cells,
        sim.FixedProbabilityConnector(p_connect=0.5, rng=NumpyRNG(seed=SEED)),
        sim.StaticSynapse(weight=0.05),
        receptor_type="excitatory",
    )
    sources.record("spikes")
    cells.record("spikes")
    cells[0:2].record(list(SIGNALS))
    parameters = {"input": {"rate": 10 * pq.Hz}, "weight": 0.05 * pq.uS, "p_connect": 0.5}
    with experiment.run(NETWORK, parameters=parameters, annotations={"seed": SEED}) as run:
        sim.run(1000.0)
        run.append(sources, cells, name="one second")
    sim.end()
    say(f"{NETWORK}: ten Poisson sources and ten adaptive cells")


def learn(path: Path) -> None:
    """A network learns by STDP and its process is killed; another restores the snapshot that it
    left and goes on, exactly as a third that nobody stopped."""
    with _learner(path, "stopped") as process:
        assert process.stdout is not None
        stored = any(line.strip() == learning.READY for line in process.stdout)
        process.kill()
    if not stored:
        raise ArchiveError("the run 'stopped' has stored nothing", path=path, hint="see above")
    say(f"the process of the run 'stopped' was killed after its snapshot {learning.SNAPSHOT!r}")
    for name in ("continued", "whole"):
        with _learner(path, name) as process:
            process.communicate()
        if process.returncode:
            raise ArchiveError(f"the run {name!r} failed", path=path, hint="see above")
    with archive.open(path) as experiment:
        ends = {name: experiment.runs[name].segments[-1] for name in ("continued", "whole")}
        weights = [end.signals["synapses/w"].magnitude[-1] for end in ends.values()]
        late = [end.spikes["cell"].times.magnitude for end in ends.values()]
        late[1] = late[1][late[1] >= learning.SECONDS]
        same = np.array_equal(*late) and np.array_equal(*weights)
        say(
            f"{counted(len(late[0]), 'spike')} and all weights of the run that was continued are "
            f"{'' if same else 'NOT '}those of one that was never stopped, to the last bit"
        )
        _draw_learning(experiment)


def _learner(path: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", __name__, str(path), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _draw_learning(experiment: archive.Experiment) -> None:
    panels = []
    for name in ("stopped", "continued", "whole"):
        end = experiment.runs[name].segments[-1]
        panels += [
            Panel(end.spikes["cell"], title=f"{name}: spikes", xticks=False),
            Panel(end.signals["synapses/w"], title=f"{name}: weights", ylabel="w", legend=False),
        ]
    figure = Figure(*panels, title="A cell learns", size=(7, 9))
    figure.save(FOLDER / "learning.png")
    say(f"{FOLDER / 'learning.png'}: a figure of {len(figure.panels)} panels")


def _draw(experiment: archive.Experiment) -> None:
    steps = experiment.segments.where(f"run == '{F_I}'")
    panels = [
        Panel(
            segment.signals["cell/v"],
            title=f"{segment.name}: {counted(len(segment.spikes['cell']), 'spike')}",
            ylabel="v (mV)",
            ylim=(-95, 60),
            legend=False,
            xticks=segment == steps[-1],
        )
        for segment in steps
    ]
    f_i = Figure(*panels, title="A Hodgkin-Huxley cell under steps of current", size=(7, 8))
    second = experiment.runs[NETWORK].segments[0]
    cells = second.signals
    panels = [
        Panel(second.spikes["input"], title="Poisson sources", xticks=False),
        Panel(second.spikes["AdExp"], title="Adaptive cells", xticks=False),
        *(
            Panel(
                cells[name],
                title=title,
                ylabel=f"{name} ({cells[name].unit})",
                labels=["neuron"],
                xticks=name == "gsyn_exc",
            )
            for name, title in SIGNALS.items()
        ),
    ]
    net = Figure(*panels, title="Ten Poisson sources excite ten adaptive cells", size=(7, 9))
    for name, figure in (("f-i-curve.png", f_i), ("network.png", net)):
        figure.save(FOLDER / name)
        say(f"{FOLDER / name}: a figure of {len(figure.panels)} panels")


def _heading(text: str) -> None:
    say(f"\n{text}", style="bold green")


def _neuroarchive(*arguments: str) -> None:
    _show_command(" ".join(["$ neuroarchive", *map(_quoted, arguments)]))
    app(arguments, standalone_mode=False)


def _show_command(line: str) -> None:
    stdout().print(line, style="cyan", markup=False, soft_wrap=True)


def _quoted(argument: str) -> str:
    return f'"{argument}"' if " " in argument else argument
