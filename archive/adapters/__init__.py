"""The formats of files that an archive can be written to, found by name or by suffix.

Our own adapters and those of other packages come through the same door, the entry points of
the group ``archive.adapters``; nothing of them is imported before it is asked for.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from archive.adapters.aer_loading import load_aer
from archive.adapters.atf_text import read_atf
from archive.adapters.base import Reader, Writer
from archive.adapters.neuron_text import read_neuron_dat
from archive.adapters.unreadable import check_readable
from archive.errors import FormatError, MissingPackage

__all__ = [
    "Reader",
    "Writer",
    "announced",
    "candidates",
    "load_aer",
    "read_atf",
    "read_neuron_dat",
    "reader_for",
    "readers",
    "writer_for",
    "writers",
]

GROUP = "archive.adapters"
OURS = "neuroarchive"
# Used as they are when the distribution is not installed, as in a plain checkout.
BUILT_IN = {
    "aedat3": "archive.adapters.aedat3:Aedat3",
    "aedat4": "archive.adapters.aedat4:Aedat4",
    "aer": "archive.adapters.aer:Aer",
    "aer-headerless": "archive.adapters.aer:AerHeaderless",
    "annarchy": "archive.adapters.annarchy:Annarchy",
    "annarchy-parameters": "archive.adapters.annarchy_parameters:AnnarchyParameters",
    "atf": "archive.adapters.atf:Atf",
    "brian2": "archive.adapters.brian2_store:Brian2Store",
    "citation": "archive.adapters.citation:Citation",
    "conda-environment": "archive.adapters.environment_files:CondaEnvironment",
    "csv": "archive.adapters.csv_tables:CsvTables",
    "evt2": "archive.adapters.evt2:Evt2",
    "evt3": "archive.adapters.evt3:Evt3",
    "json": "archive.adapters.json_archive:JsonArchive",
    "json-parameters": "archive.adapters.json_parameters:JsonParameters",
    "mat": "archive.adapters.mat:Mat",
    "methods": "archive.adapters.methods:Methods",
    "neo": "archive.adapters.neo_:Neo",
    "neo-nix": "archive.adapters.neo_nix:NeoNix",
    "neuron": "archive.adapters.neuron:Neuron",
    "npy": "archive.adapters.npz:Npy",
    "npz": "archive.adapters.npz:Npz",
    "nwb": "archive.adapters.nwb:Nwb",
    "pickle": "archive.adapters.pickles:Pickle",
    "prophesee-dat": "archive.adapters.prophesee_dat:PropheseeDat",
    "prov-json": "archive.adapters.prov_json:ProvJson",
    "prov-n": "archive.adapters.prov_n:ProvN",
    "pynn-text": "archive.adapters.pynn_text:PynnText",
    "requirements": "archive.adapters.environment_files:Requirements",
    "ro-crate": "archive.adapters.ro_crate:RoCrate",
    "scipy-sparse": "archive.adapters.scipy_sparse:ScipySparse",
    "shelve": "archive.adapters.shelves:Shelves",
    "sonata": "archive.adapters.sonata:Sonata",
    "yaml-parameters": "archive.adapters.yaml_parameters:YamlParameters",
}


class _Found(NamedTuple):
    """An adapter that is announced, and by whom; not yet imported."""

    point: Any  # an importlib.metadata.EntryPoint
    package: str
    version: str

    def __str__(self) -> str:
        return f"adapter {self.point.name!r} of {self.package} {self.version}".rstrip()

    def load(self) -> object:
        made: object = self.point.load()()
        return made


def _announced() -> Iterator[_Found]:
    # imported here: it takes 30 ms, and most sessions export nothing
    from importlib.metadata import EntryPoint, entry_points

    for built_in, place in BUILT_IN.items():
        yield _Found(EntryPoint(built_in, place, GROUP), OURS, "")
    for point in entry_points(group=GROUP):
        name, version = (point.dist.name, point.dist.version) if point.dist else ("?", "")
        yield _Found(point, name, version)


def announced() -> dict[str, _Found]:
    """All adapters by name. Of two with one name ours is taken, or the first package's."""
    found: dict[str, _Found] = {}
    for one in sorted(_announced(), key=lambda f: (f.point.name, f.package != OURS, f.package)):
        first = found.setdefault(one.point.name, one)
        if first.point.value != one.point.value:
            warnings.warn(
                f"{one} is not used: {first.package} has one of the same name",
                RuntimeWarning,
                stacklevel=3,
            )
    return found


def _named(name: str, verb: str) -> Any:
    """The adapter of this name, or of one kind of its format, ``name:kind``."""
    name, colon, kind = name.partition(":")
    adapters = announced()
    if name not in adapters:
        raise FormatError(
            f"there is no format {name!r}", hint=f"known are {', '.join(adapters) or 'none'}"
        )
    found = adapters[name]
    try:
        adapter = found.load()
    except ImportError as error:
        extra = f"[{','.join(found.point.extras)}]" if found.point.extras else ""
        raise MissingPackage(
            f"the {found} needs a package that is not installed: {error}",
            hint=f"pip install '{found.package}{extra}'",
        ) from error
    except Exception as error:
        raise FormatError(f"the {found} is broken: {error!r}") from error
    if colon:
        if not callable(getattr(adapter, "variant", None)):
            raise FormatError(f"the {found} has no kinds", hint=f"name it as {name!r}")
        adapter = cast("Any", adapter).variant(kind)
    if not callable(getattr(adapter, verb, None)):
        raise FormatError(f"the {found} cannot {verb}", hint="choose another format")
    return adapter


def _able(verb: str) -> dict[str, Any]:
    loaded: dict[str, Any] = {}
    for name, found in announced().items():
        try:
            adapter = found.load()
        except Exception as error:  # whatever a foreign package does must not stop the others
            warnings.warn(f"the {found} cannot be loaded: {error!r}", RuntimeWarning, stacklevel=3)
            continue
        if callable(getattr(adapter, verb, None)):
            loaded[name] = adapter
    return loaded


def writers() -> dict[str, Writer]:
    """All adapters that can write, by name in alphabetical order. One that cannot be imported
    is left out with a RuntimeWarning that names its package and version."""
    return _able("write")


def readers() -> dict[str, Reader]:
    """All adapters that can read; as `writers`."""
    return _able("read")


def writer_for(path: Path, format: str | None = None, *, folder: bool = False) -> Writer:
    """The adapter that writes such a file: the one named `format`; or else the one that has the
    file's whole name, as ``requirements.txt``, among its ``file_names``; or else the only one that
    has the file's suffix; of several suffixes, as ``.prov.json``, the longest that one has.

    With `folder`, a folder is to be written: then it is the only one whose `writes_folders` is
    true, if none has the suffix. Raises FormatError, with the known formats or the candidates, if
    there is none or are several, and MissingPackage if the one named cannot be imported.
    """
    if format is not None:
        return cast("Writer", _named(format, "write"))
    loaded = writers()
    suffix, called = path.suffix.lower(), path.name.lower()
    candidates = [name for name, one in loaded.items() if called in _file_names(one)]
    for start in range(len(path.suffixes)):
        if not candidates:
            suffix = "".join(path.suffixes[start:]).lower()
            candidates = [name for name, one in loaded.items() if suffix in one.suffixes]
    if folder and not candidates:
        candidates = [name for name, one in loaded.items() if getattr(one, "writes_folders", False)]
    if len(candidates) == 1:
        return loaded[candidates[0]]
    if candidates:
        raise FormatError(
            f"several formats have the suffix {suffix}: {', '.join(candidates)}",
            path=path,
            hint="name one of them as the format",
        )
    known = ", ".join(
        f"{name} ({' '.join(writer.suffixes)})"
        for name, writer in loaded.items()
        if writer.suffixes  # others are only chosen by name
    )
    raise FormatError(
        f"no format has the suffix {suffix!r}", path=path, hint=f"known are {known or 'none'}"
    )


def _file_names(writer: Writer) -> tuple[str, ...]:
    return tuple(getattr(writer, "file_names", ()))


def candidates(path: Path, among: Mapping[str, Reader]) -> list[str]:
    """The names of the readers that a file, or folder, may be for: those that recognise what is
    in it; or else, of those that do not look, those that have its suffix. None is tried.

    One whose `general` is true gives way to all others that recognise the file: it reads any
    pickle, say, and they one program's. A folder is shown only to those whose `folders` is true.
    Raises FormatError for what cannot be opened.
    """
    loaded: Mapping[str, Any] = among
    if path.is_dir():
        loaded = {key: one for key, one in among.items() if getattr(one, "folders", False)}
    else:
        check_readable(path)
    looking = [name for name, reader in loaded.items() if hasattr(reader, "recognises")]
    found = [name for name in looking if _recognises(loaded[name], path)]
    found = [name for name in found if not getattr(loaded[name], "general", False)] or found
    if found:
        return found
    suffix = path.suffix.lower()
    blind = [name for name in loaded if name not in looking]
    return [name for name in blind if suffix in loaded[name].suffixes]


def _recognises(reader: Any, path: Path) -> bool:
    """What a reader says of a file. One that fails there has not recognised it: a foreign package
    must not stand in the way of all others."""
    try:
        return bool(reader.recognises(path))
    except Exception as error:
        warnings.warn(
            f"the reader {reader.name!r} fails where it looks at {path}: {error!r}",
            RuntimeWarning,
            stacklevel=4,
        )
        return False


def reader_for(
    path: Path, format: str | None = None, *, among: Mapping[str, Reader] | None = None
) -> Reader:
    """The adapter that reads a file: the one named `format`; or else the one that recognises
    what is in it; or else, of those that do not look, the only one that has its suffix.

    A reader looks by its method ``recognises(path)``, if it has one, and only at marks in the
    file: none is tried; see `candidates`. Raises FormatError as `writer_for`, also where several
    recognise it. Who asks for many files gives the `readers` that it has loaded.
    """
    if format is not None:
        return cast("Reader", _named(format, "read"))
    loaded = readers() if among is None else among
    found = candidates(path, loaded)
    if len(found) == 1:
        return loaded[found[0]]
    what = "folder" if path.is_dir() else "file"
    if found:
        raise FormatError(
            f"several formats may be that of this {what}: {', '.join(found)}",
            path=path,
            hint="name one of them as the format",
        )
    raise FormatError(
        f"no format is known to be that of this {what}",
        path=path,
        hint=f"name it as the format; known are {', '.join(loaded) or 'none'}",
    )
