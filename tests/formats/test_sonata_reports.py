"""Reports in SONATA files, of all writers known, and ours as libsonata reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest

import schemas
from archive.adapters import reader_for, writer_for
from archive.adapters.sonata import Sonata
from archive.adapters.sonata_arrays import Values
from archive.entry import Entry, Loss
from archive.errors import FormatError
from archive.values import from_schema
from tests.formats.recordings import experiment, segment, signal, spikes
from tests.formats.sonata_examples import mark, report
from tests.typed import of_kind


def read(path: Path, **options: Any) -> list[Entry]:
    (found,) = reader_for(path).read(path, **options)
    assert isinstance(found.model, schemas.Segment)
    return list(found.parts)


def only(path: Path, **options: Any) -> tuple[schemas.Signal, dict[str, Any]]:
    (found,) = read(path, **options)
    assert isinstance(found.model, schemas.Signal)
    return found.model, {name: np.asarray(array) for name, array in found.arrays.items()}


def test_a_report_of_somata(tmp_path: Path) -> None:
    path = tmp_path / "somas.h5"
    report(path)
    with h5py.File(path, "a") as file:
        del file.attrs["magic"]
        file.create_group("report/nobody")
    losses: list[Loss] = []
    model, arrays = only(path, losses=losses)
    assert (model.population, model.variable, model.unit) == ("All", "somas", "mV")
    assert (model.t_start, model.sampling_period, model.time_unit) == (1.0, 0.1, "ms")
    assert model.array_annotations == {}
    assert arrays["channels"].tolist() == [10, 11, 12, 13]
    assert arrays["values"].dtype == np.float32
    assert arrays["values"][1].tolist() == [4, 5, 6, 7]
    assert [str(loss) for loss in losses] == [
        "nobody: signal: the group of the population is empty"
    ]


def test_a_report_of_compartments(tmp_path: Path) -> None:
    path = tmp_path / "v.h5"
    report(path, per_node=3, element_pos=np.linspace(0, 1, 12))
    with h5py.File(path, "a") as file:
        file["report/All/data"].attrs["variable"] = "cai"
    model, arrays = only(path)
    assert model.variable == "cai"
    assert arrays["channels"].tolist() == np.repeat([10, 11, 12, 13], 3).tolist()
    assert from_schema(model.array_annotations["element_id"]).tolist() == [0, 1, 2] * 4
    positions = from_schema(model.array_annotations["element_pos"])
    np.testing.assert_array_equal(positions, np.linspace(0, 1, 12))


def test_dialects(tmp_path: Path) -> None:
    path, losses = tmp_path / "v.h5", list[Loss]()
    report(path, pointers="index_pointer", units=False)
    model, arrays = only(path, losses=losses)
    assert arrays["channels"].tolist() == [10, 11, 12, 13]
    assert [loss.field for loss in losses] == ["time_unit", "unit"]
    path.unlink()
    report(path, "/", ids="gids", pointers="index_pointer", elements="element_id")
    model, arrays = only(path)
    assert (model.population, arrays["channels"].tolist()) == (None, [10, 11, 12, 13])
    assert only(path, population="cells")[0].population == "cells"
    path.unlink()
    report(path, "report")
    assert only(path)[0].population is None
    with h5py.File(path, "a") as file:  # as the text of the guide has it: without an end
        del file["report/mapping/index_pointers"]
        file["report/mapping/index_pointers"] = np.array([2, 0, 1, 3], np.uint64)
    assert only(path)[1]["channels"].tolist() == [11, 12, 10, 13]


@pytest.mark.parametrize(("place", "turned"), [("/", True), ("/", False), ("ecp", False)])
def test_extracellular_potentials(tmp_path: Path, place: str, turned: bool) -> None:
    path = tmp_path / "ecp.h5"
    values = np.arange(15.0).reshape(5, 3)
    with h5py.File(path, "w") as file:
        mark(file)
        made = file.require_group(place)
        made["data"] = values.T if turned else values
        made["data"].attrs["units"] = "mV"
        made["channel_id"] = [4, 5, 9]
        made["time"] = [0.0, 0.5, 0.1]
        made["time"].attrs["units"] = "ms"
    model, arrays = only(path)
    assert (model.variable, model.unit, model.sampling_period) == ("ecp", "mV", 0.1)
    np.testing.assert_array_equal(arrays["values"], values)
    assert arrays["channels"].tolist() == [4, 5, 9]
    (part,) = read(path)
    assert part.arrays["values"][1:3, 2].tolist() == [5.0, 8.0]
    with h5py.File(path, "a") as file:
        del file[f"{place}/channel_id"]
        file[f"{place}/channel_id"] = [1, 2]
    with pytest.raises(FormatError, match="there are 2 electrodes"):
        read(path)


def test_values_stay_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "v.h5"
    report(path, data=np.arange(20.0).reshape(5, 4).astype(">f8"))
    (found,) = read(path)
    values = found.arrays["values"]
    assert isinstance(values, Values)
    assert (values.shape, values.dtype) == ((5, 4), np.dtype("=f8"))
    assert values[3, 1] == 13.0
    assert values[1:3].tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
    assert values[1:3].dtype == np.dtype("=f8")
    with h5py.File(path, "a") as file:
        del file["report/All/data"]
        file["report/All/data"] = np.zeros((2, 4))
    with pytest.raises(FormatError, match="was changed since it was opened"):
        values[0]


def test_what_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "v.h5"
    for name, values, complaint in (
        ("data", np.zeros(5), "has no data of two axes"),
        ("mapping/time", [0.0, 1.0], "is not start, stop and step"),
        ("mapping/time", [0.0, 1.0, 0.0], "the step of .* is 0"),
        ("mapping/time", [0.0, 1.0, np.nan], "the step of .* is nan"),
        ("mapping/node_ids", None, "does not say which nodes"),
        ("mapping/node_ids", [1, 2, 3, -4], "a node that is none"),
        ("mapping/index_pointers", [0, 1], "has 2 pointers of 4 nodes"),
        ("mapping/index_pointers", [0, 1, 2, 3, 5], "columns that are not there"),
        ("mapping/index_pointers", [0, 2, 1, 3, 4], "columns that are not there"),
        ("mapping/index_pointers", [0, 1, 2, 3, 3], "has 3 elements, and the data 4 columns"),
        ("mapping/element_ids", [0], "has 1 elements, and the data 4 columns"),
    ):
        path.unlink(missing_ok=True)
        report(path)
        with h5py.File(path, "a") as file:
            del file[f"report/All/{name}"]
            if values is not None:
                file[f"report/All/{name}"] = values
        with pytest.raises(FormatError, match=complaint) as caught:
            read(path)
        assert caught.value.path == str(path)
    path.unlink()
    report(path)
    with h5py.File(path, "a") as file:
        file["report/All/mapping/time"][1] = 99.0
    losses: list[Loss] = []
    read(path, losses=losses)
    assert [loss.field for loss in losses] == ["t_stop"]


def test_libsonata_reads_what_we_write(
    tmp_path: Path, require: Callable[[str], ModuleType]
) -> None:
    libsonata = require("libsonata")
    path = tmp_path / "v.h5"
    values = np.arange(12.0).reshape(4, 3)
    source = experiment(
        segment(
            signal(values, channels=[7, 2, 30], population="exc", t_start=5.0),
            signal(values.astype("f4"), channels=[0, 1, 2], population="inh", t_start=5.0),
            signal(values, "w", population="exc"),
            spikes([1.0], [0], 1),
        )
    )
    with pytest.raises(FormatError, match="signals of 2 variables"):
        writer_for(path, "sonata:report").write(source, path)
    losses = writer_for(path, "sonata:report").write(source, path, variable="v")
    told = {(loss.entry.removeprefix("run/segment 1/"), loss.field) for loss in losses}
    assert told >= {
        ("exc/w", "signal"), ("exc/spikes", "spike-trains"), ("exc/v", "values"),
        ("exc/v", "channels"),
    }  # fmt: skip
    assert not any(entry == "inh/v" for entry, _ in told)
    reader = libsonata.SomaReportReader(str(path))
    assert set(reader.get_population_names()) == {"exc", "inh"}
    exc = reader["exc"]
    assert (exc.time_units, exc.data_units, exc.sorted) == ("ms", "mV", True)
    np.testing.assert_allclose(exc.times, (5.0, 5.4, 0.1))
    frame = exc.get()
    assert frame.ids.tolist() == [2, 7, 30]
    np.testing.assert_allclose(frame.times, [5.0, 5.1, 5.2, 5.3])
    np.testing.assert_array_equal(frame.data, values[:, [1, 0, 2]])
    back = {of_kind(schemas.Part, part).population: part for part in read(path)}
    (wrote,) = (
        part for part in next(iter(source.entry().parts)).parts for part in list(part.parts)[1:2]
    )
    assert back["inh"].model == wrote.model
    for name in ("values", "channels"):
        np.testing.assert_array_equal(
            np.asarray(back["inh"].arrays[name]), np.asarray(wrote.arrays[name])
        )


def test_elements_for_libsonata(tmp_path: Path, require: Callable[[str], ModuleType]) -> None:
    libsonata = require("libsonata")
    path, again = tmp_path / "v.h5", tmp_path / "again.h5"
    report(path, per_node=3, element_pos=np.linspace(0, 1, 12).astype("f4"))
    (part,) = read(path)
    losses = Sonata("report").write(experiment(segment(part)), again)
    assert {loss.entry.partition("/")[0] for loss in losses} == {"experiment", "run"}
    assert all("segment" not in loss.entry for loss in losses)
    frame = libsonata.ElementReportReader(str(again))["All"].get()
    assert frame.ids.tolist() == [[n, e] for n in range(10, 14) for e in range(3)]
    np.testing.assert_array_equal(frame.data, np.arange(60.0).reshape(5, 12))
    (back,) = read(again)
    told = [of_kind(schemas.Part, one).array_annotations for one in (part, back)]
    assert told[0] == told[1]


def test_a_large_signal_is_written_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "v.h5"
    values = np.arange(300_000.0).reshape(-1, 3)[:, ::-1]
    channels = [5, 4, 3]
    one = signal(values, channels=channels, population="exc", sampling_period=1.0)
    Sonata("report").write(experiment(segment(one)), path)
    arrays = only(path)[1]
    assert arrays["channels"].tolist() == [3, 4, 5]
    np.testing.assert_array_equal(arrays["values"], values[:, ::-1])
    assert arrays["values"].dtype == np.float32
    losses = Sonata("report").write(
        experiment(segment(signal(values + 1 / 3, population="exc"))),
        path,
        exact=True,
        overwrite=True,
    )
    assert not [loss for loss in losses if loss.field == "values"]
    np.testing.assert_array_equal(only(path)[1]["values"], values + 1 / 3)
    many = signal(np.zeros((3, 700_000), "f4"), population="exc")
    Sonata("report").write(experiment(segment(many)), path, overwrite=True)
    assert only(path)[1]["values"].shape == (3, 700_000)
