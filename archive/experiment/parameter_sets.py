"""The parameter sets of an archive, by name and by content."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import schemas
from archive import provenance
from archive.container import Container
from archive.errors import AlreadyExists, ContractError, CorruptArchive, NotFound
from archive.experiment.display import ROWS_SHOWN, html_table
from archive.experiment.joined import Joined
from archive.experiment.naming import not_found
from archive.experiment.parameter_set import SHORT, Home, Parameters, ParameterSet, as_model
from archive.experiment.runs import RunView
from archive.experiment.value_keys import leaves
from archive.hooks.plain import modelled

_DIGEST = re.compile("[0-9a-f]{4,64}")


class ParameterSets:
    """All parameter sets, each once: those of runs, and those that were saved under a name.

    ``exp.parameters["baseline"]`` finds one by name, or by its digest or the first digits of it,
    at least four. Iteration gives all, in the order in which they came.
    """

    def __init__(
        self,
        joined: Joined,
        archives: Callable[[], AbstractContextManager[Mapping[str, Container]]],
    ) -> None:
        """`archives` opens the archive with all of its parts, also where they are not joined."""
        self.joined = joined
        self._archives = archives
        self._home = Home(joined, RunView)

    # -- reading -----------------------------------------------------------------------------

    def __getitem__(self, key: str) -> ParameterSet:
        """By name or digest. Raises NotFound, with the nearest names, also where several digests
        begin so."""
        said = self._home.get(key)
        if said is not None:
            return self._with_digest(said.parameters)
        known = self._digests() if _DIGEST.fullmatch(key) else {}
        found = [one for one in known if one.startswith(key)]
        if len(found) > 1:
            raise NotFound(
                f"the digests of {len(found)} parameter sets begin with {key!r}",
                path=self.joined.main.path,
                hint="give more digits: " + ", ".join(one[: len(key) + 4] for one in found[:5]),
            )
        if not found:
            raise not_found("parameter set", key, self._home.names())
        return self._with_digest(found[0])

    def _with_digest(self, digest: str) -> ParameterSet:
        for container in self._home.containers:
            row = container.parameter_sets.find(digest)
            if row is not None:
                return self._at(container, row, digest)
        raise NotFound(
            f"the parameter set {digest[:SHORT]} is missing",
            path=self.joined.main.path,
            hint="'neuroarchive check' lists what is damaged",
        )

    def _at(self, container: Container, row: int, digest: str) -> ParameterSet:
        model = container.parameter_sets.model(row)
        if not isinstance(model, schemas.ParameterSet):
            raise CorruptArchive(
                f"the document of parameter set {digest[:SHORT]} is that of a {model.kind}",
                path=container.path,
                hint="'neuroarchive check' lists what is damaged",
            )
        return ParameterSet(model, digest, self._home)

    def _digests(self) -> dict[str, tuple[Container, int]]:
        """All sets by digest, and where they lie."""
        found: dict[str, tuple[Container, int]] = {}
        for container in self._home.containers:
            for row, digest in enumerate(container.parameter_sets.digests()):
                found.setdefault(digest, (container, row))
        return found

    def __contains__(self, key: object) -> bool:
        """Whether there is a set of that name or digest, or with these values."""
        try:
            if isinstance(key, Mapping):
                return schemas.digest(as_model(key, "parameters")) in self._digests()
            return isinstance(key, str) and bool(self[key].digest)
        except (NotFound, ContractError):
            return False

    def __iter__(self) -> Iterator[ParameterSet]:
        for digest, (container, row) in self._digests().items():
            yield self._at(container, row, digest)

    def __len__(self) -> int:
        return len(self._digests())

    def __bool__(self) -> bool:
        return True  # also while there are none

    @property
    def names(self) -> list[str]:
        """All names of sets, in the order in which they were given."""
        return list(self._home.names())

    def history(self, name: str) -> list[schemas.ParameterName]:
        """What was said of a name, the oldest first: by whom, when, and the description."""
        for names in self._home.tables:
            if said := names.history(name):
                return said
        raise not_found("parameter set", name, self._home.names())

    # -- writing -----------------------------------------------------------------------------

    def save(
        self, name: str, parameters: Parameters, description: str | None = None
    ) -> ParameterSet:
        """Keep a set under a name; a set with the same values is stored once.

        Nested by population, projection, or whatever the model has; values may be all that
        annotations may. Another name of a set, or its digest, gives it one more. Saved again, with
        the same values, it is only described anew. Raises AlreadyExists if another set has the
        name, ContractError for what cannot be kept, Refused in mode 'r'.
        """
        model = self.model(parameters, f"parameter set {name!r}")
        container = self.joined.main
        digest = schemas.digest(model)
        said = modelled(
            schemas.ParameterName,
            f"parameter set {name!r:.60}",
            name=name,
            parameters=digest,
            description=description,
            author=provenance.user(container.privacy),
            at=datetime.now(UTC),
        )
        names = self._home.tables[0]
        before = names.get(name)
        if before is not None and before.parameters != digest:
            difference = self._with_digest(before.parameters).diff(ParameterSet(model))
            raise AlreadyExists(
                f"there is another parameter set {name!r}, of {before.at:%Y-%m-%d %H:%M} UTC",
                path=container.path,
                hint=f"a name stays with its set: take another. It would change:\n{difference}",
            )
        if before is None or description not in (None, before.description):
            names.add(said, model)
        return ParameterSet(model, digest, self._home)

    def model(self, parameters: Parameters, where: str) -> schemas.ParameterSet:
        """What is meant by a name, a digest, a set or a dict."""
        if isinstance(parameters, str):
            return self[parameters].model
        return as_model(parameters, where)

    def load(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        *,
        format: str | None = None,
        description: str | None = None,
    ) -> ParameterSet:
        """Read a file and save what it holds; without `name` under that of the file.

        `format` is ``"json"``, ``"yaml"`` or ``"annarchy"``; None: by the suffix, and ANNarchy's
        JSON is known by what it holds. Raises ArchiveNotFound, FormatError, MissingPackage, and
        what `save` raises.
        """
        from archive.adapters import parameter_files

        path = Path(path)
        model = parameter_files.read(path, format)
        return self.save(path.stem if name is None else name, ParameterSet(model), description)

    def capture(self, network: Any, name: str, description: str | None = None) -> ParameterSet:
        """Save the global parameters of all populations and projections of an ANNarchy network,
        and its constants, as they are now.

        `network` is an ``ANNarchy.Network``, or the module ``ANNarchy``.
        """
        from archive.hooks import annarchy_parameters

        found = annarchy_parameters.capture(network)
        return self.save(name, ParameterSet(schemas.ParameterSet(values=found)), description)

    # -- sweeps ------------------------------------------------------------------------------

    def missing(
        self,
        grid: Mapping[str, Any] | Iterable[Mapping[str, Any]],
        base: Parameters | None = None,
    ) -> list[dict[str, Any]]:
        """The points of a grid that have no finished run yet, each once, as dicts for
        ``exp.run(parameters=point)``.

        `grid` has a sequence of values for each parameter, nested or by paths such as
        ``"exc.tau_m"``, of which all combinations are points, the last one varying fastest; or it
        is a list of points. `base` is a set, a name or a dict that each point changes. A point has
        run if a finished run had exactly these parameters, in whatever units: see
        `archive.experiment.value_keys`. Runs in the parts beside the archive count too. Raises
        ContractError for a grid that makes no sense.
        """
        from archive.experiment.grid import missing

        whole: Mapping[str, Any] = {}
        if base is not None:
            whole = self[base] if isinstance(base, str) else base
        with self._archives() as archives:
            return missing(grid, whole, archives.values())

    # -- display -----------------------------------------------------------------------------

    def table(self, limit: int | None = None) -> list[dict[str, Any]]:
        """One dict per set: ``names``, ``digest``, and how many ``parameters`` and ``runs``."""
        names: dict[str, list[str]] = {}
        for name, said in self._home.names().items():
            names.setdefault(said.parameters, []).append(name)
        counts = self._home.run_counts()
        return [
            {
                "names": names.get(one.digest, []),
                "digest": one.digest,
                "parameters": sum(1 for _ in leaves(one.model.values)),
                "runs": counts[one.digest],
            }
            for one in islice(self, limit)
        ]

    def __repr__(self) -> str:
        count = len(self)
        lines = [f"<{count} parameter set{'' if count == 1 else 's'}>"]
        for row in self.table(ROWS_SHOWN):
            title = " ".join([row["digest"][:SHORT], *map(repr, row["names"])])
            lines.append(f"{title}: {row['parameters']} parameters, {row['runs']} runs")
        if count > ROWS_SHOWN:
            lines.append(f"… and {count - ROWS_SHOWN} more")
        return "\n  ".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (", ".join(row["names"]), row["digest"][:SHORT], row["parameters"], row["runs"])
            for row in self.table(ROWS_SHOWN)
        ]
        heads = ("name", "digest", "parameters", "runs")
        return html_table(f"{len(self)} parameter sets", heads, rows)
