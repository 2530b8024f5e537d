"""Foreign files into an archive: each one whole or not at all, and none of them twice."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import schemas
from archive import provenance, values
from archive.adapters import Reader, announced, candidates, reader_for, readers
from archive.adapters.listing import owner
from archive.container import Container, KeyedValues, ParameterNames
from archive.entry import Loss
from archive.errors import ArchiveError, ArchiveWarning, FormatError, Refused, TransactionError
from archive.experiment.filling import Filling, Made
from archive.experiment.foreign_entries import Ahead, entries_of, of_file, options_of
from archive.experiment.import_labels import label_of, legal, losses_by_run, reason_of
from archive.experiment.import_report import ImportedFile
from archive.experiment.known_inputs import KnownInputs
from archive.experiment.parts import folder_of
from archive.experiment.source_file import SourceFile
from archive.storage.log import log_path

AnyPath = str | os.PathLike[str]


class Importing:
    """The import of one or many files into one archive."""

    def __init__(
        self,
        container: Container,
        known: KnownInputs,
        archive: Path,
        others: Sequence[KnownInputs] = (),
        *,
        format: str | None = None,
        again: bool = False,
        strict: bool = False,
        options: Mapping[str, Any],
    ) -> None:
        """`archive` is the whole, where the container is a part of it; `others` are the files
        that the others of them have. Raises FormatError, and MissingPackage, for `format`."""
        self._container = container
        self._known = known
        self._archive = archive
        self._others = others
        self._format = format
        self._again = again
        self._strict = strict
        self._options = dict(options)
        self._options_kept = values.to_schema_dict(options, "options of the import")
        self._elsewhere = False  # whether the last file was found in one of the others
        self._shared = False  # whether an option is only for the formats that have it
        self._keyed = KeyedValues(container)
        self._names = ParameterNames(container)
        self._readers: Mapping[str, Reader]
        self._readers = readers() if format is None else {format: reader_for(Path(), format)}
        self._announced = announced()

    # -- many --------------------------------------------------------------------------------

    def files(self, paths: Iterable[AnyPath]) -> Iterator[ImportedFile]:
        """What becomes of each file, one after another."""
        self._share_options()
        listed = list(dict.fromkeys(Path(path).absolute() for path in paths))
        belongs = self._belonging(listed)
        for path in listed:
            if path in belongs:
                reason = f"it belongs to {belongs[path].name}"
                yield ImportedFile(path, "belongs", reason=reason)
            else:
                yield self._outcome(path)

    def _share_options(self) -> None:
        """Of many files, each gets the options that its format has. Raises FormatError for an
        option that no format has."""
        self._shared = True
        having = [self._had_by(reader) for reader in self._readers.values()]
        for name in self._options:
            if not any(name in one for one in having):
                raise FormatError(
                    f"no format has an option {name!r}",
                    hint="the page of each says which it has; one that takes any must be named",
                )

    def _had_by(self, reader: Reader) -> list[str]:
        """Those of the options that a reader is given: all, if it was named or is for one file;
        else those that it has, where one that takes any has none."""
        if self._format is not None or not self._shared:
            return list(self._options)
        known = options_of(reader) or ()
        return [name for name in self._options if name in known]

    def _belonging(self, paths: Sequence[Path]) -> dict[Path, Path]:
        """The files that belong to another, and to which."""
        found: dict[Path, Path] = {}
        covering = {name: one for name, one in self._readers.items() if hasattr(one, "covers")}
        for path in paths if covering else ():
            try:
                names = self._candidates(path, covering)
                others = others_of(covering[names[0]], path) if len(names) == 1 else ()
            except ArchiveError:
                continue  # which is said when it is imported
            if path not in found:
                found.update({other: path for other in others})
        return found

    def _outcome(self, path: Path) -> ImportedFile:
        names: list[str] = []
        try:
            self._refuse_own(path)
            names = self._candidates(path, self._readers)
            if not names:
                reason = "no format is known to be its own"
                return ImportedFile(path, "unrecognised", reason=reason)
            return self.file(path, names=names)
        except TransactionError:
            raise  # not the file is at fault: the next one would fail too
        except ArchiveError as error:
            known = names[0] if len(names) == 1 else None
            return ImportedFile(path, "failed", known, reason=reason_of(error, path))

    def _candidates(self, path: Path, among: Mapping[str, Reader]) -> list[str]:
        if self._format is not None:
            return [name for name in among if name == self._format]
        return candidates(path, among)

    def _refuse_own(self, path: Path) -> None:
        if is_of_archive(path, self._archive):
            raise Refused(
                "that is the archive itself, or a part of it",
                path=path,
                hint="'neuroarchive merge' appends what lies in parts and other archives",
            )

    # -- one ---------------------------------------------------------------------------------

    def file(
        self, path: Path, name: str | None = None, *, names: Sequence[str] = ()
    ) -> ImportedFile:
        """Import one file, unless it was before; `names` are the formats it may have, where that
        is known. Raises FormatError and other errors of ours for what cannot be imported, and
        then nothing of it is."""
        self._elsewhere = False
        self._refuse_own(path)
        if len(names) == 1 or self._format is not None:
            format = self._format or names[0]
        else:
            reader = reader_for(path, among=self._readers)
            format = next(key for key, one in self._readers.items() if one is reader)
        reader = self._readers[format]
        with _warned(path) as said, SourceFile(path, others_of(reader, path)) as file:
            before = [] if self._again else self._before(file, format)
            if before:
                reason = f"imported before, as {before[0]!r}"
                return ImportedFile(path, "skipped", format, tuple(before), reason=reason)
            return self._take(file, format, reader, name, said)

    def _before(self, file: SourceFile, format: str) -> list[str]:
        """The runs that the same file has made before."""
        for known in (self._known, *self._others):
            if known.has_size(file.size):
                found = known.runs(self._record(file, format))
                if found:
                    self._elsewhere = known is not self._known
                    return found
        return []

    def rows(self, done: ImportedFile) -> list[int]:
        """The rows of the runs that the file of the last `file` is now; none, if it was imported
        into another part: a run of that name that lies here came from something else."""
        found = [] if self._elsewhere else map(self._container.run_named, done.runs)
        return [row for row in found if row is not None]

    def _record(self, file: SourceFile, format: str) -> schemas.Input:
        package, version = owner(format, self._announced)
        shown = partial(provenance.shown, privacy=self._container.privacy)
        had = self._had_by(self._readers[format])
        return schemas.Input(
            role="imported",
            path=shown(file.path),
            size=file.size,
            digest=file.digest,
            modified=file.modified,
            others={shown(other): digest for other, digest in file.other_digests.items()},
            format=format,
            package=package,
            version=version or None,
            options={name: self._options_kept[name] for name in had},
            author=provenance.user(self._container.privacy),
            at=datetime.now(UTC),
        )

    def _take(
        self,
        file: SourceFile,
        format: str,
        reader: Reader,
        name: str | None,
        said: Callable[[], list[Loss]],
    ) -> ImportedFile:
        file.begin_digest()
        losses: list[Loss] = []
        options = {name: self._options[name] for name in self._had_by(reader)}
        entries = Ahead(entries_of(reader, file, losses, options))
        label, folder = label_of(file.path), legal(file.path.parent.name) or "file"
        modified = file.modified
        kept = self._keyed, self._names
        filling = Filling(self._container, *kept, label, folder, modified, losses)
        try:
            with self._container.transaction(held=False):
                filling.take(entries, name)
                losses += said()
                self._check_losses(losses, file)
                record = self._record(file, format)
                file.check_unchanged()  # last: the digest must be that of what was read
                self._note(record, filling.runs, losses)
                names = [run.name for run in filling.runs]
        except Exception as error:
            self._known.failed_alone()
            raise of_file(error, file) from error
        except BaseException:
            self._known.failed_alone()
            raise
        self._known.add(record, names)
        return ImportedFile(file.path, "imported", format, tuple(names), tuple(losses))

    def _note(self, record: schemas.Input, runs: Sequence[Made], losses: Sequence[Loss]) -> None:
        """Keep with each run where it came from."""
        own = losses_by_run(losses, [run.called for run in runs])
        for run, lost in zip(runs, own, strict=True):
            change = record.model_copy(update={"losses": lost})
            self._container.add_change("run", run.row, change)

    def _check_losses(self, losses: Sequence[Loss], file: SourceFile) -> None:
        if losses and self._strict:
            listed = "; ".join(map(str, losses[:5]))
            raise FormatError(
                f"{len(losses)} facts would be lost: {listed}",
                path=file.path,
                hint="nothing of it was imported; leave out strict to accept that",
            )


def facts_of(path: Path, format: str | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """What `archive.open` is to be told of a new archive for a file that is a whole experiment:
    its name, description and people. Empty for any other file, and one that cannot be read."""
    try:
        reader = reader_for(path, format)
        with SourceFile(path) as file:
            first = next(entries_of(reader, file, [], dict(options)), None)
    except ArchiveError:
        return {}  # which is said when it is imported
    model = None if first is None else first.model
    if not isinstance(model, schemas.Experiment):
        return {}
    return {"name": model.name, "description": model.description, "people": model.people}


def others_of(reader: Reader, path: Path) -> list[Path]:
    """The other files that belong to one. Raises FormatError where the reader fails."""
    covers: Callable[[Path], Sequence[Path]] | None = getattr(reader, "covers", None)
    if covers is None:
        return []
    try:
        found = [Path(other).absolute() for other in covers(path)]
    except ArchiveError:
        raise
    except Exception as error:
        raise FormatError(
            f"its reader cannot say what belongs to it ({error!r:.200})", path=path
        ) from error
    return [other for other in dict.fromkeys(found) if other != path.absolute()]


def is_of_archive(path: Path, archive: Path) -> bool:
    """Whether a file is an archive, its log, or one of its parts."""
    path = path.absolute()
    if path in (archive, log_path(archive)) or folder_of(archive) in path.parents:
        return True
    try:
        return path.samefile(archive)
    except OSError:
        return False


@contextmanager
def _warned(path: Path) -> Iterator[Callable[[], list[Loss]]]:
    """What was warned of so far, as losses: something came in otherwise than it is in the file.
    Warnings of other kinds are given on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ArchiveWarning)
        yield lambda: [
            Loss(path.name, "warning", str(one.message))
            for one in caught
            if issubclass(one.category, ArchiveWarning)
        ]
    for one in caught:
        if not issubclass(one.category, ArchiveWarning):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
