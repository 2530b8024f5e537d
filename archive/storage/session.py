"""One process's hold on an archive: opens the file, hands out datasets and transactions."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import h5py
from h5py import h5f, h5p

from archive.errors import (
    AlreadyExists,
    ArchiveError,
    ArchiveNotFound,
    Busy,
    CorruptArchive,
    FormatError,
    Refused,
    TransactionError,
)
from archive.storage import guarded, nix
from archive.storage.early_sync import EarlySync
from archive.storage.files import SYSTEM, Files
from archive.storage.growing import Growing
from archive.storage.transaction import Transaction

Durability = Literal["commit", "close"]

BLOCK_TYPE = "archive.experiment"


def _access_list() -> h5p.PropFAID:
    plist = h5p.create(h5p.FILE_ACCESS)
    # 'earliest' keeps HDF5 1.8 able to read, and sets no write flag that a crash leaves behind.
    plist.set_libver_bounds(h5f.LIBVER_EARLIEST, h5f.LIBVER_LATEST)
    return plist


def _hdf5(path: Path, flags: int) -> h5py.File:
    return h5py.File(h5f.open(os.fsencode(path), flags=flags, fapl=_access_list()))


def create(
    path: Path,
    name: str,
    fill: Callable[[Transaction], None],
    *,
    stamp: Mapping[str, str | int],
    files: Files = SYSTEM,
) -> None:
    """A new archive with what `fill` puts in; all of it appears under `path` at once.

    Raises AlreadyExists, Refused where the folder cannot be written to, and TransactionError
    when the system fails; then nothing is left of it.
    """
    if path.exists():
        raise AlreadyExists(
            "the file exists already",
            path=path,
            hint="mode='a' appends to an archive; mode='r' reads it",
        )
    staged = path.with_name(f".{uuid.uuid4().hex}.new")
    plist = h5p.create(h5p.FILE_CREATE)
    plist.set_link_creation_order(nix.ORDERED)
    try:
        made = h5py.File(
            h5f.create(os.fsencode(staged), h5f.ACC_EXCL, fcpl=plist, fapl=_access_list())
        )
    except FileNotFoundError as error:
        raise ArchiveNotFound("the folder does not exist", path=path.parent) from error
    except OSError as error:
        raise Refused(
            f"cannot write in the folder ({error.strerror or error})",
            path=path.parent,
            hint="choose a folder that you may write to",
        ) from error
    try:
        with made:
            nix.create_header(made, name, BLOCK_TYPE)
            for holder in (made, made["data"][name], made["data"][name]["metadata"]):
                nix.set_stamp(holder, stamp)
            fill(Transaction(made["data"][name], stamp))
        files.sync(staged)
        _publish(staged, path, files)
    except (OSError, RuntimeError) as error:
        if isinstance(error, ArchiveError):
            raise
        raise TransactionError(
            f"the archive could not be created ({error})",
            path=path,
            hint="see that the disk has room and is sound, then repeat the last step",
        ) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            files.remove(staged)


def _publish(staged: Path, path: Path, files: Files) -> None:
    try:
        files.link(staged, path)  # unlike a rename, never takes the place of another file
    except FileExistsError as error:
        raise AlreadyExists(
            "another process created the file just now", path=path, hint="open it with mode='a'"
        ) from error
    try:
        files.sync_folder(path.parent)
    except OSError:
        files.remove(path)
        raise


def remove_file(path: Path, files: Files = SYSTEM) -> None:
    """Remove an archive for good."""
    files.remove(path)
    files.sync_folder(path.parent)


class Session:
    """An open archive file. All reading and writing of the container goes through here."""

    def __init__(
        self,
        path: Path,
        *,
        writable: bool,
        stamps: Sequence[str] = (),
        durability: Durability = "commit",
        files: Files = SYSTEM,
    ) -> None:
        """`stamps` names the attributes that the file and every entity in it carry."""
        self.path = path
        self.writable = writable
        self._durability = durability
        self._files = files
        self._datasets: dict[str, Growing] = {}
        self._active: Transaction | None = None
        self._changed = False
        self._stamp: dict[str, str | int] = {}
        self._file = _open(path, writable)
        try:
            self._block = guarded.find_block(self._file, path)
            self._stamp = guarded.stamps(self._file, stamps, path)
        except BaseException:
            self._file.close()
            raise

    # -- reading -----------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        return not self._file

    @property
    def name(self) -> str:
        """The name of the Block: the experiment's."""
        return str(self._block.name).rsplit("/", 1)[-1]

    @property
    def stamp(self) -> Mapping[str, str | int]:
        """The attributes that the file and every entity in it carry."""
        return self._stamp

    def section(self, name: str) -> h5py.Group:
        """A Section below the Block's own, to hang entities on."""
        self.check_open()
        return self._block["metadata"]["sections"][name]

    def dataset(self, kind: str, name: str) -> Growing:
        """The data of the DataArray or DataFrame of that name. CorruptArchive if it is missing."""
        self.check_open()
        key = f"{kind}/{name}"
        found = self._datasets.get(key)
        if found is None:
            found = self._datasets[key] = guarded.dataset(self._block, kind, name, self.path)
        return found

    def names(self, kind: str) -> list[str]:
        """The names of all entities of a kind (or of the 'sections'), in order of creation."""
        self.check_open()
        parent = self._block["metadata"] if kind == "sections" else self._block
        return list(parent[kind])

    def check_open(self) -> None:
        if not self._file:
            raise Refused("the archive is closed", path=self.path, hint="open it again")

    # -- writing -----------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything done inside becomes permanent together, or not at all.

        A transaction inside another joins it: it is undone alone if it fails alone, and becomes
        permanent with the outer one. Raises Refused in a read-only session, and
        TransactionError when the system fails; then the archive is as it was before.
        """
        self.check_open()
        if not self.writable:
            raise Refused(
                "the archive was opened for reading", path=self.path, hint="open it with mode='a'"
            )
        if self._active is not None:
            with self._inner(self._active) as inner:
                yield inner
            return
        early = EarlySync(self.path, self._files) if self._durability == "commit" else None
        on_bytes = early.wrote if early is not None else lambda count: None
        transaction = self._active = Transaction(self._block, self._stamp, on_bytes)
        try:
            yield transaction
            self._file.flush()
            if early is not None:
                early.finish()
            self._changed = True
        except BaseException as error:
            self._datasets.clear()
            transaction.roll_back()
            if isinstance(error, OSError | RuntimeError) and not isinstance(error, ArchiveError):
                raise TransactionError(
                    f"the change failed and was undone ({error})",
                    path=self.path,
                    hint="see that the disk has room and is sound, then repeat the last step",
                ) from error
            raise
        finally:
            self._active = None

    @contextmanager
    def _inner(self, outer: Transaction) -> Iterator[Transaction]:
        inner = self._active = Transaction(self._block, self._stamp, outer.on_bytes)
        try:
            yield inner
            outer.join(inner)
        except BaseException:
            self._datasets.clear()
            inner.roll_back()
            raise
        finally:
            self._active = outer

    def remember(self, kind: str, name: str, dataset: Growing) -> None:
        """Keep the handle of a dataset that was just created."""
        self._datasets[f"{kind}/{name}"] = dataset

    def close(self) -> None:
        """Close the file; with durability 'close' this is where it is synced."""
        if not self._file:
            return
        self._datasets.clear()
        self._file.close()
        if self._changed:
            self._files.sync(self.path)


def _open(path: Path, writable: bool) -> h5py.File:
    if path.is_dir():
        raise FormatError("this is a folder", path=path, hint="name a file")
    if path.exists() and not path.is_file():  # to open a pipe would wait for its other end
        raise FormatError("this is no file but a device or pipe", path=path, hint="name a file")
    if path.is_file() and not path.stat().st_size:  # to write, HDF5 would make a file of it
        raise FormatError("not an HDF5 file, but an empty one", path=path, hint="remove it first")
    guarded.refuse_plugins()
    try:
        file = _hdf5(path, h5f.ACC_RDWR if writable else h5f.ACC_RDONLY)
    except FileNotFoundError as error:
        raise ArchiveNotFound(
            "no such file", path=path, hint="mode='a' or 'x' creates an archive"
        ) from error
    except PermissionError as error:
        raise Refused(f"not permitted ({error.strerror})", path=path) from error
    except BlockingIOError as error:
        raise Busy(
            "another session holds the archive",
            path=path,
            hint="close it there, or wait until that process has ended",
        ) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    # Within a process HDF5 lets a file be opened again, though neither session would see what
    # the other one writes.
    if h5f.get_obj_count(file.id, h5f.OBJ_FILE) > 1 and file.id.get_intent() == h5f.ACC_RDWR:
        file.close()
        raise _open_already(path)
    return file


def _open_already(path: Path) -> Busy:
    return Busy(
        "this process has the file open already",
        path=path,
        hint="close it first, or use the session that is open",
    )


def _unreadable(path: Path, error: OSError) -> ArchiveError:
    text = str(error)
    if "already open" in text or "close degree" in text:
        return _open_already(path)
    if "signature not found" in text:
        return FormatError(
            "not an HDF5 file",
            path=path,
            hint="'neuroarchive export --help' and the documentation list what can be read",
        )
    return CorruptArchive(f"HDF5 cannot open the file ({text})", path=path)
