"""The names of parameter sets that a part brings to its archive."""

from __future__ import annotations

import schemas
from archive.container import Container, ParameterNames
from archive.errors import CorruptArchive
from archive.experiment.parameter_set import free_name


def take_parameter_names(target: Container, source: Container, part: str) -> None:
    """Take over all names with their sets, those without runs too. One that another set has
    already is followed by the name of the part. What is there is not taken again."""
    here, there = ParameterNames(target), ParameterNames(source)
    if not len(there):
        return
    with target.transaction():
        for name in there.newest():
            said = there.history(name)
            free = free_name(said[-1], here.get, part)
            row = source.parameter_sets.find(said[-1].parameters)
            parameters = None if row is None else source.parameter_sets.model(row)
            if not isinstance(parameters, schemas.ParameterSet):
                raise CorruptArchive(
                    f"the parameter set called {name!r} is missing",
                    path=source.path,
                    hint="'neuroarchive check' lists what is damaged",
                )
            renamed = [one.model_copy(update={"name": free}) for one in said]
            before = here.history(free)
            for one in renamed:
                if one not in before:
                    here.add(one, parameters)
