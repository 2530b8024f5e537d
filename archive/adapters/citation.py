"""CITATION.cff: how to cite an experiment.

Citation File Format 1.2.0, after its schema (https://doi.org/10.5281/zenodo.5171937).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Final

import schemas
from archive.adapters.described_runs import DescribedRun, described, title
from archive.adapters.left_out import left_out
from archive.adapters.replacing import replacing
from archive.entry import Entry, Loss, Source, parts_of
from archive.errors import FormatError

_REASON: Final = "the file says how to cite the experiment, and holds nothing of it"
_MESSAGE: Final = "If you use these data, please cite them as below, and the software as well."
_EMAIL: Final = re.compile(r"<\s*(\S+@\S+\.\S{2,})\s*>")
_ORCID: Final = re.compile(
    r"(?:https?://orcid\.org/)?\b([0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X])\b"
)
_PARTICLES: Final = ("af", "da", "de", "del", "della", "der", "di", "du", "la", "ten", "van", "von")
_URL: Final = re.compile(r"(?:https?|s?ftp)://[^\s<>\"\\^`{|}]+")
# What JSON leaves as it is, and YAML has not, or takes for the end of a line.
_NO_YAML: Final = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


class Citation:
    """Writes CITATION.cff 1.2.0: title, people, date and version of an experiment, and the
    simulators and programs that its runs were made with."""

    name: ClassVar[str] = "citation"
    suffixes: ClassVar[tuple[str, ...]] = (".cff",)
    file_names: ClassVar[tuple[str, ...]] = ("citation.cff",)
    extra: ClassVar[str | None] = None

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        authors: str | None = None,
        version: str | None = None,
        date: str | None = None,
        license: str | None = None,
        doi: str | None = None,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write how to cite an experiment.

        `authors` are names with semicolons between them, instead of the experiment's people;
        `date` is YYYY-MM-DD, else the day on which the last run ended; `license` is one of SPDX's
        identifiers. Raises FormatError where there are no authors, as the format asks for them.
        """
        path = Path(path)
        with replacing(path, overwrite=overwrite) as staged:
            model = source.entry().model
            assert isinstance(model, schemas.Experiment)
            runs = list(described(source))
            named = authors.split(";") if authors is not None else model.people
            people = [person(one) for one in named if one.strip()]
            if not people:
                raise FormatError(
                    "nobody is named as an author of the experiment, and the format asks for one",
                    path=path,
                    hint="authors='Ada Lovelace; Grace Hopper'",
                )
            document: dict[str, Any] = {
                "cff-version": "1.2.0",
                "message": _MESSAGE,
                "title": model.name,
                "type": "dataset",
                "authors": _unique(people),
                "abstract": (model.description or "").strip() or None,
                "version": version or None,
                "date-released": _day(date, path) if date else _last_day(model, runs),
                "license": license or None,
                "doi": doi or None,
                "identifiers": [
                    {"type": "other", "value": model.id, "description": "id of the experiment"}
                ],
                "references": _unique(one for run in runs for one in _software(run)) or None,
            }
            said = {name: value for name, value in document.items() if value is not None}
            staged.write_text("\n".join(yaml_lines(said)) + "\n", "utf-8", newline="\n")
            return _losses(source, model, authors is None)


def _losses(source: Source, model: schemas.Experiment, has_people: bool) -> list[Loss]:
    kept = ["name", "id", "description", *(["people"] if has_people else [])]
    losses = left_out("experiment", Entry(model), kept, _REASON)
    return losses + [Loss(way, one.model.kind, _REASON) for way, one in parts_of(source.entry())]


def person(said: str) -> dict[str, str]:
    """An author as the format has it: ``Family, Given``; or else the last word is the family's
    name, with what belongs to it, as ``van der``. An address in <> and an ORCID are taken out."""
    found: dict[str, str] = {}
    if (email := _EMAIL.search(said)) is not None:
        found["email"] = email[1]
        said = said.replace(email[0], " ")
    if (orcid := _ORCID.search(said)) is not None:
        found["orcid"] = f"https://orcid.org/{orcid[1]}"
        said = said.replace(orcid[0], " ")
    said = re.sub(r"\(\s*\)|<\s*>", " ", said)
    family, comma, given = said.partition(",")
    if comma and family.strip():
        words, names = family.split(), given.split()
    else:
        *names, last = said.replace(",", " ").split() or [""]
        words = [last]
        while names and names[-1].lower() in _PARTICLES:
            words.insert(0, names.pop())
    particle = [words.pop(0) for _ in words[:-1] if words[0].lower() in _PARTICLES]
    parts = {"given-names": names, "name-particle": particle, "family-names": words}
    named = {key: " ".join(one) for key, one in parts.items() if " ".join(one)}
    return {**named, **found} if named or found else {"alias": "unknown"}


def _software(run: DescribedRun) -> Iterator[dict[str, Any]]:
    """The simulators of a run, Python, this library and the program itself."""
    known = run.environment
    simulators = dict(known.simulators) if known else {}
    for name, one in simulators.items():
        yield _reference(title(name), one.version)
    if run.model.simulator and run.model.simulator not in simulators:
        yield _reference(title(run.model.simulator), None)
    for name in ("neuroarchive", "numpy"):
        if known and name in known.packages and name not in simulators:
            yield _reference(name, known.packages[name])
    if known and known.python:
        name, _, version = known.python.partition(" ")
        yield _reference(name, version or None)
    if run.code and run.code.repository and run.code.repository.commit:
        state = run.code.repository
        where = state.remote or state.root or "program"
        name = re.split(r"[/\\:]", where.rstrip("/\\").removesuffix(".git"))[-1] or "program"
        made = _reference(name, None)
        made |= {"type": "software-code", "commit": state.commit}
        if state.remote and _URL.fullmatch(state.remote):
            made["repository-code"] = state.remote
        if state.dirty:
            made["notes"] = "It was run with changes that are in no commit."
        yield made


def _reference(name: str, version: str | None) -> dict[str, Any]:
    name = name.strip() or "program"
    authors = [{"name": f"The developers of {name}"}]
    made: dict[str, Any] = {"type": "software", "title": name, "authors": authors}
    return made | ({"version": version} if version else {})


def _unique(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({json.dumps(one, sort_keys=True): one for one in found}.values())


def _day(said: str, path: Path) -> str:
    try:
        return date.fromisoformat(said).isoformat()
    except ValueError:
        raise FormatError(
            f"date is {said!r}, which is no day", path=path, hint="YYYY-MM-DD"
        ) from None


def _last_day(model: schemas.Experiment, runs: list[DescribedRun]) -> str | None:
    moments = [one.end.ended for one in runs if one.end] + [one.model.started for one in runs]
    days = [one.date() for one in (*moments, model.created) if one is not None]
    return max(days).isoformat() if days else None


def yaml_lines(value: dict[str, Any], indent: str = "") -> Iterator[str]:
    """YAML of texts, lists and dicts: in blocks, all texts in double quotes."""
    for name, one in value.items():
        if isinstance(one, str):
            yield f"{indent}{name}: {quoted(one)}"
            continue
        yield f"{indent}{name}:"
        for item in one:
            first, *others = yaml_lines(item, f"{indent}    ")
            yield f"{indent}  - {first.lstrip()}"
            yield from others


def quoted(text: str) -> str:
    """A text in double quotes, as YAML and JSON both read it, on one line."""
    return _NO_YAML.sub(
        lambda found: (
            f"\\u{ord(found[0]):04x}" if found[0] < "\ud800" or found[0] > "\udfff" else "?"
        ),
        json.dumps(text, ensure_ascii=False),
    )
