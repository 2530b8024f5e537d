"""What the user holds: experiments, runs, segments and what was recorded in them."""

from archive.container.salvaged import Salvaged
from archive.experiment.experiment import Experiment
from archive.experiment.network_state import PopulationState, ProjectionState, StateArray
from archive.experiment.opening import open
from archive.experiment.parameter_set import ParameterSet
from archive.experiment.parameter_sets import ParameterSets
from archive.experiment.recorded import (
    AddressEvents,
    Epochs,
    Events,
    ImageSequence,
    IrregularSignal,
    Signal,
    Spikes,
)
from archive.experiment.rescue import salvage
from archive.experiment.run_provenance import RunProvenance
from archive.experiment.runs import Run, RunView, Segment, SegmentView, Snapshot, SnapshotView
from archive.experiment.sessions import (
    LockingSession,
    Session,
    computer_session,
    locking_session,
    session,
)
from archive.experiment.shared_parameters import SharedParameters
from archive.experiment.shared_run import SharedRun

__all__ = [
    "AddressEvents",
    "Epochs",
    "Events",
    "Experiment",
    "ImageSequence",
    "IrregularSignal",
    "LockingSession",
    "ParameterSet",
    "ParameterSets",
    "PopulationState",
    "ProjectionState",
    "Run",
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
    "SnapshotView",
    "Spikes",
    "StateArray",
    "computer_session",
    "locking_session",
    "open",
    "salvage",
    "session",
]
