"""Methods text: what is said of a run, of none, one and many things of a kind."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import schemas
from archive.adapters.methods import _FORMS, Methods, listed
from archive.entry import Entry
from archive.errors import FormatError
from archive.testing import WriterSuite
from archive.testing.sources import Given


class TestMethods(WriterSuite):
    adapter = Methods()
    examples = 8


def signal(population: str | None, variable: str, channels: int, samples: int = 1000) -> Entry:
    model = schemas.Signal(population=population, variable=variable, unit="mV", sampling_period=0.1)
    return Entry(model, {"values": np.zeros((samples, channels))})


def spikes(population: str, size: int, t_stop: float = 100.0) -> Entry:
    model = schemas.SpikeTrains(population=population, variable="spikes", size=size, t_stop=t_stop)
    arrays = {"times": np.zeros(0), "neuron": np.zeros(0, int)}
    return Entry(model, arrays)


def segment(*parts: Entry) -> Entry:
    return Entry(schemas.Segment(), parts=parts)


def told(*parts: Entry, path: Path, run: Any = None, **options: Any) -> str:
    model = run or schemas.Run(name="r")
    experiment = schemas.Experiment(id="1", name="x")
    source = Given(Entry(experiment, parts=[Entry(model, parts=parts)]))
    Methods().write(source, path, overwrite=True, **options)
    return path.read_text("utf-8").strip()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "methods.txt"


def test_of_nothing(path: Path) -> None:
    assert told(path=path) == "Run “r” was computed. No segments were recorded."


def test_of_one_thing_each(path: Path) -> None:
    values: Any = {"tau": schemas.Quantity(10.0, "ms")}
    one = told(
        Entry(schemas.ParameterSet(name="base", values=values)),
        Entry(schemas.Provenance(seeds={"numpy": 1})),
        segment(signal("cell", "v", 1)),
        path=path,
        run=schemas.Run(name="r", simulator="nest"),
    )
    assert one == (
        "Run “r” was simulated with NEST. 1 segment was recorded over 100 ms. "
        "Recorded from cell: v of 1 neuron every 0.1 ms. "
        "The seed of random numbers was 1 (numpy). The parameter (set “base”) was tau = 10 ms."
    )


def test_of_many_things(path: Path) -> None:
    environment = schemas.Environment(
        python="CPython 3.12.3",
        platform="Linux",
        simulators={
            "pynn": schemas.Simulator(version="0.13", backend="neuron"),
            "neuron": schemas.Simulator(version="9.0.1"),
        },
    )
    script = schemas.Source(path="run.py", digest="0f" * 32, size=3)
    state = schemas.Repository(commit="abc", remote="https://x.org/y", dirty=True)
    code = schemas.Code(script=script, repository=state)
    process = schemas.Provenance(
        seeds={"pynn": {"a": 1, "b": 2}},
        environment=schemas.digest(environment),
        code=schemas.digest(code),
    )
    populations = [
        Entry(schemas.Population(name="exc", size=80, model="IF_cond_exp")),
        Entry(schemas.Population(name="inh", size=1)),
        Entry(schemas.Projection(
            name="e→i", pre="exc", post="inh", pre_size=80, post_size=1, size=0
        )),
    ]  # fmt: skip
    numbers = schemas.Array("<f8", (3,), bytes(24))
    many = told(
        *map(Entry, (process, environment, code)),
        Entry(schemas.ParameterSet(values={"w": numbers, "n": [1, 2], "exc": {"g": 2.5}})),
        segment(signal("exc", "v", 3), spikes("exc", 80), spikes("inh", 1)),
        segment(signal("exc", "v", 3, 500), signal(None, "lfp", 2)),
        Entry(schemas.Snapshot(time=0.0, time_step=0.1), parts=populations),
        Entry(schemas.RunEnd(outcome="failed")),
        path=path,
        run=schemas.Run(
            name="r", started=datetime(2025, 1, 2, tzinfo=UTC), description="Two rates."
        ),
    )
    assert many == (
        "Run “r” was simulated with PyNN 0.13 (computing with NEURON) and NEURON 9.0.1 on "
        "2025-01-02. Two rates. It ran under CPython 3.12.3 on Linux. The program run.py was that "
        "of commit abc of https://x.org/y, with changes that are in no commit. The network had the "
        "populations exc (80 neurons, IF_cond_exp) and inh (1 neuron), and 1 projection. "
        "2 segments were recorded over 100 ms each. The time step was 0.1 ms. "
        "Recorded from exc: v of 3 neurons every 0.1 ms and spikes of 80 neurons. "
        "Recorded from inh: spikes of 1 neuron. "
        "Recorded: lfp of 2 channels every 0.1 ms. "
        "The seeds of random numbers were 1 (pynn.a) and 2 (pynn.b). "
        "The parameters were w = 3 numbers, n = [1, 2] and exc.g = 2.5. "
        "The run failed with an error."
    )
    lengths = told(segment(spikes("p", 1)), segment(spikes("p", 1, 50.0)), path=path)
    assert "recorded over 50 to 100 ms each." in lengths
    ends = told(segment(signal("p", "v", 1, 1001), spikes("p", 1)), path=path)
    assert "recorded over 100 ms." in ends  # with a sample at either end


def test_latex_and_markdown_are_escaped(tmp_path: Path) -> None:
    odd = schemas.Run(name=r"50%_$x$ \input{a}~#&^<b>")
    assert (
        r"50\%\_\$x\$ \textbackslash{}input\{a\}\textasciitilde{}\#\&\textasciicircum{}"
        r"\textless{}b\textgreater{}"
    ) in told(run=odd, path=tmp_path / "methods.tex")
    assert r"50%\_\$x\$ \\input\{a\}\~\#\&\^\<b\>" in told(run=odd, path=tmp_path / "methods.md")
    assert odd.name in told(run=odd, path=tmp_path / "methods.txt")
    assert odd.name in told(run=odd, path=tmp_path / "methods.md", form="plain")


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_no_text_leaves_its_form(text: str) -> None:
    latex = _FORMS["latex"](text)
    commands = (
        r"\\(?:text(?:backslash|ascii(?:tilde|circum)|less|greater|bar|quotedbl)\{\}|[&%$#_{}])"
    )
    assert not re.search(r"[\\~^<>|&%$#_{}\n]", re.sub(commands, "", latex))
    assert not re.search(r"(?<!\\)[`*_\[<]|\n", re.sub(r"\\\\", "", _FORMS["markdown"](text)))


def test_a_run_is_chosen_and_a_form_refused(path: Path) -> None:
    assert "“r”" in told(path=path, run=schemas.Run(name="r"))
    experiment = schemas.Experiment(id="1", name="x")
    runs = [Entry(schemas.Run(name=name)) for name in "ab"]
    losses = Methods().write(Given(Entry(experiment, parts=runs)), path, overwrite=True, run="b")
    assert "“a”" not in path.read_text()
    assert ("a", "run") in [(loss.entry, loss.field) for loss in losses]
    refused: list[dict[str, Any]] = [{"form": "word"}, {"run": "c"}]
    for wrong in refused:
        with pytest.raises(FormatError):
            Methods().write(Given(Entry(experiment)), path, overwrite=True, **wrong)
    Methods().write(Given(Entry(experiment)), path, overwrite=True)
    assert path.read_text() == "No run was made.\n"


@pytest.mark.parametrize(
    ("texts", "said"),
    [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (tuple("abc"), "a, b and c")],
)
def test_lists(texts: tuple[str, ...], said: str) -> None:
    assert listed(texts) == said
