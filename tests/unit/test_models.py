"""The models of the contract as documents: what is kept, refused, or of other versions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import PydanticUndefined

import schemas
from schemas import CONTRACT, KINDS, Quantity, Segment, TooNew, Unknown, dump, load

NEWER = (CONTRACT[0], CONTRACT[1] + 1)
NOW = datetime(2024, 5, 1, 12, 30, 1, 234567, tzinfo=UTC)
FACTS: dict[str, Any] = {"amplitude": Quantity(0.1, "nA"), "$odd": {"$x": 1}, "list": [1, None]}

FULL: list[schemas.Model] = [
    schemas.Experiment(id="1f", name="f-I", people=("A", "B"), created=NOW, annotations=FACTS),
    schemas.Run(name="r", simulator="neuron", started=NOW, parameters="d1", annotations=FACTS),
    schemas.RunEnd(ended=NOW, outcome="failed", reason="Traceback", provenance="0f" * 32),
    schemas.Input(
        role="imported", path="/old/a.pkl", size=3, digest="0f" * 32, modified=NOW, format="pickle",
        others={"/old/a.dat": "ab" * 32}, package="p", version="1", options=FACTS, author="me",
        losses=(("a", "b", "c"),), at=NOW,
    ),
    schemas.Segment(name="s", description="d", recorded=NOW, annotations=FACTS),
    schemas.Signal(variable="v", unit="mV", sampling_period=0.1, annotations=FACTS),
    schemas.IrregularSignal(variable="w", unit="uS/cm**2", time_unit="s"),
    schemas.SpikeTrains(population="p", variable="spikes", size=3, t_stop=100.0),
    schemas.AddressEvents(variable="retina", time_unit="us", tick=1.0, coding="dvs128"),
    schemas.Event(variable="trigger"),
    schemas.Epoch(variable="stimulus", array_annotations={"n": [1, 2]}),
    schemas.ImageSequence(variable="film", unit="dimensionless", sampling_period=40.0),
    schemas.ParameterSet(name="p", values={"exc": {"tau_m": Quantity(10.0, "ms")}}),
    schemas.ParameterName(name="p", parameters="0f" * 32, description="d", author="me", at=NOW),
    schemas.Population(
        name="p", size=4, geometry=(2, 2), model="IF_cond_exp", first_id=1, last_id=4,
        parameters=FACTS, state_units={"v": "mV"},
    ),
    schemas.Projection(
        name="p→q", pre="p", post="q", pre_size=4, post_size=3, size=2, receptor="excitatory",
        rows="pre", weight_unit="uS", native=FACTS,
    ),
    schemas.Snapshot(
        time=0.0, time_step=0.1, simulator="neuron", taken=NOW, populations=("p",),
        projections=("p→q",), constants=FACTS, native=FACTS,
    ),
    schemas.AnnotationChange(annotations=FACTS, removed=("old",), former={"old": 1}, at=NOW),
    schemas.KeyedValue(key="k", value=FACTS, session="me@here-1f", author="me", at=NOW),
    schemas.Provenance(
        captured=NOW, argv=("run.py", "-x"), process=12, rank=0, ranks=2, job={"SLURM_JOB_ID": "7"},
        environment="0f" * 32, code="1f" * 32, generators={"numpy": "2f" * 32}, missing={"a": "b"},
    ),
    schemas.Environment(
        packages={"numpy": "2"}, cores=2, memory=0, threads={"OMP_NUM_THREADS": "1"},
        simulators={"pynn": schemas.Simulator(version="0.13", backend="neuron", build=FACTS)},
    ),
    schemas.Code(
        program="script",
        script=schemas.Source(path="run.py", digest="0f" * 32, size=3, content=b"x\x9c"),
        modules={"m": schemas.Source(path="m.py", digest="1f" * 32, size=0)},
        repository=schemas.Repository(
            root="/r", commit="ab", dirty=True, diff=b"d" * 2000, diff_size=9, untracked=("u",)
        ),
    ),
    schemas.Generator(algorithm="MT19937", state={"key": schemas.Array("<i4", (1,), bytes(4))}),
    schemas.Parent(how="rerun", experiment="1f", run="r", snapshot=0, digest="0f" * 32, at=NOW),
    schemas.Exported(
        path="/x.mat", format="mat", size=3, digest="0f" * 32, options=FACTS,
        losses=(("a", "b", "c"),), at=NOW,
    ),
    schemas.Signature(
        experiment="1f", covers={"records": 9, "runs": 1}, documents="0f" * 32, data="1f" * 32,
        signer="me", at=NOW, key="ssh-ed25519 AAAA", signature="-----BEGIN SSH SIGNATURE-----",
    ),
    schemas.ModelDescription(equations="dv/dt = -v/tau : volt", language="brian2", document=FACTS),
]  # fmt: skip


def test_a_negative_zero_is_no_default() -> None:
    made = schemas.Signal(variable="v", unit="mV", sampling_period=1.0, t_start=-0.0)
    back = load(dump(made))
    assert isinstance(back, schemas.Signal)
    assert str(back.t_start) == "-0.0"
    assert "t_start" not in dump(made.model_copy(update={"t_start": 0.0}))


def test_there_is_an_example_of_every_kind() -> None:
    assert {type(model) for model in FULL} == set(KINDS.values())
    assert len(KINDS) == len(FULL)


@pytest.mark.parametrize("model", FULL, ids=lambda model: model.kind)
def test_document_comes_back(model: schemas.Model) -> None:
    document = json.loads(schemas.to_json(dump(model)))
    back = load(document)
    assert back == model
    assert type(back) is type(model)
    assert dump(back) == document
    assert KINDS[document["kind"]] is type(model)


@pytest.mark.parametrize("model", KINDS.values(), ids=KINDS)
def test_every_field_is_described(model: type[schemas.Model]) -> None:
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert name == "kind" or field.description, name


@pytest.mark.parametrize("model", FULL, ids=lambda model: model.kind)
def test_defaults_are_left_out(model: schemas.Model) -> None:
    document = dump(model)
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        default = field.get_default(call_default_factory=True, validated_data={})
        is_default = default is not PydanticUndefined and value == default
        assert (name in document) == (name == "kind" or not is_default)


def test_smallest_document() -> None:
    assert dump(Segment()) == {"kind": "segment"}
    assert load({"kind": "segment"}) == Segment()


def test_names_with_a_dollar_are_not_tags() -> None:
    document = dump(Segment(annotations={"$float": "nan", "b": b"x"}))
    assert document["annotations"] == {"$float": "nan", "b": {"$bytes": "eA=="}}
    back = load(document)
    assert isinstance(back, Segment)
    assert back.annotations == {"$float": "nan", "b": b"x"}


def test_a_name_that_is_like_a_tag_has_a_digest() -> None:
    odd, other = (Segment(annotations={"$dict": [item]}) for item in (None, 1))
    assert schemas.digest(odd) != schemas.digest(other)


def test_models_do_not_change() -> None:
    facts: dict[str, Any] = {"a": [1]}
    segment = Segment(annotations=facts)
    facts["a"].append(2)
    facts["b"] = 1
    assert segment.annotations == {"a": [1]}
    with pytest.raises(ValidationError, match="frozen"):
        segment.name = "other"  # type: ignore[misc]


def test_long_payloads_go_through_keep_and_fetch() -> None:
    kept: dict[str, bytes] = {}

    def keep(data: bytes) -> str:
        kept[f"blob {len(kept)}"] = data
        return f"blob {len(kept) - 1}"

    fetch: Any = kept.__getitem__
    segment = Segment(annotations={"long": b"x" * 2000, "short": b"y"})
    document = dump(segment, keep=keep)
    assert document["annotations"]["long"] == {"$bytes": {"blob": "blob 0"}}
    assert kept == {"blob 0": b"x" * 2000}
    assert load(document, fetch=fetch) == segment


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        ({}, "unknown kind None"),
        ({"kind": 1}, "unknown kind 1"),
        ({"kind": "segmant"}, "unknown kind 'segmant'; known are experiment"),
        ({"kind": "segment", "nmae": "x"}, r"unknown field\(s\) nmae; known are kind, name"),
        ({"kind": "segment", "name": 3}, "valid string"),
        ({"kind": "segment", "name": ""}, "must not be empty"),
        ({"kind": "segment", "name": "a/b"}, "must not contain '/'"),
        ({"kind": "segment", "name": "a\0"}, "must not contain"),
        ({"kind": "segment", "recorded": "yesterday"}, "datetime"),
        ({"kind": "segment", "annotations": []}, "must be a dict, not list"),
        ({"kind": "segment", "annotations": {"a/b": 1}}, "must not contain '/'"),
        ({"kind": "segment", "annotations": {"a": {"$new": 1}}}, "unknown tag"),
        ({"kind": "signal", "variable": "v", "unit": "furlong", "sampling_period": 1}, "furlong"),
        ({"kind": "signal", "variable": "v", "unit": "mV", "sampling_period": 0}, "greater than 0"),
        ({"kind": "run"}, "Field required"),
        ({"kind": "run-end", "outcome": "fine"}, "'finished', 'failed'"),
        ({"kind": "population", "name": "p", "size": -1}, "greater than or equal to 0"),
        ({"kind": "population", "name": "p", "size": "4"}, "valid integer"),
        ({"kind": "snapshot", "time": "now"}, "valid number"),
    ],
)
def test_what_breaks_the_contract_is_refused(document: Any, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        load(document)


@pytest.mark.parametrize(
    "annotations", [{"a": (1,)}, {"a": {1}}, {1: 1}, {"a" * 256: 1}, None, [1]]
)
def test_python_values_are_checked_too(annotations: Any) -> None:
    with pytest.raises(ValidationError):
        Segment(annotations=annotations)


def test_newer_minor_version_keeps_fields_and_writes_them_back() -> None:
    document: dict[str, Any] = {
        "kind": "segment",
        "name": "s",
        "mood": {"$tag": [1, None]},
        "annotations": {"b": {"$bytes": "eA=="}},
    }
    model = load(document, contract=NEWER)
    assert isinstance(model, Segment)
    assert model.annotations == {"b": b"x"}
    assert dump(model) == document
    with pytest.raises(ValueError, match="unknown field"):
        load(document)
    with pytest.raises(ValueError, match="unknown field"):
        Segment(mood=1)


def test_newer_minor_version_keeps_kinds() -> None:
    facts: Any = {"b": {"$bytes": {"blob": 3}}}
    document = {"kind": "dream", "name": "s", "annotations": facts}
    model = load(document, contract=NEWER)
    assert isinstance(model, Unknown)
    assert model.kind == "dream"
    assert dump(model) == document
    with pytest.raises(ValueError, match="kind"):
        load({"name": "s"}, contract=NEWER)


def test_newer_minor_version_may_not_break_what_is_known() -> None:
    with pytest.raises(ValueError, match="valid string"):
        load({"kind": "segment", "name": 3}, contract=NEWER)


def test_newer_major_version_says_what_to_install() -> None:
    with pytest.raises(TooNew, match=r"neuroarchive >= 2\.3") as caught:
        load({"kind": "segment"}, contract=(2, 3))
    assert caught.value.contract == (2, 3)
    assert isinstance(caught.value, ValueError)


def test_versions_in_text() -> None:
    assert schemas.parse_contract("1.0") == (1, 0)
    assert schemas.parse_contract("1.12") == (1, 12)
    assert schemas.is_newer_minor((1, 12))
    assert not schemas.is_newer_minor(CONTRACT)
    with pytest.raises(TooNew):
        schemas.parse_contract("2.0")


@pytest.mark.parametrize("text", ["", "1", "1.", "1.0.0", "v1.0", "0.9", "-1.0", "None", "1.0\n"])
def test_versions_that_were_never_released(text: str) -> None:
    with pytest.raises(ValueError, match="contract"):
        schemas.parse_contract(text)


def test_a_name_that_looks_like_a_tag_has_a_digest() -> None:
    """At the top of a dict ``$dict`` is a name like others."""
    values: list[Any] = [[None], ["a", 1], [["b", 1], ["a", 2]], [[]], 3]
    found = {schemas.digest(schemas.Run(name="r", annotations={"$dict": one})) for one in values}
    assert len(found) == len(values)
