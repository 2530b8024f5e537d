"""From the dict that ANNarchy saves to a snapshot.

ANNarchy writes no time step, no units but ms, and no version. What it accepts in silence when it
loads, arrays of the wrong size for one, is refused here.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemas
from archive.adapters.annarchy_populations import population
from archive.adapters.annarchy_projections import Sizes, projection
from archive.adapters.annarchy_rows import is_single, single
from archive.adapters.annarchy_texts import EXTRA, text, texts
from archive.adapters.models import model_of
from archive.entry import Entry
from archive.errors import ArchiveWarning, FormatError
from archive.values import to_schema_dict

Choice = bool | Collection[str]
OBJECTS = ("population", "projection", "connectivity")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the user says of a file: the time step in ms; sizes of populations that it does not
    have; names of the ends of a connectivity; and which populations and projections to read."""

    time_step: float | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    pre: str = "pre"
    post: str = "post"
    populations: Choice = True
    projections: Choice = True


def snapshot(content: Mapping[str, Any], path: Path, given: Reading) -> Entry:
    """The snapshot of a network, or of one population, projection or connectivity."""
    try:
        kind = kind_of(content)
        if kind in OBJECTS:
            name = text(content["name"], "name") if "name" in content else kind
            facts = {EXTRA: content[EXTRA]} if EXTRA in content else {}
            return _snapshot({name: content}, facts, given)
        objects = {key: item for key, item in content.items() if _is_object(item, key)}
        facts = {key: item for key, item in content.items() if key not in objects}
        if not objects and "time_step" not in facts and "obj_names" not in facts:
            raise FormatError("this is no file of ANNarchy", hint=f"it has {list(content)!r:.100}")
        return _snapshot(objects, facts, given)
    except FormatError as error:
        raise FormatError(error.message, path=path, entry=error.entry, hint=error.hint) from error


def kind_of(item: Mapping[str, Any]) -> str:
    """What a dict describes: "population", "projection", "connectivity", or else "network"."""
    if "pre_ranks" in item or "post_ranks" in item or "dendrites" in item:
        old = {"dendrites", "number_of_synapses"} & set(item)
        if old or ("nb_synapses" in item and "attributes" in item):
            raise FormatError(
                "a projection was written by ANNarchy before 4.5.3",
                hint="load it with the ANNarchy that wrote it, or one before 4.6, and save again",
            )
        if "attributes" in item:
            return "projection"
        if "nb_synapses" in item or "uniform_delay" in item:
            return "connectivity"
        raise FormatError(
            "a projection does not say what attributes it has: ANNarchy before 4.5 wrote such files"
        )
    if ("geometry" in item or "size" in item) and not isinstance(item.get("size"), dict):
        if "attributes" in item:
            return "population"
        raise FormatError(
            "a population does not say what attributes it has: ANNarchy before 4.2 wrote such files"
        )
    return "network"


def _is_object(item: Any, key: str) -> bool:
    return (
        isinstance(item, dict)
        and all(isinstance(name, str) for name in item)
        and key not in ("obj_names", EXTRA)
    )


def _snapshot(
    objects: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any], given: Reading
) -> Entry:
    ours = facts.get(EXTRA)
    dt = _time_step(objects, given, ours if isinstance(ours, dict) else {})
    kinds = {}
    for name, item in objects.items():
        try:
            kinds[name] = kind_of(item)
        except FormatError as error:
            raise FormatError(error.message, entry=name, hint=error.hint) from None
        if kinds[name] == "network":
            raise FormatError("it is neither a population nor a projection", entry=name)
    _compare_names(facts.get("obj_names"), kinds)
    sizes = Sizes(objects, kinds, given.sizes)
    parts = [
        population(name, objects[name])
        for name, kind in kinds.items()
        if kind == "population" and is_chosen(name, given.populations)
    ]
    parts += [
        projection(name, objects[name], sizes, dt, (given.pre, given.post))
        for name, kind in kinds.items()
        if kind != "population" and is_chosen(name, given.projections)
    ]
    return Entry(_model(facts, dt, parts), parts=parts)


def _model(facts: Mapping[str, Any], dt: float | None, parts: list[Entry]) -> schemas.Snapshot:
    native: dict[str, Any] = {}
    note: dict[str, str] = {}
    steps = 0
    for key in ("time_step", "net_id"):
        if key in facts:
            if not is_single(facts[key]) or not isinstance(single(facts[key]), (int, float)):
                raise FormatError("it is no number", entry=key)
            native[key] = single(facts[key])
    if "time_step" in native:
        steps = native["time_step"]
        if steps != int(steps) or steps < 0:
            raise FormatError(f"{steps} is no number of steps", entry="time_step")
    if dt is None and "time_step" in native:
        note["note"] = f"The time is not known: the file has {steps} steps, not how long they are."
    elif "time_step" not in native:
        note["note"] = "The time is not in the file."
    unknown = set(facts) - {"time_step", "net_id", "obj_names", EXTRA}
    for key in sorted(unknown):
        warnings.warn(
            f"{key!r:.80} is no population or projection, and was left out",
            ArchiveWarning,
            stacklevel=2,
        )
    names: dict[str, list[str]] = {"population": [], "projection": []}
    for part in parts:
        names[part.model.kind].append(str(getattr(part.model, "name", "")))
    return model_of(
        schemas.Snapshot,
        "snapshot",
        time=0.0 if dt is None else float(steps * dt),
        time_step=dt,
        simulator="annarchy",
        populations=tuple(names["population"]),
        projections=tuple(names["projection"]),
        native=to_schema_dict(native, "snapshot"),
        annotations=to_schema_dict(note, "snapshot"),
    )


def _time_step(
    objects: Mapping[str, Mapping[str, Any]], given: Reading, ours: Mapping[str, Any]
) -> float | None:
    """The time step in ms: as given, as our own writer says, or as a connectivity of ANNarchy 5
    shows, which has one delay both in ms and in steps."""
    found = given.time_step
    if found is None and "dt" in ours and is_single(ours["dt"]):
        found = float(single(ours["dt"]))
    for name, item in objects.items():
        shown = _shown(item)
        if shown is None:
            continue
        if found is not None and abs(found - shown) > 1e-6 * shown:
            raise FormatError(
                f"its delay shows a time step of {shown:g} ms, not {found:g} ms", entry=name
            )
        found = shown if found is None else found
    if found is not None and not (0 < found < float("inf")):
        raise FormatError(f"a time step of {found} ms", entry="time_step")
    return found


def _shown(item: Mapping[str, Any]) -> float | None:
    delay, steps = item.get("delay"), item.get("uniform_delay")
    if not is_single(delay) or not is_single(steps) or isinstance(single(delay), int):
        return None
    known, count = single(delay), single(steps)
    return known / count if count > 0 and known > 0 else None


def _compare_names(listed: Any, kinds: Mapping[str, str]) -> None:
    """Warn where the file names objects that it does not have: ANNarchy lets two have one name."""
    if not isinstance(listed, dict):
        return
    for plural, one in (("populations", "population"), ("projections", "projection")):
        names = texts(listed.get(plural, []), f"obj_names: {plural}")
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                reason = f"{names.count(name)} {plural} have this name; ANNarchy saved the last"
            elif name not in kinds:
                reason = f"the file lists this {one} and does not have it"
            elif kinds[name] != one:
                reason = f"a population and a projection have this name; the {one} was not saved"
            else:
                continue
            warnings.warn(f"{name!r:.80}: {reason}", ArchiveWarning, stacklevel=2)


def is_chosen(name: str, choice: Choice) -> bool:
    """Whether a population or projection of that name is meant; a text is names with commas, as
    from a command line."""
    if isinstance(choice, bool):
        return choice
    return name in (choice.split(",") if isinstance(choice, str) else choice)
