"""How HDF5 opens our files, and what its refusals mean."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
from h5py import h5f, h5fd, h5p

from archive.errors import ArchiveError, CorruptArchive, FormatError, Refused
from archive.storage import nix
from archive.storage.guarded import refuse_plugins
from archive.storage.overlay import Overlay


def _access_list(file: Overlay | None) -> h5p.PropFAID:
    plist = h5p.create(h5p.FILE_ACCESS)
    # 'earliest' keeps HDF5 1.8 able to read, and sets no write flag that a crash leaves behind.
    plist.set_libver_bounds(h5f.LIBVER_EARLIEST, h5f.LIBVER_LATEST)
    if file is not None:
        plist.set_fclose_degree(h5f.CLOSE_STRONG)  # nothing may come to `file` afterwards
        plist.set_fileobj_driver(h5fd.fileobj_driver, file)
    return plist


def create_hdf5(path: Path, file: Overlay) -> h5py.File:
    """An empty HDF5 file that is written through a file object."""
    plist = h5p.create(h5p.FILE_CREATE)
    plist.set_link_creation_order(nix.ORDERED)
    access = _access_list(file)
    return h5py.File(h5f.create(os.fsencode(path), h5f.ACC_TRUNC, fcpl=plist, fapl=access))


def open_hdf5(path: Path, file: Overlay | None, *, writable: bool) -> h5py.File:
    """An HDF5 file, through a file object or HDF5's own driver.

    Raises FormatError for what is not HDF5, CorruptArchive for what HDF5 cannot open, and
    Refused to write to a file in the newest format.
    """
    refuse_plugins()
    flags = h5f.ACC_RDWR if writable else h5f.ACC_RDONLY
    try:
        opened = h5py.File(h5f.open(os.fsencode(path), flags=flags, fapl=_access_list(file)))
    except OSError as error:
        raise _unreadable(path, error) from error
    if writable and opened.id.get_create_plist().get_version()[0] > 2:
        opened.close()
        raise Refused(
            "another program has rewritten the file in a format with a write flag, which a crash "
            "would leave set",
            path=path,
            hint="read it, or rewrite it with 'h5repack --low=0 --high=0'",
        )
    return opened


def _unreadable(path: Path, error: OSError) -> ArchiveError:
    text = str(error)
    if "signature not found" in text:
        return FormatError(
            "not an HDF5 file",
            path=path,
            hint="'neuroarchive export --help' and the documentation list what can be read",
        )
    return CorruptArchive(f"HDF5 cannot open the file ({text})", path=path)
