"""One HDF5 file in which a whole simulation experiment stays alive.

    >>> import archive
    >>> exp = archive.open("experiment.nix", mode="a")  # doctest: +SKIP

See `archive.open`.
"""

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
    Epochs,
    Events,
    Experiment,
    ImageSequence,
    IrregularSignal,
    LockingSession,
    Merged,
    Run,
    RunView,
    Salvaged,
    Segment,
    SegmentView,
    Session,
    SharedRun,
    Signal,
    Spikes,
    computer_session,
    locking_session,
    open,
    salvage,
    session,
)
from archive.query import Where

__all__ = [
    "AlreadyExists",
    "ArchiveError",
    "ArchiveNotFound",
    "ArchiveWarning",
    "Busy",
    "ContractError",
    "CorruptArchive",
    "Entry",
    "Epochs",
    "Events",
    "Experiment",
    "FormatError",
    "ImageSequence",
    "IrregularSignal",
    "LockingSession",
    "Loss",
    "Merged",
    "MissingPackage",
    "NotFound",
    "QueryError",
    "Refused",
    "Run",
    "RunView",
    "Salvaged",
    "Segment",
    "SegmentView",
    "Session",
    "SharedRun",
    "Signal",
    "Spikes",
    "TransactionError",
    "VersionError",
    "Where",
    "computer_session",
    "locking_session",
    "open",
    "plot",
    "salvage",
    "session",
]
