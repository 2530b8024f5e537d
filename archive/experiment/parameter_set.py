"""One parameter set, as the user holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import schemas
from archive import values
from archive.container import Container, ParameterNames
from archive.entry import Entry, Loss
from archive.errors import ContractError, NotFound, Refused
from archive.experiment.display import ROWS_SHOWN, annotation_text, html_table
from archive.experiment.joined import Joined, Rows, spare_name
from archive.experiment.naming import not_found
from archive.experiment.sets_of_runs import sets_of_runs
from archive.experiment.value_keys import leaves, path_text, same
from archive.hooks.plain import modelled
from archive.hooks.restoring import Restoration

if TYPE_CHECKING:  # few need it
    from archive.experiment.parameter_diff import ParameterDiff

Parameters = str | Mapping[str, Any]
REWRITTEN = ("unit", "dtype")  # what a plain number loses, though it can be set
SHORT = 12  # digits of a digest that are shown


class Home:
    """Where sets lie: an archive and the parts that are read with it."""

    def __init__(self, joined: Joined, view: Callable[[Joined, Rows], Sequence[Any]]) -> None:
        """`view` makes the view of runs by their rows."""
        self._joined = joined
        self._view = view

    @property
    def containers(self) -> tuple[Container, ...]:
        return self._joined.containers

    @cached_property
    def tables(self) -> list[ParameterNames]:
        """The names in each of them."""
        return [ParameterNames(container) for container in self.containers]

    def get(self, name: str) -> schemas.ParameterName | None:
        """What was said last of a name."""
        return self.tables[0].get(name) or self.names().get(name)

    def names(self) -> dict[str, schemas.ParameterName]:
        """All names. One that a set of the archive, or of a part before, has already is followed
        by the name of the part."""
        together: dict[str, schemas.ParameterName] = {}
        for table, part in zip(self.tables, self._joined.names, strict=True):
            for model in table.newest().values():
                together.setdefault(free_name(model, together.get, part), model)
        return together

    def run_counts(self) -> Counter[str]:
        """How many runs each set has, by digest."""
        counts: Counter[str] = Counter()
        for container in self.containers:
            digests = container.parameter_sets.digests()
            sets = sets_of_runs(container)
            for row in np.flatnonzero(sets >= len(digests))[:1].tolist():
                what = (
                    f"parameters in row {sets[row]} do not lie within the {len(digests)} there are"
                )
                raise container.runs.damaged(row, what)
            found = np.bincount(sets[sets >= 0], minlength=len(digests)).tolist()
            for digest, count in zip(digests, found, strict=True):
                counts[digest] += count
        return counts

    def runs(self, digest: str) -> Sequence[Any]:
        """The runs that have the set with this digest."""
        found: list[Rows] = [np.empty(0, np.int64)]
        before = 0
        for container in self.containers:
            row = container.parameter_sets.find(digest)
            sets = sets_of_runs(container)
            if row is not None:
                found.append(before + np.flatnonzero(sets == row))
            before += len(sets)
        return self._view(self._joined, np.concatenate(found))


def free_name(
    model: schemas.ParameterName, taken: Callable[[str], schemas.ParameterName | None], part: str
) -> str:
    """The name under which a set of a part is known beside others: its own, if no other set has
    it, or with the name of the part behind it. `taken` gives what was said of a name."""
    name, number = model.name, 1
    while (there := taken(name)) is not None and there.parameters != model.parameters:
        name = spare_name(model.name, part, number)
        number += 1
    return name


def _found(within: schemas.Value, path: str) -> Iterator[schemas.Value]:
    """What a path leads to, that with the longest keys first: they may have dots themselves."""
    if not isinstance(within, dict):
        return
    if path in within:
        yield within[path]
    steps = path.split(".")
    for count in range(len(steps) - 1, 0, -1):
        key = ".".join(steps[:count])
        if key in within:
            yield from _found(within[key], ".".join(steps[count:]))


def _set_as(loss: Loss) -> str | None:
    """How the report of ANNarchy's hook names a number that lost its unit or type."""
    if loss.field not in REWRITTEN:
        return None
    group, _, rest = loss.entry.partition(".")
    name, _, parameter = rest.rpartition(".")
    return f"{name}: {parameter}" if name else f"constants: {rest or group}"


class ParameterSet(Mapping[str, Any]):
    """Parameters of one or several runs: a dict that cannot be changed, nested as it was given,
    quantities with their unit.

    ``parameters["exc"]["tau_m"]`` and ``parameters["exc.tau_m"]`` are the same. Two sets are
    equal if all values, with their types and units, are; a dict is if its values count as the
    same, in whatever unit. It can be sent to other processes, where
    it has no names and runs.
    """

    def __init__(
        self, model: schemas.ParameterSet, digest: str | None = None, home: Home | None = None
    ) -> None:
        self._model = model
        self._digest = digest
        self._home = home

    # -- the values --------------------------------------------------------------------------

    def __getitem__(self, key: str) -> Any:
        """By key, or by a path of keys joined by dots. Raises NotFound."""
        found = list(_found(self._model.values, key))
        if not found:
            paths = (".".join(path) for path, _ in leaves(self._model.values))
            raise not_found("parameter", key, paths)
        return values.from_schema(found[0])

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            return False
        try:
            self[key]
        except NotFound:
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self._model.values)

    def __len__(self) -> int:
        return len(self._model.values)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ParameterSet):
            return self.digest == other.digest
        if not isinstance(other, Mapping):
            return NotImplemented
        try:
            given = values.to_schema_dict(other, "parameters")
        except ContractError:
            return False  # no set can hold it
        return same(self._model.values, given)

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def model(self) -> schemas.ParameterSet:
        """The set as the contract has it."""
        return self._model

    # -- what is known of it -----------------------------------------------------------------

    @property
    def digest(self) -> str:
        """SHA-256 over all values: sets with the same one hold the same. 64 hexadecimal digits."""
        if self._digest is None:
            self._digest = schemas.digest(self._model)
        return self._digest

    def _said(self) -> dict[str, schemas.ParameterName]:
        found = {} if self._home is None else self._home.names()
        return {name: said for name, said in found.items() if said.parameters == self.digest}

    @property
    def names(self) -> tuple[str, ...]:
        """What it is called."""
        return tuple(self._said())

    @property
    def name(self) -> str | None:
        """Its first name, if it has any."""
        return next(iter(self._said()), None)

    @property
    def description(self) -> str | None:
        """What was said of it under the first name that has a description."""
        return next((said.description for said in self._said().values() if said.description), None)

    @property
    def runs(self) -> Any:
        """The runs that used it, as a view. Of ``exp.parameters[...]`` also those of the parts
        that are read with the archive; of ``run.parameters`` those in the file of the run."""
        if self._home is None:
            raise Refused(
                "this parameter set belongs to no archive",
                hint="look it up by its digest: exp.parameters[parameters.digest]",
            )
        return self._home.runs(self.digest)

    def diff(self, other: Mapping[str, Any]) -> ParameterDiff:
        """What changes from this set to the other, which may be a dict too; see `ParameterDiff`."""
        from archive.experiment.parameter_diff import difference

        return difference(self._model.values, as_model(other, "parameters").values)

    # -- out ---------------------------------------------------------------------------------

    def entry(self) -> Entry:
        """The set as an entry: what makes it a Source."""
        return Entry(self._model)

    def export(
        self,
        path: str | Path,
        format: str | None = None,
        *,
        overwrite: bool = False,
        strict: bool = False,
    ) -> list[Loss]:
        """Write it to a file: ``"json"``, ``"yaml"`` or ``"annarchy"``; None: by the suffix.

        Returns what the format could not carry; with `strict`, that is a FormatError and nothing
        is written. Raises FormatError, MissingPackage (YAML) and AlreadyExists.
        """
        from archive.adapters import parameter_files

        return parameter_files.write(
            self._model, Path(path), format, overwrite=overwrite, strict=strict
        )

    def apply(self, network: Any, *, global_only: bool = True) -> Restoration:
        """Set the parameters of an ANNarchy network; returns what was set and what was not.

        With `global_only`, values of parameters that each neuron or synapse has for itself are
        skipped; without, all of them get the one value. Times are set in ms, other quantities by
        their number; `changed` of the report names them. Raises FormatError, before anything is
        set, for arrays and for what is no ANNarchy network.
        """
        from archive.adapters.annarchy_parameters import plain_groups
        from archive.hooks import annarchy_parameters

        groups, losses = plain_groups(self._model)
        report = annarchy_parameters.apply(groups, network, global_only=global_only)
        changed = tuple(loss for loss in losses if _set_as(loss) in report.restored)
        skipped = tuple(
            loss
            for loss in losses
            if loss.field not in REWRITTEN and not loss.entry.startswith("network.")
        )
        return replace(report, skipped=report.skipped + skipped, changed=changed)

    def __reduce__(self) -> tuple[type[ParameterSet], tuple[schemas.ParameterSet, str]]:
        return ParameterSet, (self._model, self.digest)

    def __repr__(self) -> str:
        flat = {path_text(path): value for path, value in leaves(self._model.values)}
        shown = {path: values.from_schema(flat[path]) for path in list(flat)[:ROWS_SHOWN]}
        more = f", … and {len(flat) - ROWS_SHOWN} more" if len(flat) > ROWS_SHOWN else ""
        return f"<ParameterSet {self._title()}: {annotation_text(shown)}{more}>"

    def _title(self) -> str:
        try:
            names = self.names
        except Refused:  # the archive is closed
            names = ()
        return " ".join([*map(repr, names), self.digest[:SHORT]])

    def _repr_html_(self) -> str:
        rows = [
            (path_text(path), values.from_schema(value))
            for path, value in leaves(self._model.values)
        ]
        return html_table(f"ParameterSet {self._title()}", ["parameter", "value"], rows)


def as_model(parameters: Mapping[str, Any], where: str) -> schemas.ParameterSet:
    """A mapping as the contract has it. Raises ContractError for what it cannot have."""
    if isinstance(parameters, ParameterSet):
        return parameters.model
    given = values.to_schema_dict(parameters, f"parameters of {where}")
    return modelled(schemas.ParameterSet, where, values=given)


def parameters_of(
    container: Container, row: int, view: Callable[[Joined, Rows], Sequence[Any]]
) -> ParameterSet:
    """The set of a run; an empty one if it has none."""
    model = container.run_parameters(row)
    home = Home(Joined({"": container}), view)
    if model is None:
        return ParameterSet(schemas.ParameterSet(), None, home)
    digest = container.parameter_sets.digest(int(container.runs[row]["parameters"]))
    return ParameterSet(model, digest, home)
