"""Archives whose reports are looked at in the browser."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import quantities as pq

import archive
import schemas
from archive.entry import Entry

RUNS = 60
MARKUP = (
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1>",
    "javascript:window.hacked=1",
    "\"><a href='javascript:window.hacked=1'>x</a>",
    "<style>*{background:url(javascript:window.hacked=1)}</style>",
    "{{script}}{{style}}{{lineage}}{{title}}<!--",
    "a\u2028b\u2029c",
    "<link rel=stylesheet href=http://example.invalid/x.css>",
)


def sweep(path: Path) -> None:
    """A sweep of 60 runs with traces and spikes; the run 30 has failed."""
    random = np.random.default_rng(1)
    time = np.arange(1000) * 0.1
    with archive.open(path, "x") as exp, exp.transaction():
        exp.annotate({"project": "f-I curve"})
        for number in range(RUNS):
            parameters: dict[str, Any] = {
                "exc": {"tau_m": (10 + number % 3) * pq.ms, "n": 80}, "seed": number,
                "weights": random.random(4),
            }  # fmt: skip
            if number == 1:
                parameters["exc"]["tau_m"] = 0.01 * pq.s  # what the first has, in another unit
                parameters["only_here"] = True
            run = exp.run(
                parameters=parameters,
                annotations={"amplitude": 0.01 * number * pq.nA, "cell": f"cell {number % 7}"},
                simulator="neuron",
            )
            wave = np.sin(time / 5)[:, None] * [1.0, 2.0]
            count = 20 * (number + 1)
            spikes = np.sort(random.uniform(0, 100, count)), random.integers(0, 50, count)
            run.append(
                {"exc/v": (-65 + 5 * wave) * pq.mV, "exc/spikes": (spikes[0] * pq.ms, spikes[1])},
                sampling_period=0.1 * pq.ms,
            )
            if number == 30:
                run.finish("failed", "Traceback …\nValueError: the network exploded")
            else:
                run.finish()


def empty(path: Path) -> None:
    """An archive without runs."""
    with archive.open(path, "x"):
        pass


class Stranger:
    """An experiment all of whose texts are meant to harm."""

    def entry(self) -> Entry:
        facts: dict[str, Any] = {_name(text): [text, {_name(text): text}] for text in MARKUP} | {
            "long": "x" * 100_000,
            "hidden": "\x1b[2Jabc\u202edcb\x00",
        }
        runs = [self._run(number, text, facts) for number, text in enumerate(MARKUP)]
        model = schemas.Experiment(
            id="0" * 32, name=_name(MARKUP[1]), description="".join(MARKUP), people=MARKUP,
            annotations=facts,
        )  # fmt: skip
        return Entry(model, parts=runs)

    def _run(self, number: int, text: str, facts: dict[str, Any]) -> Entry:
        now = datetime(2024, 5, 1, tzinfo=UTC)
        digest = f"{number:064x}"
        environment = schemas.Environment(
            python=text, platform=text, packages=dict.fromkeys(MARKUP, text),
            simulators={text: schemas.Simulator(version=text, build={_name(text): text})},
            variables={text: text},
        )  # fmt: skip
        code = schemas.Code(
            program="script",
            script=schemas.Source(
                path=text, digest=digest, size=1, content=zlib.compress(text.encode())
            ),
            modules={text: schemas.Source(path=text, digest=digest, size=1)},
            repository=schemas.Repository(
                root=text, commit=text, branch=text, remote=text, dirty=True, untracked=MARKUP,
                diff=zlib.compress((text * 1000 + "\0" * 5_000_000).encode(), 9),
            ),
            missing={text: text},
        )  # fmt: skip
        process = schemas.Provenance(
            argv=MARKUP, working_directory=text, host=text, user=text, job={text: text},
            environment=schemas.digest(environment), code=schemas.digest(code),
            generators={text: digest}, seeds={_name(text): text}, missing={text: text},
            extra={_name(text): text},
        )  # fmt: skip
        name = _name(text)
        parts: list[Entry] = [
            *map(Entry, (process, environment, code)),
            Entry(schemas.ParameterSet(values={_name(text): number, "nested": facts})),
            Entry(schemas.RunEnd(ended=now, outcome="failed", reason=text * 10_000)),
            Entry(
                schemas.Parent(
                    how="named", experiment=text, path=text, run=name, digest=digest, at=now
                )
            ),
            Entry(schemas.Input(role="used", path=text, size=1, digest=digest, at=now)),
            Entry(schemas.Exported(path=text, format=text, author=text, at=now)),
            Entry(
                schemas.Segment(name=name, description=text, annotations=facts),
                parts=[_signal(name)],
            ),
        ]
        model = schemas.Run(
            name=name, description=text, simulator=text, started=now, annotations=facts
        )
        return Entry(model, parts=parts)


def _name(text: str) -> str:
    return text.replace("/", "|")


def _signal(name: str) -> Entry:
    model = schemas.Signal(population=name, variable=name, unit="mV", sampling_period=0.1)
    return Entry(model, {"values": np.arange(20.0)[:, None], "channels": np.array([3])})
