"""In what two runs differ: what went in, on what it ran, and what came out, across files too."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import schemas
from archive.errors import ContractError, NotFound
from archive.experiment.data_diff import DataDiff, compare_data, paired
from archive.experiment.display import counted, html_table
from archive.experiment.document_diff import fact_text, facts, one_line, plain_fact, verdict_of
from archive.experiment.naming import not_found
from archive.experiment.parameter_diff import ParameterDiff, difference as parameter_difference
from archive.experiment.runs import Run
from archive.experiment.snapshot_diff import FactDiff
from archive.experiment.state_diff import StateDiff, compare_states
from archive.experiment.verdict import DIFFERENT, EQUAL, IDENTICAL, Verdict, worst

PROVENANCE: Final = ("process", "environment", "code", "generators", "inputs")
SECTIONS: Final = ("parameters", "run", *PROVENANCE, "data", "snapshots")
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "provenance": PROVENANCE,
    **{name: (name,) for name in SECTIONS},
}

# What is never the same of two runs, or is told by another section.
IGNORED: Final[Mapping[str, tuple[str, ...]]] = {
    "run": ("name", "started", "parameters", "provenance"),
    "process": ("captured", "process", "job", "environment", "code", "generators"),
    "inputs": ("at", "author", "modified"),
}


@dataclass(frozen=True, repr=False, slots=True)
class RunDiff:
    """In what a second run differs from a first one. Its text is a report.

    `documents` are the differences of the run itself (its annotations, how it ended) and of
    its provenance: the ``process``, ``environment``, ``code``, ``generators`` and ``inputs``. What
    was not asked for is None, or not there. Names of runs and moments are no differences. `missing`
    are sections of which neither run has anything: nothing is said of these.
    """

    first: str
    second: str
    tolerance: float | None = None
    parameters: ParameterDiff | None = None
    documents: Mapping[str, tuple[FactDiff, ...]] = field(default_factory=dict)
    data: DataDiff | None = None
    snapshots: tuple[StateDiff, ...] | None = None
    compared_snapshots: int = 0
    missing: tuple[str, ...] = ()

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """The verdict on each section that was compared."""
        found: dict[str, Verdict] = {}
        if self.parameters is not None:
            found["parameters"] = _of_parameters(self.parameters)
        found |= {name: worst(map(verdict_of, own)) for name, own in self.documents.items()}
        if self.data is not None:
            found["data"] = self.data.verdict
        if self.snapshots is not None:
            found["snapshots"] = worst(one.verdict for one in self.snapshots)
        return {name: found[name] for name in SECTIONS if name in found.keys() - self.missing}

    @property
    def verdict(self) -> Verdict:
        """The worst of these."""
        return worst(self.verdicts.values())

    @property
    def identical(self) -> bool:
        """Whether all documents and all digests of arrays agree, bit by bit."""
        return self.verdict == IDENTICAL

    @property
    def same(self) -> bool:
        """Whether they are identical, or, where a tolerance was given, equal within it."""
        return self.identical or (self.tolerance is not None and self.verdict != DIFFERENT)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Section, verdict or place, and what differs there, in text without line ends."""
        verdicts = self.verdicts
        for name in SECTIONS:
            if name in self.missing:
                yield name, "neither has any", ""
            if name not in verdicts:
                continue
            yield name, verdicts[name], self._counts(name)
            for place, what in self._within(name):
                yield "", one_line(place), one_line(what)

    def _counts(self, name: str) -> str:
        if name == "data" and self.data is not None:
            return f"{counted(self.data.compared, 'recording')} compared"
        if name == "snapshots":
            return f"{counted(self.compared_snapshots, 'snapshot')} compared"
        return ""

    def _within(self, name: str) -> Iterator[tuple[str, str]]:
        if name == "parameters" and self.parameters is not None:
            yield from ((f"{what} {path}", how) for what, path, how in self.parameters.rows())
        for fact in self.documents.get(name, ()):
            yield "", fact_text(fact)
        if name == "data" and self.data is not None:
            yield from (("", note) for note in self.data.notes)
            yield from (("", fact_text(fact)) for fact in self.data.segments)
            for part in self.data.parts:
                yield part.name, part.verdict
                yield from (("", line) for line in part.lines())
        if name == "snapshots" and self.snapshots is not None:
            for state in self.snapshots:
                yield state.name, state.verdict
                yield from (("", line) for line in state.lines())

    def __str__(self) -> str:
        lines = [one_line(f"{self.first} -> {self.second}: {self.verdict}")]
        for section, place, what in self.rows():
            if section:
                lines.append(f"{section}: {place}" + (f" ({what})" if what else ""))
            elif place:
                lines.append(f"  {place}: {what}")
            else:
                lines.append(f"    {what}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<RunDiff {self}>"

    def _repr_html_(self) -> str:
        title = f"{self.first} -> {self.second}: {self.verdict}"
        return html_table(one_line(title), ["", "", ""], self.rows())

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain dicts and lists, with quantities."""
        said: dict[str, Any] = {
            "first": self.first,
            "second": self.second,
            "tolerance": self.tolerance,
            "verdict": self.verdict,
            "identical": self.identical,
            "same": self.same,
            "verdicts": self.verdicts,
            "missing": list(self.missing),
        }
        if self.parameters is not None:
            names = ("added", "removed", "changed", "rewritten")
            said["parameters"] = {name: getattr(self.parameters, name) for name in names}
        for name, own in self.documents.items():
            said[name] = [plain_fact(fact) for fact in own]
        if self.data is not None:
            said["data"] = {
                "compared": self.data.compared,
                "notes": list(self.data.notes),
                "segments": [plain_fact(fact) for fact in self.data.segments],
                "parts": [part.to_dict() for part in self.data.parts],
            }
        if self.snapshots is not None:
            said["snapshots"] = [state.to_dict() for state in self.snapshots]
        return said


def diff(
    a: Run,
    b: Run,
    *,
    tolerance: float | None = None,
    only: str | Collection[str] = (),
    deep: bool = False,
) -> RunDiff:
    """In what run `b` differs from run `a`, of the same archive or of another.

    Of each recording: the first spike or sample that differs, with time, neuron and values, how
    many and how much, and how far apart spike trains are. Recordings are matched by the name of
    their segment and their own, and read only if their digests differ, a block at a time. Only
    what is so bit by bit is called identical; a `tolerance`, as a share of the largest value of
    a recording, says what shall be the same nonetheless, and 0 that bits do not count.
    `only` names what to compare: parameters, run, process, environment, code, generators, inputs,
    data, snapshots (connectivity among it), or provenance for the five of these.
    Digests are those taken when the data were written; with `deep` all is read and compared with
    them first. Raises NotFound if neither run has anything of what is to be compared, or there is
    no such section, ContractError for a tolerance below 0, and CorruptArchive.
    """
    if tolerance is not None and not 0 <= tolerance < float("inf"):
        raise ContractError(f"a tolerance of {tolerance} is none", hint="give 0 or more")
    chosen = _sections([only] if isinstance(only, str) else only)
    missing = tuple(name for name in chosen if not (_has(name, a) or _has(name, b)))
    if len(missing) == len(chosen):
        raise NotFound(f"neither run has any {' or '.join(missing)}", entry=f"{a.name}, {b.name}")
    documents = {name: tuple(_documents(name, a, b)) for name in chosen if name in _DOCUMENTS}
    snapshots: list[StateDiff] | None = None
    compared = 0
    if "snapshots" in chosen:
        compared, snapshots = compare_states(a, b, tolerance=tolerance, deep=deep)
    return RunDiff(
        *_labels(a, b),
        tolerance,
        _parameters(a, b) if "parameters" in chosen else None,
        documents,
        compare_data(a, b, tolerance=tolerance, deep=deep) if "data" in chosen else None,
        None if snapshots is None else tuple(snapshots),
        compared,
        missing,
    )


_DOCUMENTS: Final = ("run", *PROVENANCE)


def _sections(only: Collection[str]) -> list[str]:
    if not only:
        return list(SECTIONS)
    for name in only:
        if name not in GROUPS:
            raise not_found("section", name, GROUPS)
    wanted = {section for name in only for section in GROUPS[name]}
    return [name for name in SECTIONS if name in wanted]


def _has(section: str, run: Run) -> bool:
    """Whether a run has anything in a section."""
    if section == "parameters":
        return run._container.run_parameters(run._row) is not None
    if section in ("inputs", "snapshots"):
        return len(getattr(run, section)) > 0
    if section == "data":
        return len(run.segments) > 0
    return section == "run" or _record(section, run) is not None


def _labels(a: Run, b: Run) -> tuple[str, str]:
    paths = [run._container.path for run in (a, b)]
    if paths[0] == paths[1]:
        return a.name, b.name
    files = [path.name if paths[0].name != paths[1].name else str(path) for path in paths]
    return f"{files[0]}:{a.name}", f"{files[1]}:{b.name}"


def _parameters(a: Run, b: Run) -> ParameterDiff:
    sets = [run._container.run_parameters(run._row) for run in (a, b)]
    found = [{} if one is None else one.values for one in sets]
    return parameter_difference(*found)


def _of_parameters(found: ParameterDiff) -> Verdict:
    if found.added or found.removed or found.changed:
        return DIFFERENT
    return EQUAL if found.rewritten else IDENTICAL


def _documents(section: str, a: Run, b: Run) -> Iterator[FactDiff]:
    ignored = IGNORED.get(section, ())
    if section == "run":
        yield from facts(_said(a), _said(b), ignored)
    elif section == "inputs":
        yield from _inputs(a, b, ignored)
    else:
        yield from facts(_record(section, a), _record(section, b), ignored)


def _said(run: Run) -> dict[str, Any]:
    """The document of the run, with how it ended."""
    model = run._container.model("run", run._row)
    names = [name for name in type(model).model_fields if name != "kind"]
    said = {name: getattr(model, name) for name in names} | (model.model_extra or {})
    return said | {"outcome": run.outcome, "reason": run.reason}


def _record(section: str, run: Run) -> schemas.Model | Mapping[str, Any] | None:
    """A record of the provenance of a run."""
    record: schemas.Model | Mapping[str, Any] | None = getattr(run.provenance, section)
    return record or None  # no generators are no record of them


def _inputs(a: Run, b: Run, ignored: Collection[str]) -> Iterator[FactDiff]:
    mine, theirs = a.inputs, b.inputs
    for left, right in paired([i.path for i in mine], [i.path for i in theirs], rest=True):
        one = None if left is None else mine[left]
        other = None if right is None else theirs[right]
        path = (one or other or mine[0]).path
        for fact in facts(one, other, ignored):
            yield FactDiff(f"{path}: {fact.name}", fact.first, fact.second)
