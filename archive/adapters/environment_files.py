"""The environment of a run in a form that a colleague can install."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import schemas
from archive.adapters.described_runs import DescribedRun, one_run
from archive.adapters.replacing import replacing
from archive.adapters.requirements_lines import commented, one_line, python_version, requirements
from archive.entry import Loss, Source


class _EnvironmentFile(ABC):
    """What both files have in common: the run is chosen, its text written whole or not at all."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    extra: ClassVar[str | None] = None

    def write(
        self, source: Source, path: Path, /, *, run: str | None = None, overwrite: bool = False
    ) -> list[Loss]:
        """Write the environment of the run of that name; without one that of all runs.

        Raises FormatError where these have different ones, or none was recorded, and
        AlreadyExists.
        """
        path = Path(path)
        with replacing(path, overwrite=overwrite) as staged:
            chosen, losses = one_run(source, run, path)
            assert chosen.environment is not None
            staged.write_text(self.text(chosen, chosen.environment), "utf-8", newline="\n")
        return losses

    @abstractmethod
    def text(self, run: DescribedRun, environment: schemas.Environment) -> str:
        """What stands in the file."""


class Requirements(_EnvironmentFile):
    """Writes the installed distributions of a run as requirements.txt, for pip. What no index has
    under its version, as a local build, stands there as a comment."""

    name: ClassVar[str] = "requirements"
    file_names: ClassVar[tuple[str, ...]] = ("requirements.txt",)

    def text(self, run: DescribedRun, environment: schemas.Environment) -> str:
        pinned, others = requirements(environment.packages)
        return "\n".join([*commented(_heading(run, environment, others)), *pinned]) + "\n"


class CondaEnvironment(_EnvironmentFile):
    """Writes the Python and the installed distributions of a run as environment.yml, for conda:
    Python itself comes from a channel, the distributions through pip."""

    name: ClassVar[str] = "conda-environment"
    file_names: ClassVar[tuple[str, ...]] = ("environment.yml", "environment.yaml")

    def text(self, run: DescribedRun, environment: schemas.Environment) -> str:
        pinned, others = requirements(environment.packages)
        python = python_version(environment.python)
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", run.model.name).strip("-.") or "run"
        lines = [
            *commented(_heading(run, environment, others)),
            f"name: {json.dumps(name)}",
            "channels:",
            "  - conda-forge",
            "dependencies:",
            f"  - python={python}" if python else "  - python",
            "  - pip",
        ]
        lines += ["  - pip:", *(f"      - {json.dumps(one)}" for one in pinned)] if pinned else []
        return "\n".join(lines) + "\n"


def _heading(run: DescribedRun, environment: schemas.Environment, others: list[str]) -> list[str]:
    """What a file says of itself."""
    said = [f"Environment of run {one_line(run.model.name)}"]
    said += [f"Python: {environment.python or 'not recorded'}"]
    said += [f"Platform: {environment.platform or 'not recorded'}"]
    if others:
        said += ["Not to be had from an index:", *(f"  {one}" for one in others)]
    return said
