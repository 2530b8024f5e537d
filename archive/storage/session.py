"""One process's hold on an archive: opens the file, hands out datasets and transactions."""

from __future__ import annotations

import atexit
import os
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Literal

import h5py
from h5py import h5d

from archive.errors import (
    ArchiveError,
    CorruptArchive,
    FormatError,
    Refused,
    TransactionError,
)
from archive.storage import files as files_, guarded
from archive.storage.files import Files
from archive.storage.growing import Growing
from archive.storage.hdf5 import open_hdf5
from archive.storage.held_back import held_back
from archive.storage.openable import refusals, require_plain
from archive.storage.overlay import Overlay
from archive.storage.snapshot import Snapshot
from archive.storage.store import Store
from archive.storage.transaction import Transaction

Durability = Literal["commit", "close"]

# With durability "close": how long a group of transactions lasts, and what may wait for its end.
GROUP_SECONDS = 5.0
GROUP_BYTES = 16 << 20


class Session:
    """An open archive file. All reading and writing of the container goes through here."""

    def __init__(
        self,
        path: Path,
        *,
        writable: bool,
        stamps: Sequence[str] = (),
        durability: Durability = "commit",
        timeout: float = 10,
        files: Files | None = None,
        nameless: bool = False,
    ) -> None:
        """`stamps` names the attributes that the file and every entity in it carry; `timeout`
        is how many seconds to wait for another writer. `nameless`: those who wait for this one are
        not told on which computer it is."""
        self._nameless = nameless
        self.path = path
        self.writable = writable
        self._durability = durability
        self._timeout = timeout
        self._files = files or files_.system()
        self._pid = os.getpid()
        self._datasets: dict[str, Growing] = {}
        self.forbidden: dict[str, str] = {}  # what must not be read, by kind and name, and why
        self._handed_out: weakref.WeakKeyDictionary[Growing, str] = weakref.WeakKeyDictionary()
        self._active: Transaction | None = None
        self._group_began: float | None = None
        self._lost: str | None = None  # why the session cannot go on
        self._store: Store | None = None
        self._snapshot: Snapshot | None = None
        self._hold()
        try:
            self._open()
            self._stamp = guarded.stamps(self._file, stamps, path)
        except BaseException:
            try:
                self.check_read()  # HDF5 knows only what it missed, not why
            finally:
                self._let_go()
            raise
        OPEN.add(self)

    def _hold(self) -> None:
        require_plain(self.path)
        with refusals(self.path, writable=self.writable):
            if self.writable:
                self._store = Store(self.path, self._files, self._timeout, nameless=self._nameless)
                if self._durability == "commit":
                    self._store.write_early()
            else:
                self._snapshot = Snapshot(self.path, self._files, self._timeout)

    @property
    def _through(self) -> Overlay | None:
        """The file object that HDF5 reads through; None for its own driver."""
        if self._store is not None:
            return self._store.file
        return None if self._snapshot is None else self._snapshot.file

    def _open(self) -> None:
        if not self.path.stat().st_size and (self._through is None or not self._through.end):
            raise FormatError(
                "not an HDF5 file, but an empty one", path=self.path, hint="remove it first"
            )
        self._file = open_hdf5(self.path, self._through, writable=self.writable)
        self._id = self._file.id
        self._block = guarded.find_block(self._file, self.path)

    def _let_go(self) -> None:
        """Close HDF5's file and all others, whatever state they are in."""
        self._close_hdf5()
        if self._store is not None:
            self._store.release()
        if self._snapshot is not None:
            self._snapshot.close()

    def _close_hdf5(self) -> None:
        self._datasets.clear()
        with suppress(RuntimeError, OSError):  # whatever it says, the file object knows more
            if getattr(self, "_file", None):
                self._file.close()

    # -- reading -----------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        return not self._file

    @property
    def recovered(self) -> int:
        """How many transactions were taken from the log that a crash had left."""
        return 0 if self._store is None else self._store.recovered

    @property
    def name(self) -> str:
        """The name of the Block: the experiment's."""
        return str(self._block.name).rsplit("/", 1)[-1]

    @property
    def stamp(self) -> Mapping[str, str | int]:
        """The attributes that the file and every entity in it carry."""
        return self._stamp

    @property
    def block(self) -> h5py.Group:
        """The group in which all of ours lies."""
        self.check_open()
        return self._block

    def section(self, name: str) -> h5py.Group:
        """A Section below the Block's own, to hang entities on."""
        self.check_open()
        return self._block["metadata"]["sections"][name]

    def dataset(self, kind: str, name: str) -> Growing:
        """The data of the DataArray or DataFrame of that name. CorruptArchive if it is missing, or
        not to be trusted."""
        self.check_open()
        key = f"{kind}/{name}"
        found = self._datasets.get(key)
        if found is None:
            if key in self.forbidden:
                raise CorruptArchive(self.forbidden[key], path=self.path, entry=key)
            try:
                found = Growing(self._find(kind, name))
            except CorruptArchive:
                self.check_read()
                raise
            self.remember(kind, name, found)
        return found

    def _find(self, kind: str, name: str) -> h5d.DatasetID:
        # who writes needs the cache, for segments that share a chunk
        return guarded.dataset(self._block, kind, name, self.path, cached=self.writable)

    def names(self, kind: str) -> list[str]:
        """The names of all entities of a kind (or of the 'sections'), in order of creation."""
        self.check_open()
        parent = self._block["metadata"] if kind == "sections" else self._block
        return list(parent[kind])

    def check_open(self) -> None:
        """Raises Refused if the archive is closed, or the parent of this process writes to it."""
        if self.writable and self._pid != os.getpid():
            raise Refused(
                "a forked process cannot use the archive that its parent has opened",
                path=self.path,
                hint="open it in the child, for reading, or use exp.session() there",
            )
        if not self._id.valid:  # as `not self._file`, which asks in a roundabout way
            what = self._lost or "the archive is closed"
            raise Refused(what, path=self.path, hint="open it again")
        self.check_read()

    def check_read(self) -> None:
        """Raises what happened while HDF5 was reading, and which it was not told."""
        file = self._through
        if file is None:
            return
        interrupt, file.interrupt = file.interrupt, None
        if interrupt is not None:
            raise interrupt
        if file.error is not None and self._active is None:
            error, file.error = file.error, None
            raise TransactionError(
                f"the file cannot be read ({error})", path=self.path, hint="see to the disk"
            ) from error

    def refresh(self) -> None:
        """In a session that reads: go on to what is committed now. CorruptArchive and Busy as at
        opening."""
        self.check_open()
        if self.writable:
            return
        self._let_go()
        self._hold()
        try:
            self._open()
        except BaseException:
            self._let_go()
            raise
        self._renew()

    def copy_to(self, path: Path) -> None:
        """Write what this session sees as a new file, which needs no log. Raises OSError."""
        self.check_open()
        if self._store is not None:
            self._file.flush()  # HDF5 keeps some of it in memory
            self._store.file.write_to(path)
        elif self._snapshot is not None:
            self._snapshot.pages.write_to(path)

    def _renew(self) -> None:
        """Let the datasets that were handed out find their place in the file opened anew."""
        for dataset, key in list(self._handed_out.items()):
            with suppress(guarded.Missing):  # one that was undone stays closed
                kind, name = key.split("/")
                dataset.reopen(self._find(kind, name))
                self.remember(kind, name, dataset)

    # -- writing -----------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, held: bool = True) -> Iterator[Transaction]:
        """Everything done inside becomes permanent together, or not at all.

        A transaction inside another joins it: it is undone alone if it fails alone, and becomes
        permanent with the outer one. Signals wait for its end, unless `held` is False, since
        others' code runs inside. Raises Refused in a read-only session, and TransactionError
        when the system fails; then the archive is as it was before.
        """
        self.check_open()
        if not self.writable:
            raise Refused(
                "the archive was opened for reading", path=self.path, hint="open it with mode='a'"
            )
        with ExitStack() as stack:
            if held:
                stack.enter_context(held_back())
            outer = self._active
            transaction = self._active = Transaction(self._block, self._stamp)
            try:
                yield transaction
            except BaseException as error:
                with held_back():
                    self._undo(transaction, outer, error)
                raise
            self._active = outer
            if outer is not None:
                outer.join(transaction)
            else:
                with held_back():
                    self._commit()

    def _undo(
        self, transaction: Transaction, outer: Transaction | None, error: BaseException
    ) -> None:
        self._active = outer
        store = self._writing
        self._datasets.clear()
        cause: BaseException | None = store.file.error
        if cause is None:
            try:
                transaction.roll_back()
                cause = store.file.error
            except (OSError, RuntimeError, KeyError) as failed:
                cause = failed
        if cause is not None:
            if outer is None:
                self._go_back()
            else:  # the outer one cannot become permanent any more
                store.file.error = store.file.error or OSError(str(cause))
        elif isinstance(error, OSError | RuntimeError) and not isinstance(error, ArchiveError):
            cause = error
        if cause is not None:
            raise self._failed(cause) from cause

    def _failed(self, cause: BaseException) -> TransactionError:
        return TransactionError(
            f"the change failed and was undone ({cause})",
            path=self.path,
            hint="see that the disk has room and is sound, then repeat the last step",
        )

    @property
    def _writing(self) -> Store:
        assert self._store is not None
        return self._store

    def _commit(self) -> None:
        if self._durability == "close" and not self._group_is_full():
            return
        try:
            self._file.flush()
            self._writing.commit()
            self._group_began = None
        except (OSError, RuntimeError) as error:
            cause = self._writing.file.error or error
            self._go_back()
            raise self._failed(cause) from cause

    def _group_is_full(self) -> bool:
        now = time.monotonic()
        self._group_began = self._group_began or now
        waits = self._writing.file.waiting
        return waits > GROUP_BYTES or now - self._group_began > GROUP_SECONDS

    def _go_back(self) -> None:
        """To the last commit, in the file: HDF5's memory is no longer what the file will be."""
        self._close_hdf5()
        self._group_began = None
        try:
            self._writing.roll_back()
            self._open()
            self._renew()
        except (OSError, RuntimeError, ArchiveError) as error:
            cause = self._writing.file.error or error
            self._lost = f"the session has ended, since the file cannot be read back ({cause})"
            self._let_go()

    def remember(self, kind: str, name: str, dataset: Growing) -> None:
        """Keep the handle of a dataset that was just created."""
        self._datasets[f"{kind}/{name}"] = dataset
        self._handed_out[dataset] = f"{kind}/{name}"
        dataset.after = self.check_read
        dataset.file = None if self._store is None else self._store.file
        if self._snapshot is not None:  # where somebody writes, HDF5 alone knows what there is
            dataset.fetch = self._snapshot.pages.fetch_each

    def note(self, run: str | None) -> None:
        """Tell those who wait for the archive what it is held for."""
        self._writing.note(run)

    def close(self, *, remove: bool = False) -> None:
        """Commit what waits and close the file, or remove it. Raises TransactionError if that
        fails; then what was committed before is there, and the file is closed all the same."""
        OPEN.discard(self)
        if not self._file:
            return
        if self.writable and self._pid != os.getpid():
            self._close_hdf5()  # else HDF5 does it when there is no Python left
            return
        if self._store is None:
            self._let_go()
            return
        with held_back():
            self._close_hdf5()
            try:
                (self._store.remove if remove else self._store.close)()
            except OSError as error:
                raise TransactionError(
                    f"closing failed ({error}): what was not committed before is lost",
                    path=self.path,
                    hint="see that the disk has room and is sound, then open the archive again",
                ) from error

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            with suppress(ArchiveError):
                self.close()


OPEN: weakref.WeakSet[Session] = weakref.WeakSet()


def _close_all() -> None:
    """HDF5 would close them when there is no Python left to write for it."""
    for session in list(OPEN):
        session.close()


atexit.register(_close_all)
