"""Any block of Neo comes back from an archive as it went in, object for object."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import neo
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import archive
from tests.unit.test_neo_ import facts, names, same_segment, same_value, segments

CONTAINERS = (
    "analogsignals", "irregularlysampledsignals", "spiketrains", "events", "epochs",
    "imagesequences",
)  # fmt: skip


def members(holder: Any) -> list[Any]:
    return [item for container in CONTAINERS for item in getattr(holder, container)]


@st.composite
def views(draw: st.DrawFn, signals: list[Any]) -> Any:
    signal = draw(st.sampled_from(signals))
    index = draw(st.lists(st.integers(0, signal.shape[1] - 1), min_size=1, unique=True))
    view = neo.ChannelView(
        signal, index, name=draw(names), array_annotations={"site": np.arange(len(index))}
    )
    view.annotations.update(draw(facts))
    return view


@st.composite
def groups(draw: st.DrawFn, block: Any, depth: int) -> Any:
    objects = [item for segment in block.segments for item in members(segment)]
    group = neo.Group(name=draw(names), description=draw(names))
    group.annotations.update(draw(facts))
    if objects:
        chosen = draw(st.lists(st.sampled_from(range(len(objects))), max_size=3, unique=True))
        group.add(*(objects[at] for at in chosen))
    signals = [item for item in objects if type(item).__name__ == "AnalogSignal" and item.shape[1]]
    if signals:
        group.add(*draw(st.lists(views(signals), max_size=2)))
    if depth:
        group.add(*draw(st.lists(groups(block, depth - 1), max_size=2)))
    return group


@st.composite
def blocks(draw: st.DrawFn) -> Any:
    block = neo.Block(name=draw(names), description=draw(names), file_origin=draw(names))
    block.annotations.update(draw(facts))
    block.segments.extend(draw(st.lists(segments(), min_size=1, max_size=3)))
    block.groups.extend(draw(st.lists(groups(block, 1), max_size=2)))
    return block


def places(block: Any) -> dict[int, tuple[int, str, int]]:
    return {
        id(item): (number, container, at)
        for number, segment in enumerate(block.segments)
        for container in CONTAINERS
        for at, item in enumerate(getattr(segment, container))
    }


def same_group(one: Any, other: Any, mine: Any, theirs: Any) -> None:
    for name in ("name", "description", "annotations"):
        assert same_value(getattr(one, name), getattr(other, name)), name
    assert [mine[id(item)] for item in members(one)] == [
        theirs[id(item)] for item in members(other)
    ]
    for view, back in zip(one.channelviews, other.channelviews, strict=True):
        assert mine[id(view.obj)] == theirs[id(back.obj)]
        for name in ("name", "index", "annotations", "array_annotations"):
            assert same_value(getattr(view, name), getattr(back, name)), name
    for inner, back in zip(one.groups, other.groups, strict=True):
        same_group(inner, back, mine, theirs)


@pytest.mark.filterwarnings("ignore::archive.ArchiveWarning")
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(blocks())
def test_block_comes_back_from_an_archive(block: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.nix"
        with archive.open(path, "x", durability="close") as experiment:
            experiment.run("r").append(block)
        with archive.open(path) as experiment:
            back = experiment.segments.to_neo()
            for name in ("description", "file_origin"):
                assert getattr(back, name) == getattr(block, name)
            run = experiment.runs["r"].to_neo()
    assert run.name == "r"
    for name, value in block.annotations.items():
        assert same_value(back.annotations[name], value)
    for number, (one, other) in enumerate(zip(block.segments, back.segments, strict=True)):
        if one.name is None:  # an archive has no segment without a name
            assert other.name == f"segment{number:03}"
            other.name = None
        same_segment(one, other)
    for mine, theirs in zip(block.groups, back.groups, strict=True):
        same_group(mine, theirs, places(block), places(back))
