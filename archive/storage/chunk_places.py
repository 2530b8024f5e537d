"""Where the chunks of a dataset lie in its file, as HDF5 tells."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt
from h5py import h5d, h5i, h5t

KINDS = "biufc"  # of types with no bytes elsewhere in the file


def chunk_places(
    dataset: h5d.DatasetID, chunks: tuple[int, ...], memory_type: h5t.TypeID
) -> npt.NDArray[np.int64] | None:
    """The first byte of each chunk in the file, with the axes of the dataset.

    None where bytes in the file are not values in memory as they stand, or where not all chunks
    are there: HDF5 knows what to make of it.
    """
    file = h5i.get_file_id(dataset)
    plain = (
        dataset.get_create_plist().get_nfilters() == 0
        and dataset.dtype.kind in KINDS
        and dataset.get_type() == memory_type
        and file.get_create_plist().get_userblock() == 0
    )
    if not plain:
        return None
    found: list[h5d.StoreInfo] = []
    try:
        dataset.chunk_iter(found.append)
    except (OSError, RuntimeError, ValueError):
        return None  # a damaged index: HDF5 may still find what is asked for
    size = prod(chunks) * dataset.dtype.itemsize
    return table(found, dataset.shape, chunks, size, file.get_filesize())


def table(
    found: Sequence[h5d.StoreInfo],
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    size: int,
    end: int,
) -> npt.NDArray[np.int64] | None:
    """The place of each chunk of `size` bytes; None unless all lie before the `end` of the file,
    one for each corner."""
    counts = tuple(-(-length // width) for length, width in zip(shape, chunks, strict=True))
    if not found or len(found) != prod(counts):
        return None
    corners, _, offsets, sizes = zip(*found, strict=True)
    if set(sizes) != {size} or None in offsets or max(offsets) + size > end:
        return None
    at = np.array(corners, np.uint64) // np.array(chunks, np.uint64)
    if (at >= np.array(counts, np.uint64)).any():
        return None
    places = np.full(counts, -1)
    places[tuple(at.T.astype(np.intp))] = offsets
    return None if (places < 0).any() else places
