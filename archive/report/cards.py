"""What is told of one run: facts, parameters, and how it came about; in texts of bounded length."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import schemas
from archive.container.annotation_changes import annotations_after
from archive.experiment.value_keys import leaves, path_text
from archive.report.texts import NAME_LIMIT, TEXT_LIMIT, shown, value_shown

LONG_LIMIT = 20_000  # characters of a diff or a traceback
LISTED = 100
LISTED_PACKAGES = 1000

Pairs = list[list[str]]


def card(run: schemas.Run, known: Sequence[schemas.Model], inside: Iterable[str]) -> dict[str, Any]:
    """The card of a run. `known` is what is said of it: records, changes, parameters; `inside`
    the names of its segments.

    ``records`` are the digests of the records that `record_card` tells more of.
    """
    ends = [one for one in known if isinstance(one, schemas.RunEnd)]
    processes = [one for one in known if isinstance(one, schemas.Provenance)]
    process = processes[-1] if processes else None
    parameters = next((one for one in known if isinstance(one, schemas.ParameterSet)), None)
    found: dict[str, Any] = {
        "description": shown(run.description or "", 2000),
        "reason": shown(ends[-1].reason or "" if ends else "", LONG_LIMIT),
        "annotations": _facts(annotations_after(run.annotations, known)),
        "parameters": [] if parameters is None else _facts(parameters.values),
        "process": [] if process is None else list(_process(process)),
        "generators": [] if process is None else list(_generators(process, known)),
        "records": [] if process is None else [process.environment or "", process.code or ""],
        "segments": _listed([shown(name, NAME_LIMIT) for name in inside]),
        "inputs": _listed([_input(one) for one in known if isinstance(one, schemas.Input)]),
        "parents": _listed([_parent(one) for one in known if isinstance(one, schemas.Parent)]),
        "exports": _listed([_export(one) for one in known if isinstance(one, schemas.Exported)]),
    }
    return {key: value for key, value in found.items() if value}


def record_card(record: schemas.Model) -> dict[str, Any] | None:
    """What is told of an environment, or of a program; None for other records."""
    if isinstance(record, schemas.Environment):
        return {"title": "Environment", "facts": list(_environment(record))} | _lists(
            ("Packages", record.packages, LISTED_PACKAGES),
            ("Variables", record.variables, LISTED),
            ("Threads", record.threads, LISTED),
        )
    if isinstance(record, schemas.Code):
        lists = _lists(
            ("Modules", {name: _source(one) for name, one in record.modules.items()}, LISTED),
            ("Not found out", record.missing, LISTED),
        )
        repository = record.repository
        texts = list(_script(record.script))
        texts += [] if repository is None else list(_diff(repository))
        return {"title": "Program", "facts": list(_code(record)), "texts": texts} | lists
    return None


def _facts(found: Mapping[str, Any]) -> Pairs:
    pairs: Pairs = []
    hidden = 0
    for path, value in leaves(found):
        if len(pairs) < LISTED:
            pairs.append([shown(path_text(path), NAME_LIMIT), value_shown(value)])
        else:
            hidden += 1
    return [*pairs, ["…", f"{hidden:,} more are not shown"]] if hidden else pairs


def _listed(items: list[Any]) -> list[Any]:
    hidden = len(items) - LISTED
    more = f"… {hidden:,} more are not shown"
    if hidden <= 0:
        return items
    return [*items[:LISTED], more if isinstance(items[0], str) else [["…", more]]]


def _lists(*lists: tuple[str, Mapping[str, str], int]) -> dict[str, Any]:
    """Long lists of names with texts, each with its title."""
    found = []
    for title, items, limit in lists:
        pairs = [[shown(k, NAME_LIMIT), shown(v)] for k, v in list(items.items())[:limit]]
        if len(items) > limit:
            pairs.append(["…", f"{len(items) - limit:,} more are not shown"])
        if pairs:
            found.append([f"{title} ({len(items):,})", pairs])
    return {"lists": found}


def _pairs(*facts: tuple[str, object]) -> Iterator[list[str]]:
    for name, value in facts:
        if value is not None and value != "" and value != () and value != {}:
            text = _moment(value) if isinstance(value, datetime) else str(value)
            yield [name, shown(text, 4 * TEXT_LIMIT)]


def _moment(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")


def _process(one: schemas.Provenance) -> Iterator[list[str]]:
    hidden = one.privacy == "strict"
    yield from _pairs(
        ("command", " ".join(map(_quoted, one.argv[:LISTED]))),
        ("folder", one.working_directory),
        ("user", "hidden" if hidden else one.user),
        ("host", "hidden" if hidden else one.host),
        ("process", one.process),
        ("MPI", None if one.ranks is None else f"rank {one.rank} of {one.ranks}"),
        ("captured", one.captured),
    )
    for name, text in list(one.job.items())[:LISTED]:
        yield [f"job: {shown(name, NAME_LIMIT)}", shown(text)]
    for path, value in list(leaves(one.seeds))[:LISTED]:
        yield [f"seed: {shown(path_text(path), NAME_LIMIT)}", value_shown(value)]
    for path, value in list(leaves(one.extra))[:LISTED]:
        yield [shown(path_text(path), NAME_LIMIT), value_shown(value)]
    for name, text in list(one.missing.items())[:LISTED]:
        yield [f"not found out: {shown(name, NAME_LIMIT)}", shown(text)]


def _quoted(text: str) -> str:
    return repr(text) if not text or " " in text else text


def _generators(process: schemas.Provenance, known: Sequence[schemas.Model]) -> Iterator[list[str]]:
    found = {schemas.digest(one): one for one in known if isinstance(one, schemas.Generator)}
    for whose, digest in list(process.generators.items())[:LISTED]:
        one = found.get(digest)
        algorithm = shown((one and one.algorithm) or "state", NAME_LIMIT)
        yield [shown(whose, NAME_LIMIT), f"{algorithm}, digest {digest[:16]}…"]


def _environment(one: schemas.Environment) -> Iterator[list[str]]:
    memory = None if one.memory is None else f"{one.memory / (1 << 30):.1f} GiB"
    yield from _pairs(
        ("Python", one.python),
        ("platform", one.platform),
        ("processor", one.processor),
        ("cores", one.cores),
        ("memory", memory),
    )
    for name, simulator in list(one.simulators.items())[:LISTED]:
        with_backend = f", {simulator.backend}" if simulator.backend else ""
        yield [shown(name, NAME_LIMIT), shown(f"{simulator.version or 'unknown'}{with_backend}")]
        for path, value in list(leaves(simulator.build))[:LISTED]:
            yield [f"{shown(name, 40)}: {shown(path_text(path), 80)}", value_shown(value)]


def _source(one: schemas.Source) -> str:
    return f"{one.path} ({one.size:,} bytes, SHA-256 {one.digest[:16]}…)"


def _code(one: schemas.Code) -> Iterator[list[str]]:
    yield from _pairs(
        ("kind", one.program), ("script", None if one.script is None else _source(one.script))
    )
    git = one.repository
    if git is not None:
        state = {True: "changed since the commit", False: "as committed", None: None}[git.dirty]
        yield from _pairs(
            ("commit", git.commit),
            ("branch", git.branch),
            ("remote", git.remote),
            ("state", state),
            ("repository", git.root),
            ("untracked", ", ".join(git.untracked[:LISTED])),
        )


def _script(one: schemas.Source | None) -> Iterator[list[str]]:
    if one is not None and one.content is not None:
        yield ["The script", _unpacked(one.content, one.size)]


def _diff(git: schemas.Repository) -> Iterator[list[str]]:
    if git.diff is not None:
        yield ["Changes since the commit", _unpacked(git.diff, git.diff_size)]


def _unpacked(packed: bytes, size: int | None) -> str:
    """The beginning of a text in the format of zlib; no more of it is unpacked than is shown."""
    try:
        found = zlib.decompressobj().decompress(packed, LONG_LIMIT + 1)
    except zlib.error:
        return "it cannot be unpacked"
    text = shown(found.decode("utf-8", "replace")[:LONG_LIMIT], LONG_LIMIT)
    if len(found) > LONG_LIMIT:
        whole = "" if size is None else f" of {size:,} bytes"
        text += f"\n… only the beginning{whole} is shown"
    return text


def _input(one: schemas.Input) -> Pairs:
    return list(
        _pairs(
            (one.role, one.path),
            ("bytes", f"{one.size:,}"),
            ("SHA-256", one.digest),
            ("format", one.format),
            ("by", one.author),
            ("at", one.at),
            ("lost", len(one.losses) or None),
        )
    )


def _parent(one: schemas.Parent) -> Pairs:
    return list(
        _pairs(
            (one.how, one.run),
            ("snapshot", one.snapshot),
            ("archive", one.path),
            ("at", one.at),
        )
    )


def _export(one: schemas.Exported) -> Pairs:
    return list(
        _pairs(
            (one.format, one.path),
            ("bytes", None if one.size is None else f"{one.size:,}"),
            ("SHA-256", one.digest),
            ("by", one.author),
            ("at", one.at),
            ("lost", len(one.losses) or None),
        )
    )
