"""Entries to NIX and back: layout 1 of the archive."""

from archive.container.concatenated import Concatenated
from archive.container.container import Container
from archive.container.contract import part_name
from archive.container.creation import create_container
from archive.container.keyed import KeyedValues
from archive.container.lazy import Neurons, Stretch
from archive.container.parameter_names import ParameterNames
from archive.container.pool import Pooled
from archive.container.queryable import RunColumns, SegmentColumns, SnapshotColumns
from archive.container.snapshots import add_snapshot, snapshot_entry

__all__ = [
    "Concatenated",
    "Container",
    "KeyedValues",
    "Neurons",
    "ParameterNames",
    "Pooled",
    "RunColumns",
    "SegmentColumns",
    "SnapshotColumns",
    "Stretch",
    "add_snapshot",
    "create_container",
    "part_name",
    "snapshot_entry",
]
