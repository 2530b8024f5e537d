"""Connections in one form, so that formats that arrange them otherwise can be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import schemas
from archive.connections import ends, native_order
from archive.entry import Entry


def canonical(entry: Entry) -> Entry:
    """The entry with the connections of all projections in it in rows of the sending neurons, and
    of these by receiving neuron; several between one pair keep their order.

    Of an array with one value for all that value is repeated. In what order the simulator had
    the connections is no longer said.
    """
    parts = [canonical(part) for part in entry.parts]
    model = entry.model
    if not isinstance(model, schemas.Projection):
        return replace(entry, parts=parts)
    pre, post = (np.asarray(end, np.int64) for end in ends(model, entry.arrays))
    order = np.lexsort((post, pre))
    arrays = {
        "row_pointers": np.searchsorted(pre[order], np.arange(model.pre_size + 1)),
        "columns": post[order],
    }
    for name, array in entry.arrays.items():
        if name not in ("row_pointers", "columns", "order"):
            held = native_order(entry.arrays, array)
            arrays[name] = np.broadcast_to(held, (model.size,))[order]
    return Entry(model.model_copy(update={"rows": "pre"}), arrays, parts)
