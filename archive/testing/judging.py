"""The judgement on what was declared and what came back, as text for people."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase as fnmatch

import numpy as np

import schemas
from archive.container.contract import check_part
from archive.container.snapshot_contract import checked
from archive.entry import Entry, Loss
from archive.testing.comparing import Declared, Placed, differences

_LISTED = 12
_OPTIONAL = {
    "signal": ("channels",),
    "irregular-signal": ("channels",),
    "spike-trains": ("channels", "waveforms"),
    "population": ("ids", "positions"),
    "projection": ("delays", "order", "weights"),
}


def topmost(root: Placed, kind: str) -> Iterator[Placed]:
    """The entries of a kind, but for those inside another of it."""
    if root.model.kind == kind:
        yield root
        return
    for part in root.parts:
        yield from topmost(part, kind)


def misdeclared(source: Placed, losses: object) -> Iterator[str]:
    """Losses that name what the source has not, so that nobody can tell what was lost."""
    if not isinstance(losses, list):
        yield f"write() must return a list of losses, not {type(losses).__name__}"
        return
    known: dict[str, list[Placed]] = {}
    for one in source.walk():
        known.setdefault(one.way, []).append(one)
    for loss in losses:
        if not isinstance(loss, Loss):
            yield f"a loss must be an archive.entry.Loss, not {loss!r:.100}"
        elif loss.entry not in known:
            ways = ", ".join(map(repr, list(known)[:_LISTED]))
            yield f"no entry has the way {loss.entry!r} (loss of {loss.field!r}); ways are {ways}"
        elif not any(_has(one, loss.field) for one in known[loss.entry]):
            kinds = ", ".join(one.model.kind for one in known[loss.entry])
            yield f"{loss.entry}: a {kinds} has no field or array {loss.field!r}"
        elif not loss.reason:
            yield f"{loss.entry}: {loss.field}: the loss has no reason"


def _has(one: Placed, field: str) -> bool:
    model = one.model
    absent = _OPTIONAL.get(model.kind, ())  # that there were none may be lost, too
    names = {model.kind, *absent, *type(model).model_fields}
    names |= {*(model.model_extra or ()), *one.entry.arrays}
    # the names themselves may have dots
    return field in names or any(field.startswith((f"{name}.", f"{name}[")) for name in names)


def broken_promises(
    source: Placed, losses: Sequence[Loss], carries: Mapping[str, Collection[str]]
) -> Iterator[str]:
    """Losses of what the format is said to carry: by kind, names of fields and arrays, or
    ``"*"`` for all."""
    placed = list(source.walk())
    for loss in losses:
        field = loss.field.partition(".")[0].partition("[")[0]
        for one in placed:
            if one.way != loss.entry:
                continue
            # what is lost as a whole takes with it all that is in it
            for gone in one.walk() if field == one.model.kind else (one,):
                kind = gone.model.kind
                promised = carries.get(kind, ())
                what = kind if field == one.model.kind else field
                if what in promised or (promised and ("*" in promised or what == kind)):
                    yield f"{loss}: a format that carries {kind}: {what} may not declare it lost"


def not_equal(
    source: Sequence[Placed],
    found: Sequence[Placed],
    losses: Sequence[Loss],
    adds: Mapping[str, Collection[str]],
    who: str,
) -> str:
    """What did not come back and was not declared lost; empty if all did. By kind, `adds` names
    fields and arrays that may be there though they were not, as ``native`` or ``state:*``."""
    listed = [
        str(one)
        for one in differences(source, found, Declared(losses))
        if not (one.is_new and any(fnmatch(one.steps[0], name) for name in adds.get(one.kind, ())))
    ]
    if not listed:
        return ""
    return problems(f"{who}: not declared lost, and not the same", listed, losses)


def problems(title: str, listed: Sequence[str], losses: Sequence[Loss] = ()) -> str:
    """A title with what is listed below it, and what was declared lost."""
    lines = [f"{title}:", *(f"  {text}" for text in listed[:_LISTED])]
    if len(listed) > _LISTED:
        lines.append(f"  … and {len(listed) - _LISTED} more")
    if losses:
        lines.append("declared lost were:")
        lines += [f"  {loss}" for loss in losses[:_LISTED]]
        if len(losses) > _LISTED:
            lines.append(f"  … and {len(losses) - _LISTED} more")
    return "\n".join(lines)


def unfit(entry: Entry) -> None:
    """Raises ContractError for arrays that do not fit their model: no archive would take it."""
    if isinstance(entry.model, schemas.Part):
        check_part(entry.model, {name: np.asarray(array) for name, array in entry.arrays.items()})
    elif isinstance(entry.model, schemas.Snapshot):
        checked(entry)
        return
    for part in entry.parts:
        unfit(part)
