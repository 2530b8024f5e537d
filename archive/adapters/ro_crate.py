"""Research object crates: a folder, or a ZIP file, with an archive and all that it came from.

RO-Crate 1.1, https://w3id.org/ro/crate/1.1, and, where the script is there, the profile Workflow
Run Crate 0.5, https://w3id.org/ro/wfrun/workflow/0.5; else Process Run Crate 0.5.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, Final

from archive.adapters.crate_files import CrateFiles
from archive.adapters.crate_graph import METADATA, ROOT, Graph, ref
from archive.adapters.crate_people import licence, person
from archive.adapters.crate_runs import Actions
from archive.adapters.people import known, named
from archive.adapters.prov_terms import moment_of
from archive.adapters.replacing import replacing
from archive.adapters.staged_folder import replacing_folder
from archive.entry import Loss, Source, parts_of
from archive.errors import AlreadyExists
from schemas.v1.experiment import Experiment
from schemas.v1.run import Run

ZIP: Final = ".zip"
_CRATE: Final = "https://w3id.org/ro/crate/1.1"
_PROFILES: Final = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}


class RoCrate:
    """Writes a research object crate: the archive, scripts, changes, packages, people, licence."""

    name: ClassVar[str] = "ro-crate"
    suffixes: ClassVar[tuple[str, ...]] = (ZIP,)
    extra: ClassVar[str | None] = None
    writes_folders: ClassVar[bool] = True

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        license: str | None = None,
        people: str | Sequence[str] | None = None,
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write a folder, or a ZIP file if the path ends so. Nothing is lost: the archive is in
        it, or, of a source that is only some of one, its entries in our JSON.

        `license` is an identifier of SPDX or an address; without it the annotation ``license`` of
        the experiment. `people` are instead of those of the experiment, each as ``Ada Lovelace
        <ORCID or e-mail> (affiliation)``, in one text with semicolons between them. Raises
        AlreadyExists if there is something and `overwrite` is False, or it is a folder that is no
        crate.
        """
        path = Path(path)
        if path.suffix.lower() != ZIP:
            _refuse_other_folders(path, overwrite)
            with replacing_folder(path, overwrite=overwrite) as folder:
                _fill(source, folder, license, people)
            return []
        with (
            replacing(path, overwrite=overwrite) as staged,
            TemporaryDirectory(prefix=".", suffix=".tmp", dir=path.parent) as folder_name,
        ):
            _fill(source, Path(folder_name), license, people)
            _pack(Path(folder_name), staged)
        return []


def _refuse_other_folders(path: Path, overwrite: bool) -> None:
    """A crate may be replaced, but nothing that somebody keeps other files in."""
    if not overwrite or not path.exists():
        return
    if not path.is_dir() or path.is_symlink():
        return
    if any(path.iterdir()) and not (path / METADATA).is_file():
        raise AlreadyExists(
            "the folder is no crate, and is not replaced", path=path, hint="choose another name"
        )


def _fill(
    source: Source, folder: Path, license: str | None, people: str | Sequence[str] | None
) -> None:
    """Write the files of a crate, its metadata last."""
    entry = source.entry()
    model = entry.model
    assert isinstance(model, Experiment)
    graph = Graph()
    # in the order in which people want to read them, and some programs do
    graph.entity(METADATA, "CreativeWork", about=ref(ROOT))
    graph.entity(ROOT, "Dataset")
    found = known(model.people, model.annotations) if people is None else named(people)
    who = list({one["@id"]: one for one in (person(graph, one) for one in found)}.values())
    given = license or model.annotations.get("license") or model.annotations.get("licence")
    graph.entity(
        ROOT,
        "Dataset",
        name=model.name,
        description=model.description or f"The simulation experiment {model.name}.",
        identifier=model.id,
        dateCreated=moment_of(model.created),
        datePublished=datetime.now(UTC).isoformat(timespec="seconds"),
        license=licence(graph, given if isinstance(given, str) else None),
        author=who,
    )
    graph.add(ROOT, hasPart=[])
    files = CrateFiles(folder, graph)
    archive = files.archive(source, model.name)
    actions = Actions(graph, files, archive, model.id, who)
    for way, part in parts_of(entry):
        if isinstance(part.model, Run):
            actions.tell(way, part, part.model)
    _conform(graph, actions, archive, who)
    (folder / METADATA).write_text(graph.text(), "ascii")


def _conform(
    graph: Graph, actions: Actions, archive: dict[str, str], who: list[dict[str, str]]
) -> None:
    """Name the profiles that it keeps to, and what is the main thing in it: the script that most
    runs were started with, or else the archive."""
    profiles = [*_PROFILES]
    main = archive
    if actions.scripts:
        ((script, _),) = actions.scripts.most_common(1)
        types = ["File", "SoftwareSourceCode", "ComputationalWorkflow"]
        main = graph.entity(script, types, author=who)
        graph.retype(script, types)
    else:
        profiles = profiles[:1]
    for profile in profiles:
        name, version = _PROFILES[profile]
        graph.entity(profile, "CreativeWork", name=name, version=version)
    root = [ref(profile) for profile in profiles]
    graph.entity(ROOT, "Dataset", conformsTo=root, mainEntity=main)
    # the profile of workflows is told in both places
    graph.entity(METADATA, "CreativeWork", conformsTo=[ref(_CRATE), *root[2:]])


def _pack(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                packed.write(file, file.relative_to(folder).as_posix())
