"""Methods text: a paragraph that says how each run was made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import schemas
from archive.adapters.csv_cells import cell, flat
from archive.adapters.described_runs import DescribedRun, described, title
from archive.adapters.left_out import left_out
from archive.adapters.replacing import replacing
from archive.adapters.requirements_lines import one_line
from archive.entry import Entry, Loss, Source, parts_of
from archive.errors import FormatError

_REASON: Final = "the text does not tell of it"
_TOLD: Final = ("name", "simulator", "description", "started", "parameters", "provenance")
_STEPS: Final = ("dt", "time_step", "timestep")  # as programs call it
_LONG: Final = 60  # characters of a value that is written out
_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{one: f"\\{one}" for one in "&%$#_{}"},
}
_MARKDOWN: Final = {one: f"\\{one}" for one in r"\`*_{}[]()<>#+!|~$&^"}


def _latex(text: str) -> str:
    return "".join(_LATEX.get(one, one) for one in one_line(text))


def _markdown(text: str) -> str:
    return "".join(_MARKDOWN.get(one, one) for one in one_line(text))


_FORMS: Final[dict[str, Callable[[str], str]]] = {
    "markdown": _markdown,
    "plain": one_line,
    "latex": _latex,
}
_BY_SUFFIX: Final = {".tex": "latex", ".txt": "plain"}


class Methods:
    """Writes a paragraph per run, for the methods of a paper: simulator, duration, network,
    recorded variables, seeds and parameters."""

    name: ClassVar[str] = "methods"
    suffixes: ClassVar[tuple[str, ...]] = ()
    file_names: ClassVar[tuple[str, ...]] = ("methods.md", "methods.tex", "methods.txt")
    extra: ClassVar[str | None] = None

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        form: str | None = None,
        run: str | None = None,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write the text on all runs, or on that called `run`.

        `form` is "markdown", "plain" or "latex"; without one the suffix says it. Raises
        FormatError for another form, and a run that there is not, and AlreadyExists.
        """
        path = Path(path)
        chosen = form or _BY_SUFFIX.get(path.suffix.lower(), "markdown")
        if chosen not in _FORMS:
            raise FormatError(
                f"form cannot be {chosen!r}", path=path, hint=f"known are {', '.join(_FORMS)}"
            )
        losses: list[Loss] = []
        paragraphs: list[str] = []
        with replacing(path, overwrite=overwrite) as staged:
            model = source.entry().model
            losses += left_out("experiment", Entry(model), (), _REASON)
            for one in described(source):
                if run is not None and one.model.name != run:
                    losses.append(Loss(one.way, "run", _REASON))
                    continue
                paragraphs.append(_Telling(one, _FORMS[chosen]).paragraph())
                losses += left_out(one.way, Entry(one.model), _TOLD, _REASON) + one.losses
            if run is not None and not paragraphs:
                raise FormatError(
                    f"there is no run {run!r}", path=path, hint="'neuroarchive ls' lists the runs"
                )
            losses += [
                Loss(way, other.model.kind, _REASON)
                for way, other in parts_of(source.entry())
                if not isinstance(other.model, schemas.Run)
            ]
            staged.write_text("\n\n".join(paragraphs or ["No run was made."]) + "\n", "utf-8")
        return losses


class _Telling:
    """The sentences on one run; `safe` makes text of the archive harmless in the form."""

    def __init__(self, run: DescribedRun, safe: Callable[[str], str]) -> None:
        self._run = run
        self._safe = safe

    def paragraph(self) -> str:
        sentences = (
            self._program,
            self._surroundings,
            self._code,
            self._network,
            self._duration,
            self._recorded,
            self._seeds,
            self._parameters,
            self._ending,
        )
        return " ".join(said for sentence in sentences for said in sentence())

    def _program(self) -> Iterator[str]:
        run = self._run
        simulators = dict(run.environment.simulators) if run.environment else {}
        if run.model.simulator:
            simulators.setdefault(run.model.simulator, schemas.Simulator())
        names = [
            self._safe(" ".join(filter(None, (title(name), one.version))))
            + (f" (computing with {self._safe(title(one.backend))})" if one.backend else "")
            for name, one in simulators.items()
        ]
        with_ = f"simulated with {listed(names)}" if names else "computed"
        when = f" on {run.model.started.date().isoformat()}" if run.model.started else ""
        yield f"Run “{self._safe(run.model.name)}” was {with_}{when}."
        if run.model.description:
            text = self._safe(run.model.description.strip())
            yield text if text.endswith((".", "!", "?")) else f"{text}."

    def _surroundings(self) -> Iterator[str]:
        known = self._run.environment
        if known and (known.python or known.platform):
            on = [
                known.python and f"under {known.python}",
                known.platform and f"on {known.platform}",
            ]
            yield f"It ran {self._safe(' '.join(filter(None, on)))}."

    def _code(self) -> Iterator[str]:
        code = self._run.code
        state = code.repository if code else None
        script = f" {self._safe(code.script.path)}" if code and code.script else ""
        if state and state.commit:
            where = f" of {self._safe(state.remote)}" if state.remote else ""
            changed = ", with changes that are in no commit" if state.dirty else ""
            commit = f"commit {self._safe(state.commit)}{where}{changed}"
            yield f"The program{script} was that of {commit}."
        elif script:
            yield f"The program was{script}."

    def _network(self) -> Iterator[str]:
        populations: dict[str, schemas.Population] = {}
        projections: set[str] = set()
        for one in self._run.networks:
            if isinstance(one, schemas.Population):
                populations[one.name] = one
            elif isinstance(one, schemas.Projection):
                projections.add(one.name)
        if populations:
            each = [
                f"{self._safe(one.name)} ({counted(one.size, 'neuron')}"
                + (f", {self._safe(one.model)})" if one.model else ")")
                for one in populations.values()
            ]
            kinds = f"the {_plural(len(each), 'population')} {listed(each)}"
            wired = f", and {counted(len(projections), 'projection')}" if projections else ""
            yield f"The network had {kinds}{wired}."

    def _duration(self) -> Iterator[str]:
        run = self._run
        segments = _begun(counted(run.segments, "segment"))
        yield f"{segments} {_was(run.segments)} recorded{self._over()}."
        if (step := self._time_step()) is not None:
            yield f"The time step was {step}."

    def _over(self) -> str:
        spans = self._run.spans
        if not spans:
            return ""
        lengths = {(float(f"{stop - start:.9g}"), unit) for start, stop, unit in spans}
        units = {unit for _, unit in lengths}
        if len(lengths) == 1:
            ((length, unit),) = lengths
            each = " each" if self._run.segments > 1 else ""
            return f" over {self._measured(length, unit)}{each}"
        if len(units) > 1:
            return ""
        (unit,) = units
        least, most = min(lengths)[0], max(lengths)[0]
        return f" over {_number(least)} to {self._measured(most, unit)} each"

    def _time_step(self) -> str | None:
        run = self._run
        for one in run.networks:
            if isinstance(one, schemas.Snapshot) and one.time_step is not None:
                return self._measured(one.time_step, one.time_unit)
        simulators = run.environment.simulators.values() if run.environment else ()
        for facts in (run.model.annotations, *(one.build for one in simulators)):
            for name in _STEPS:
                if isinstance(facts.get(name), schemas.Quantity):
                    return self._value(facts[name])
        return None

    def _recorded(self) -> Iterator[str]:
        found: dict[str, list[str]] = {}
        for part, count in self._run.recorded:
            channels = ""
            if count is not None:
                noun = "neuron" if part.population else "channel"
                channels = f" of {counted(count, noun)}"
            every = ""
            if isinstance(part, schemas.Signal):
                every = f" every {self._measured(part.sampling_period, part.time_unit)}"
            said = f"{self._safe(part.variable)}{channels}{every}"
            where = self._safe(part.population) if part.population else ""
            kept = found.setdefault(where, [])
            if said not in kept:
                kept.append(said)
        for where, variables in found.items():
            yield f"Recorded{f' from {where}' if where else ''}: {listed(variables)}."

    def _seeds(self) -> Iterator[str]:
        process = self._run.process
        seeds = list(flat(process.seeds, "")) if process else []
        if seeds:
            each = [f"{self._value(value)} ({self._safe(name[1:])})" for name, value in seeds]
            noun = "seed" if len(each) == 1 else "seeds"
            yield f"The {noun} of random numbers {_was(len(each))} {listed(each)}."

    def _parameters(self) -> Iterator[str]:
        parameters = self._run.parameters
        if parameters is None or not parameters.values:
            return
        each = [
            f"{self._safe(name[1:])} = {self._value(value)}"
            for name, value in flat(parameters.values, "")
        ]
        named = f" (set “{self._safe(parameters.name)}”)" if parameters.name else ""
        yield f"The {_plural(len(each), 'parameter')}{named} {_was(len(each))} {listed(each)}."

    def _ending(self) -> Iterator[str]:
        end = self._run.end
        if end is not None and end.outcome != "finished":
            said = {"failed": "failed with an error", "interrupted": "was interrupted"}
            yield f"The run {said.get(end.outcome, 'was abandoned before its end')}."

    def _value(self, value: Any) -> str:
        unit = ""
        if isinstance(value, schemas.Quantity):
            value, unit = value.value, value.unit
        if isinstance(value, schemas.Array):
            shape = " × ".join(map(str, value.shape)) or "1"
            text = f"{shape} numbers" if len(value.shape) < 2 else f"an array of {shape}"
        elif isinstance(value, float):
            text = _number(value)
        else:
            text = str(cell(value))
            if isinstance(value, (list, dict)) and len(text) > _LONG:
                text = f"{counted(len(value), 'value')}"
        return self._safe(f"{text} {unit}".strip() if unit != "dimensionless" else text)

    def _measured(self, number: float, unit: str) -> str:
        return self._safe(f"{_number(number)} {unit}")


def _number(number: float) -> str:
    return f"{number:.12g}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


def counted(count: int, noun: str) -> str:
    """``no neurons``, ``1 neuron``, ``2 neurons``."""
    return f"{count or 'no'} {_plural(count, noun)}"


def listed(texts: Sequence[str]) -> str:
    """One and two; or: one, two and three."""
    return " and ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
