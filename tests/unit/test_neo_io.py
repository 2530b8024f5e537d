"""What PyNN does to an IO object, played with blocks as it makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import neo
import numpy as np
import numpy.typing as npt
import pytest
import quantities as pq

import schemas
from archive.entry import Entry
from archive.errors import ArchiveWarning, ContractError, FormatError
from archive.hooks.neo_io import Annotate, Put, PyNNIO
from archive.hooks.pynn import run_facts


class Archived(list[Entry]):
    def __init__(self) -> None:
        super().__init__()
        self.late: list[tuple[Any, dict[str, Any]]] = []

    def put(self, entries: list[Entry]) -> list[int]:
        self.extend(entries)
        return list(range(len(self) - len(entries), len(self)))

    def annotate(self, handle: Any, facts: Mapping[str, Any]) -> None:
        self.late.append((handle, dict(facts)))


def segment(
    length: int, spikes: list[float], *, number: int = 0, label: str = "a", ids: Any = (0, 1)
) -> Any:
    made = neo.Segment(name=f"segment{number:03d}")
    values = np.arange(length)[:, None] * 10.0 + np.asarray(ids)
    made.analogsignals.append(
        neo.AnalogSignal(
            values,
            units="mV",
            sampling_period=0.1 * pq.ms,
            t_start=0 * pq.ms,
            name="v",
            channel_ids=np.asarray(ids),
            source_population=label,
            array_annotations={"channel_index": np.asarray(ids)},
        )
    )
    made.spiketrains.append(
        neo.SpikeTrain(spikes * pq.ms, t_stop=length / 10, channel_id=0, source_index=0,
                       source_population=label)
    )  # fmt: skip
    return made


def block(*segments: Any, label: str = "a", **facts: Any) -> Any:
    made = neo.Block(name=label, label=label, simulator="none", dt=0.1, size=2, **facts)
    made.segments.extend(list(segments))
    return made


def array(entry: Entry, number: int, name: str) -> npt.NDArray[Any]:
    return np.asarray(list(entry.parts)[number].arrays[name])


@pytest.fixture
def stored() -> Archived:
    return Archived()


@pytest.fixture
def io(stored: Archived) -> PyNNIO:
    return PyNNIO(stored.put, stored.annotate, "x.nix")


def test_same_data_in_new_objects_are_stored_once(stored: Archived, io: PyNNIO) -> None:
    for _ in range(3):
        io.write_block(block(segment(5, [0.1])))
        io.write(block(segment(5, [0.1])), use_obj_names=True)
    io.write_all_blocks([block(segment(5, [0.1])), block(segment(6, [], number=1))])
    assert [entry.model.name for entry in stored] == ["segment000", "segment001"]  # type: ignore[attr-defined]


def test_growth_is_a_continuation(stored: Archived, io: PyNNIO) -> None:
    io.write_block(block(segment(5, [0.1, 0.3])))
    io.write_block(block(segment(8, [0.1, 0.3, 0.5, 0.7])))
    first, second = stored
    np.testing.assert_array_equal(
        np.concatenate([array(first, 0, "values"), array(second, 0, "values")]),
        segment(8, []).analogsignals[0].magnitude,
    )
    assert array(second, 1, "times").tolist() == [0.5, 0.7]
    v, spikes = (part.model for part in second.parts)
    assert isinstance(v, schemas.Signal)
    assert isinstance(spikes, schemas.SpikeTrains)
    assert v.t_start == pytest.approx(0.5)
    assert (spikes.t_start, spikes.t_stop) == (0.5, 0.8)


def test_spike_that_came_late_is_not_lost(stored: Archived, io: PyNNIO) -> None:
    io.write_block(block(segment(5, [0.1])))
    io.write_block(block(segment(8, [0.1, 0.45, 0.7])))
    assert array(stored[1], 1, "times").tolist() == [0.45, 0.7]
    spikes = list(stored[1].parts)[1].model
    assert isinstance(spikes, schemas.SpikeTrains)
    assert spikes.t_start == 0.45


def test_other_data_of_the_same_name_are_another_segment(stored: Archived, io: PyNNIO) -> None:
    io.write_block(block(segment(5, [0.1])))
    other = segment(5, [0.2])
    other.analogsignals[0] += 1 * pq.mV
    io.write_block(block(other))
    assert len(stored) == 2
    assert "continues" not in stored[1].model.annotations  # type: ignore[attr-defined]
    assert array(stored[1], 0, "values").shape == (5, 2)


def test_channels_that_an_assembly_brought_are_known(stored: Archived, io: PyNNIO) -> None:
    merged = segment(5, [0.1], label="a;b;b", ids=(0, 1, 2, 2))
    io.write(block(merged, label="a;b;b", first_id="MERGE CONFLICT"))
    io.write_block(block(segment(5, [0.1])))
    (entry,) = stored
    assert array(entry, 0, "channels").tolist() == [0, 1, 2]
    v = next(iter(entry.parts)).model
    assert isinstance(v, schemas.Signal)
    assert v.population == "a;b"
    assert "MERGE CONFLICT" not in str(entry.model) + str(v)


def test_gathered_channels_come_in_order(stored: Archived, io: PyNNIO) -> None:
    io.write_block(block(segment(3, [], ids=(0, 2, 1, 3))))
    assert array(stored[0], 0, "channels").tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(array(stored[0], 0, "values")[1], [10.0, 11.0, 12.0, 13.0])


def test_annotations_merged_by_mpi_are_repaired_and_told(stored: Archived, io: PyNNIO) -> None:
    gathered = segment(3, [])
    gathered.annotate(amp=np.array([1.5, 1.5]) * pq.dimensionless, note="x")
    with pytest.warns(ArchiveWarning, match="amp"):
        io.write_block(block(gathered, mpi_processes=2))
    annotations = stored[0].model.annotations  # type: ignore[attr-defined]
    assert annotations == {"amp": 1.5, "note": "x", "merged_by_pynn": ["amp"]}


def test_late_annotations_are_given_once(stored: Archived, io: PyNNIO) -> None:
    io.write_block(block(segment(5, [0.1])))
    io.write_block(block(segment(8, [0.1])))
    for _ in range(2):
        ended = segment(8, [0.1])
        ended.annotate(amplitude=1 * pq.nA)
        io.write_block(block(ended))
    assert len(stored) == 2
    assert stored.late == [(0, {"amplitude": 1 * pq.nA}), (1, {"amplitude": 1 * pq.nA})]


def test_the_same_object_is_looked_at_again_when_it_changed(stored: Archived, io: PyNNIO) -> None:
    cached = segment(5, [0.1])
    io.write_block(block(cached))
    cached.annotate(amplitude=2)
    cached.analogsignals.append(segment(5, [], ids=(7, 8)).analogsignals[0])
    io.write_block(block(cached))
    assert stored.late == [(0, {"amplitude": 2})]
    assert array(stored[1], 0, "channels").tolist() == [7, 8]


def test_empty_copy_is_left_alone_and_told(stored: Archived, io: PyNNIO) -> None:
    io.write_block(block(segment(5, [0.1])))
    with pytest.warns(ArchiveWarning, match="without data"):
        io.write_block(block(neo.Segment(name="segment000")))
    with pytest.warns(ArchiveWarning, match="had not been written before"):
        io.write_block(block(neo.Segment(name="segment007")))
    io.write_block(block(segment(5, [0.1])))
    assert len(stored) == 1


def test_nothing_counts_as_stored_that_failed(stored: Archived) -> None:
    failing = True

    def put(entries: list[Entry]) -> list[int]:
        if failing:
            raise OSError("disk full")
        return stored.put(entries)

    io = PyNNIO(put, stored.annotate, "x.nix")
    with pytest.raises(OSError, match="disk full"):
        io.write_block(block(segment(5, [0.1])))
    failing = False
    bad = segment(5, [0.1], number=1)
    bad.analogsignals[0].name = "a/b"
    with pytest.raises(ContractError):
        io.write_block(block(segment(5, [0.1]), bad))
    assert stored == []
    io.write_block(block(segment(5, [0.1])))
    assert len(stored) == 1


def test_part_of_a_process_is_opened_once_and_late(stored: Archived) -> None:
    opened: list[str] = []

    def open_part(name: str) -> tuple[Put, Annotate]:
        opened.append(name)
        return stored.put, stored.annotate

    io = PyNNIO(lambda entries: pytest.fail("not the whole"), stored.annotate, "x.nix", open_part)
    for _ in range(3):
        io.filename += ".1"  # as PyNN does at every call
        io.write_block(block(segment(5, [0.1])))
    assert opened == ["x.nix.1"]
    assert io.filename == "x.nix.1"
    assert len(stored) == 1


def test_part_without_a_way_to_open_it_is_refused(io: PyNNIO) -> None:
    io.filename += ".0"
    with pytest.raises(FormatError, match="gather=True"):
        io.write_block(block(segment(5, [0.1])))


def test_facts_of_the_run() -> None:
    assert run_facts(block(mpi_processes=2)) == {
        "simulator": "none", "dt": 0.1 * pq.ms, "mpi_processes": 2,
    }  # fmt: skip
