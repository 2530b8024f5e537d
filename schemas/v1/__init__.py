"""Version 1 of the contract: all kinds of documents, by name."""

from __future__ import annotations

from schemas.v1.annotation import AnnotationChange
from schemas.v1.code import Code, Repository, Source
from schemas.v1.environment import Environment, Simulator
from schemas.v1.experiment import Experiment
from schemas.v1.input import Input
from schemas.v1.keyed_value import KeyedValue
from schemas.v1.lineage import Exported, Parent
from schemas.v1.model import Facts, Model
from schemas.v1.model_description import ModelDescription
from schemas.v1.parameters import ParameterName, ParameterSet
from schemas.v1.population import Population
from schemas.v1.projection import Projection
from schemas.v1.provenance import Generator, Provenance
from schemas.v1.run import Run, RunEnd
from schemas.v1.segment import (
    AddressEvents,
    Epoch,
    Event,
    ImageSequence,
    IrregularSignal,
    Segment,
    Signal,
    SpikeTrains,
)
from schemas.v1.signature import Signature
from schemas.v1.snapshot import Snapshot

AnyModel = (
    Experiment
    | Run
    | RunEnd
    | Input
    | Parent
    | Exported
    | Segment
    | Signal
    | IrregularSignal
    | SpikeTrains
    | AddressEvents
    | Event
    | Epoch
    | ImageSequence
    | ParameterSet
    | ParameterName
    | Population
    | Projection
    | Snapshot
    | AnnotationChange
    | Provenance
    | Environment
    | Code
    | Generator
    | ModelDescription
    | KeyedValue
    | Signature
)

KINDS: dict[str, type[Model]] = {
    model.model_fields["kind"].default: model for model in AnyModel.__args__
}

__all__ = [
    "KINDS",
    "AddressEvents",
    "AnnotationChange",
    "AnyModel",
    "Code",
    "Environment",
    "Epoch",
    "Event",
    "Experiment",
    "Exported",
    "Facts",
    "Generator",
    "ImageSequence",
    "Input",
    "IrregularSignal",
    "KeyedValue",
    "Model",
    "ModelDescription",
    "ParameterName",
    "ParameterSet",
    "Parent",
    "Population",
    "Projection",
    "Provenance",
    "Repository",
    "Run",
    "RunEnd",
    "Segment",
    "Signal",
    "Signature",
    "Simulator",
    "Snapshot",
    "Source",
    "SpikeTrains",
]
