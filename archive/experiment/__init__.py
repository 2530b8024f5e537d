"""What the user holds: experiments, runs, segments and what was recorded in them."""

from archive.container.salvage import Salvaged
from archive.experiment.experiment import Experiment
from archive.experiment.opening import open
from archive.experiment.recorded import (
    Epochs,
    Events,
    ImageSequence,
    IrregularSignal,
    Signal,
    Spikes,
)
from archive.experiment.rescue import salvage
from archive.experiment.runs import Run, RunView, Segment, SegmentView

__all__ = [
    "Epochs",
    "Events",
    "Experiment",
    "ImageSequence",
    "IrregularSignal",
    "Run",
    "RunView",
    "Salvaged",
    "Segment",
    "SegmentView",
    "Signal",
    "Spikes",
    "open",
    "salvage",
]
