"""The files of a crate beside its metadata: the archive, scripts, changes, requirements."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

import schemas
from archive.adapters.crate_graph import ROOT, Graph, place
from archive.adapters.entry_documents import plain_name
from archive.adapters.json_archive import JsonArchive
from archive.adapters.requirements_lines import commented, requirements
from archive.entry import Copied, Source

_LIMIT = 64 << 20  # bytes of a script, or of changes


@dataclass(slots=True)
class CrateFiles:
    """Files in the folder of a crate, and their entities. Where each lies depends on what is in
    it, so that equal ones of many runs are there once."""

    folder: Path
    graph: Graph
    _put: dict[tuple[str, str], dict[str, str] | None] = field(default_factory=dict)

    def archive(self, source: Source, name: str) -> dict[str, str]:
        """All of the experiment: the archive, or its entries in our JSON."""
        if isinstance(source, Copied):
            at, id = self._place("data", f"{_stem(source.path.name, '.nix')}.nix")
            if source.copy_to(at):
                return self._data(id, at, name, "application/x-hdf5", _ARCHIVE)
        at, id = self._place("data", f"{_stem(name, '.json')}.json")
        JsonArchive().write(source, at)
        return self._data(id, at, name, "application/json", _JSON)

    def script(self, source: schemas.Source) -> dict[str, str] | None:
        """A file of a program, if its text was kept and is what it was."""
        key = ("code", source.digest)
        if key not in self._put:
            data = _inflated(source.content)
            is_it = data is not None and hashlib.sha256(data).hexdigest() == source.digest
            self._put[key] = (
                self._file(data, (*key, _base(source.path)), ["File", "SoftwareSourceCode"])
                if is_it and data is not None
                else None
            )
        found = self._put[key]
        if found is not None:
            self.graph.entity(found["@id"], "File", alternateName=source.path)
        return found

    def changes(self, state: schemas.Repository) -> dict[str, str] | None:
        """How the files of a repository differed from the commit, as a patch."""
        data = _inflated(state.diff)
        if not data:
            return None
        key = ("changes", hashlib.sha256(data).hexdigest())
        if key not in self._put:
            about = f"what `git apply` adds to the commit {state.commit or 'that was checked out'}"
            self._put[key] = self._file(data, (*key, "changes.patch"), "File", about, "text/x-diff")
        return self._put[key]

    def requirements(self, packages: Mapping[str, str]) -> dict[str, str] | None:
        """The distributions that were installed, for ``pip install -r``."""
        pinned, others = requirements(packages)
        if not pinned:
            return None
        data = "".join(f"{line}\n" for line in (*pinned, *commented(others))).encode()
        key = ("environment", hashlib.sha256(data).hexdigest())
        if key not in self._put:
            about = "the Python packages that were installed"
            self._put[key] = self._file(data, (*key, "requirements.txt"), "File", about)
        return self._put[key]

    def _place(self, *steps: str) -> tuple[Path, str]:
        """Where a file comes to lie, and its ``@id``; its folder is made."""
        at = self.folder.joinpath(*steps)
        at.parent.mkdir(parents=True, exist_ok=True)
        return at, place(*steps)

    def _file(
        self,
        data: bytes,
        steps: tuple[str, ...],
        type: str | list[str],
        about: str = "",
        media: str = "text/plain",
    ) -> dict[str, str]:
        at, id = self._place(*steps)
        at.write_bytes(data)
        return self._data(id, at, steps[-1], media, about, type)

    def _data(
        self,
        id: str,
        at: Path,
        name: str,
        media: str,
        about: str,
        type: str | list[str] = "File",
    ) -> dict[str, str]:
        facts = {"description": about, "encodingFormat": media}
        with at.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = str(at.stat().st_size)
        found = self.graph.entity(id, type, name=name, contentSize=size, sha256=digest, **facts)
        self.graph.add(ROOT, hasPart=[found])
        return found


_ARCHIVE = "The archive: an HDF5 file in the NIX format with all of the experiment."
_JSON = "All entries of the experiment in the JSON of neuroarchive, which reads it."


def _stem(name: str, suffix: str) -> str:
    """A name of a file without its suffix, that every system takes."""
    return plain_name(name.removesuffix(suffix))[:100]


def _base(path: str) -> str:
    """The last step of a path of any system, as a name that every one takes."""
    posix = PurePosixPath(path).name
    return plain_name(PureWindowsPath(posix).name or posix)[:100]


def _inflated(data: bytes | None) -> bytes | None:
    """What was compressed as RFC 1950 says; None for what was not, or becomes too large."""
    if data is None:
        return None
    machine = zlib.decompressobj()
    try:
        text = machine.decompress(data, _LIMIT)
    except zlib.error:
        return None
    return text if machine.eof else None
