"""What digests depend on, and that those in a file are those of what was given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as nps

import archive
import schemas
from archive import Entry
from archive.container import Container, digests
from archive.container.check_digests import document_faults, part_fault
from archive.container.digests import array_digest, line, line_digest
from tests.unit.rich_archive import segment

VALUES = np.arange(12.0).reshape(4, 3)


@pytest.mark.parametrize(
    "other",
    [
        {"values": np.nextafter(VALUES, 99)},
        {"values": VALUES.astype("<f4")},
        {"values": VALUES.view("<i8")},
        {"values": VALUES.reshape(3, 4)},
        {"times": VALUES},
        {"values": VALUES, "times": VALUES[:, 0]},
        {"values": np.where(VALUES == 0, -0.0, VALUES)},
        {},
    ],
)
def test_a_digest_depends_on_name_type_shape_and_every_bit(other: dict[str, Any]) -> None:
    assert array_digest({"values": VALUES}) != array_digest(other)


def test_a_digest_does_not_depend_on_order_in_memory_nor_on_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = array_digest({"values": VALUES})
    assert array_digest({"values": np.asfortranarray(VALUES)}) == known
    monkeypatch.setattr(digests, "_STEP", 50)
    assert array_digest({"values": VALUES}) == known
    assert array_digest({"values": np.asfortranarray(VALUES)}) == known


def test_a_digest_depends_on_where_texts_end() -> None:
    one, other = (np.array(texts, object) for texts in (["ab", "c"], ["a", "bc"]))
    assert array_digest({"labels": one}) != array_digest({"labels": other})


def test_the_digest_of_a_line_depends_on_all_that_it_stands_for() -> None:
    known = line_digest(b"0" * 32, b"{}", b"row")
    others = [(b"1" * 32, b"{}", b"row"), (b"0" * 32, b"{ }", b"row"), (b"0" * 32, b"{}", b"raw")]
    assert all(line_digest(*other) != known for other in others)
    assert line(b"0" * 32, b"{}", b"row") == b"{}\t" + known + b"\n"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=nps.arrays(
        st.sampled_from(["<f8", "<f4", "<i2", "|u1", "|b1", "<c16", ">f8"]),
        st.tuples(st.integers(0, 5), st.integers(0, 3)),
    )
)
def test_what_was_stored_has_the_digest_of_what_was_given(tmp_path: Path, values: Any) -> None:
    path = tmp_path / "a.nix"
    model = schemas.Signal(variable="v", unit="mV", sampling_period=1.0)
    with archive.open(path, "x", durability="close") as exp, exp.run() as run:
        run.put([Entry(schemas.Segment(), parts=[Entry(model, {"values": values})])])
    container = Container(path, writable=False)
    (place,) = container.places(0)
    assert place.digest == array_digest({"values": values.astype(values.dtype.newbyteorder("<"))})
    assert part_fault(container, place) is None
    container.close()
    path.unlink()


def test_every_sort_of_part_is_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.nix"
    with archive.open(path, "x") as exp, exp.run() as run:
        run.put([segment(0)])
        run.put([segment(1)])
    container = Container(path, writable=False)
    faults = [part_fault(container, p) for row in range(2) for p in container.places(row)]
    assert faults == [None] * 12
    container.close()


def test_equal_parts_have_equal_digests_wherever_they_lie(tmp_path: Path) -> None:
    """So that a copy in another file can be compared without reading both."""
    found = []
    for number in range(2):
        with archive.open(tmp_path / f"{number}.nix", "x") as exp, exp.run() as run:
            for seed in range(number, 2):
                run.put([segment(seed)])
            found.append([place.digest for place in exp._container.places(1 - number)])
    assert found[0] == found[1]


def faults(exp: archive.Experiment) -> list[tuple[str, str]]:
    return list(document_faults(exp._container))


def put_and_fail(run: archive.Run) -> None:
    run.put([segment(1)])
    raise ZeroDivisionError


def test_the_chain_holds_through_all_that_may_happen_to_a_run(tmp_path: Path) -> None:
    """Overlapping, undone, resumed, abandoned and annotated after its end, by several sessions."""
    path = tmp_path / "a.nix"
    with archive.open(path, "x") as exp:
        first, second = exp.run("first"), exp.run("second", parameters={"tau": 10 * pq.ms})
        for run in (first, second, first):
            run.put([segment(0)])
            assert faults(exp) == []
        with pytest.raises(ZeroDivisionError), exp.transaction():
            put_and_fail(second)
        assert faults(exp) == []
        exp.run("killed")
        exp._open_runs.pop()
    with archive.open(path, "a") as exp:
        exp.runs[0].annotate(late=1)
        with exp.run("second", resume=True) as again:
            again.put([segment(2)])
        exp.runs[1].annotate(late=np.arange(1000.0))
        assert exp.runs["killed"].outcome == "abandoned"
        assert faults(exp) == []
    with archive.open(path) as exp:
        assert faults(exp) == []


def test_annotations_that_look_like_references_are_none(tmp_path: Path) -> None:
    with archive.open(tmp_path / "a.nix", "x") as exp:
        facts = {"a": {"blob": [0, 1, "x"]}, "b": [{"blob": 3}], "c": b"x" * 2000}
        with exp.run(annotations=facts) as run:
            run.append({"v": np.zeros((2, 1))}, sampling_period=1 * pq.ms, annotations=facts)
        assert faults(exp) == []
        assert exp.runs[0].annotations == facts
