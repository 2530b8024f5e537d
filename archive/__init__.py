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
    Run,
    RunView,
    Salvaged,
    Segment,
    SegmentView,
    Signal,
    Spikes,
    open,
    salvage,
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
    "Loss",
    "MissingPackage",
    "NotFound",
    "QueryError",
    "Refused",
    "Run",
    "RunView",
    "Salvaged",
    "Segment",
    "SegmentView",
    "Signal",
    "Spikes",
    "TransactionError",
    "VersionError",
    "Where",
    "open",
    "plot",
    "salvage",
]
