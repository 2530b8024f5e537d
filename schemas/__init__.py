"""The contract: what an experiment consists of, as validated models that know no files.

``load`` and ``dump`` turn models into JSON documents and back, across versions.
"""

from __future__ import annotations

from schemas.documents import dump, load, to_json
from schemas.v1 import (
    KINDS,
    AddressEvents,
    AnnotationChange,
    AnyModel,
    Epoch,
    Event,
    Experiment,
    ImageSequence,
    Input,
    IrregularSignal,
    KeyedValue,
    Model,
    ModelDescription,
    ParameterName,
    ParameterSet,
    Population,
    Projection,
    Provenance,
    Run,
    RunEnd,
    Segment,
    Signal,
    Snapshot,
    SpikeTrains,
)
from schemas.v1.json_schema import json_schema
from schemas.v1.model import Name, check_name
from schemas.v1.segment import AnyPart, Part
from schemas.v1.unit import Unit, UnitError, UnitText, conversion, is_atomic, nix_unit, parse
from schemas.v1.unknown import Unknown
from schemas.v1.value import (
    Array,
    Quantity,
    Scalar,
    Value,
    Values,
    decode,
    encode,
    identical,
)
from schemas.versions import CONTRACT, TooNew, is_newer_minor, parse_contract

__all__ = [
    "CONTRACT",
    "KINDS",
    "AddressEvents",
    "AnnotationChange",
    "AnyModel",
    "AnyPart",
    "Array",
    "Epoch",
    "Event",
    "Experiment",
    "ImageSequence",
    "Input",
    "IrregularSignal",
    "KeyedValue",
    "Model",
    "ModelDescription",
    "Name",
    "ParameterName",
    "ParameterSet",
    "Part",
    "Population",
    "Projection",
    "Provenance",
    "Quantity",
    "Run",
    "RunEnd",
    "Scalar",
    "Segment",
    "Signal",
    "Snapshot",
    "SpikeTrains",
    "TooNew",
    "Unit",
    "UnitError",
    "UnitText",
    "Unknown",
    "Value",
    "Values",
    "check_name",
    "conversion",
    "decode",
    "dump",
    "encode",
    "identical",
    "is_atomic",
    "is_newer_minor",
    "json_schema",
    "load",
    "nix_unit",
    "parse",
    "parse_contract",
    "to_json",
]
