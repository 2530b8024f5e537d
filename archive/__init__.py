"""One HDF5 file in which a whole simulation experiment stays alive.

    >>> import archive
    >>> exp = archive.open("experiment.nix", mode="a")  # doctest: +SKIP

See `archive.open`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from archive import (
    _contract as _contract,  # first: is the `schemas` that Python found ours?
    plot,
)
from archive.entry import Entry, Loss
from archive.errors import (
    AlreadyExists,
    ArchiveError,
    ArchiveNotFound,
    ArchiveWarning,
    Busy,
    ContractError,
    CorruptArchive,
    FormatError,
    MissingPackage,
    NotFound,
    QueryError,
    Refused,
    TransactionError,
    VersionError,
)
from archive.experiment import (
    AddressEvents,
    Epochs,
    Events,
    Experiment,
    ImageSequence,
    IrregularSignal,
    LockingSession,
    ParameterSet,
    ParameterSets,
    PopulationState,
    ProjectionState,
    Run,
    RunProvenance,
    RunView,
    Salvaged,
    Segment,
    SegmentView,
    Session,
    SharedParameters,
    SharedRun,
    Signal,
    Snapshot,
    SnapshotView,
    Spikes,
    StateArray,
    computer_session,
    locking_session,
    open,
    salvage,
    session,
)
from archive.hooks.restoring import Restoration
from archive.query import Where

if TYPE_CHECKING:
    from archive.experiment.data_diff import DataDiff as DataDiff
    from archive.experiment.import_report import (
        ImportedFile as ImportedFile,
        ImportReport as ImportReport,
    )
    from archive.experiment.lineage import Edge as Edge, Lineage as Lineage, Node as Node
    from archive.experiment.merged import Merged as Merged
    from archive.experiment.parameter_diff import ParameterDiff as ParameterDiff
    from archive.experiment.part_diff import (
        FirstDifference as FirstDifference,
        PartDiff as PartDiff,
    )
    from archive.experiment.rerunning import Rerun as Rerun, rerun as rerun
    from archive.experiment.run_diff import RunDiff as RunDiff, diff as diff
    from archive.experiment.snapshot_diff import (
        ArrayDiff as ArrayDiff,
        ConnectionDiff as ConnectionDiff,
        FactDiff as FactDiff,
        SnapshotDiff as SnapshotDiff,
    )
    from archive.experiment.spikes_comparison import SpikesDiff as SpikesDiff
    from archive.experiment.state_diff import StateDiff as StateDiff
    from archive.experiment.values_comparison import ValuesDiff as ValuesDiff
else:
    # Few programs compare runs, run them again, import or merge: what that takes is loaded when
    # it is asked for (PEP 562).
    _LATE = {
        "ArrayDiff": "archive.experiment.snapshot_diff",
        "ConnectionDiff": "archive.experiment.snapshot_diff",
        "DataDiff": "archive.experiment.data_diff",
        "Edge": "archive.experiment.lineage",
        "FactDiff": "archive.experiment.snapshot_diff",
        "FirstDifference": "archive.experiment.part_diff",
        "ImportReport": "archive.experiment.import_report",
        "ImportedFile": "archive.experiment.import_report",
        "Lineage": "archive.experiment.lineage",
        "Merged": "archive.experiment.merged",
        "Node": "archive.experiment.lineage",
        "ParameterDiff": "archive.experiment.parameter_diff",
        "PartDiff": "archive.experiment.part_diff",
        "Rerun": "archive.experiment.rerunning",
        "RunDiff": "archive.experiment.run_diff",
        "SnapshotDiff": "archive.experiment.snapshot_diff",
        "SpikesDiff": "archive.experiment.spikes_comparison",
        "StateDiff": "archive.experiment.state_diff",
        "ValuesDiff": "archive.experiment.values_comparison",
        "diff": "archive.experiment.run_diff",
        "rerun": "archive.experiment.rerunning",
    }

    def __getattr__(name):
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LATE[name]), name)


__all__ = [
    "AddressEvents",
    "AlreadyExists",
    "ArchiveError",
    "ArchiveNotFound",
    "ArchiveWarning",
    "ArrayDiff",
    "Busy",
    "ConnectionDiff",
    "ContractError",
    "CorruptArchive",
    "DataDiff",
    "Edge",
    "Entry",
    "Epochs",
    "Events",
    "Experiment",
    "FactDiff",
    "FirstDifference",
    "FormatError",
    "ImageSequence",
    "ImportReport",
    "ImportedFile",
    "IrregularSignal",
    "Lineage",
    "LockingSession",
    "Loss",
    "Merged",
    "MissingPackage",
    "Node",
    "NotFound",
    "ParameterDiff",
    "ParameterSet",
    "ParameterSets",
    "PartDiff",
    "PopulationState",
    "ProjectionState",
    "QueryError",
    "Refused",
    "Rerun",
    "Restoration",
    "Run",
    "RunDiff",
    "RunProvenance",
    "RunView",
    "Salvaged",
    "Segment",
    "SegmentView",
    "Session",
    "SharedParameters",
    "SharedRun",
    "Signal",
    "Snapshot",
    "SnapshotDiff",
    "SnapshotView",
    "Spikes",
    "SpikesDiff",
    "StateArray",
    "StateDiff",
    "TransactionError",
    "ValuesDiff",
    "VersionError",
    "Where",
    "computer_session",
    "diff",
    "locking_session",
    "open",
    "plot",
    "rerun",
    "salvage",
    "session",
]
