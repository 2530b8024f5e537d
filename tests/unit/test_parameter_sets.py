"""Parameter sets: stored once, found by name and content, compared, merged, and read-only."""

from __future__ import annotations

import pickle
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import archive
from archive.container import ParameterNames
from archive.container.check_digests import document_faults
from archive.experiment.parameter_set import ParameterSet

BASE = {
    "exc": {"tau_m": 10.0 * pq.ms, "v_rest": -70.0 * pq.mV, "size": 80},
    "exc_inh": {"w": 0.5 * pq.nS, "delays": np.arange(3.0) * pq.ms},
    "network": {"label": "small", "seeds": [1, 2], "empty": {}},
    "mu": 0.5,
}


class Thing:
    """What no archive can keep; its name is the same in all processes that collect tests."""

    def __repr__(self) -> str:
        return "a thing"


THING = Thing()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "e.nix"


def sets(path: Path) -> int:
    with archive.open(path) as exp:
        assert exp.check(deep=True).is_valid()
        return len(exp.parameters)


def test_a_set_comes_back_by_name_and_digest(path: Path) -> None:
    with archive.open(path, "a") as exp:
        saved = exp.parameters.save("baseline", BASE, "what all begins with")
    with archive.open(path) as exp:
        (found,) = exp.parameters
        for key in ("baseline", saved.digest, saved.digest[:4]):
            assert exp.parameters[key] == saved == found == BASE
            assert key in exp.parameters
        assert found.name == "baseline"
        assert found.description == "what all begins with"
        assert found["exc"]["tau_m"] == found["exc.tau_m"] == 10 * pq.ms
        assert found["exc.tau_m"].dimensionality.string == "ms"
        assert list(found) == list(BASE)
        assert "exc.size" in found
        assert "exc.sizes" not in found
        assert {"exc": {"tau_m": 1.0}} not in exp.parameters
        assert BASE in exp.parameters
        np.testing.assert_array_equal(found["exc_inh.delays"].magnitude, np.arange(3.0))
    assert sets(path) == 1


def test_the_same_values_are_stored_once_whoever_saves_them(path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.parameters.save("one", BASE)
        exp.parameters.save("two", exp.parameters["one"], "the same")
        exp.parameters.save("three", "one")
        with exp.run("a", parameters=dict(reversed(BASE.items()))):
            pass
        with exp.run("b", parameters="two"):
            pass
        with exp.run("c", parameters=exp.parameters["three"]):
            pass
        sizes = [exp._container.documents.records.size]
        for name, given in (("d", BASE), ("e", None)):
            exp.run(name, parameters=given).finish()
            sizes.append(exp._container.documents.records.size)
        with_set, without = np.diff(sizes).tolist()
        assert with_set - without < 200  # the digest
        only = exp.parameters["one"]
        assert only.names == ("one", "two", "three")
        assert [run.name for run in only.runs] == ["a", "b", "c", "d"]
        assert {run.parameters for run in only.runs} == {only}
    assert sets(path) == 1


def test_a_name_stays_with_its_set(path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.parameters.save("baseline", BASE)
        exp.parameters.save("baseline", BASE)
        exp.parameters.save("baseline", BASE, "now with a word")
        exp.parameters.save("baseline", BASE)
        changed = {**BASE, "mu": 0.6}
        with pytest.raises(archive.AlreadyExists, match=r"(?s)'baseline'.*changed mu: 0.5 -> 0.6"):
            exp.parameters.save("baseline", changed)
        said = exp.parameters.history("baseline")
        assert [one.description for one in said] == [None, "now with a word"]
        assert isinstance(said[0].at, datetime)
        assert exp.parameters["baseline"].description == "now with a word"
        assert len(exp.parameters) == 1


def test_what_is_not_there_names_what_is(path: Path) -> None:
    with archive.open(path, "a") as exp:
        with pytest.raises(archive.NotFound, match="no parameter set at all"):
            exp.parameters["x"]
        exp.parameters.save("baseline", BASE)
        with pytest.raises(archive.NotFound, match=r"'basline'.*\n.*'baseline'"):
            exp.parameters["basline"]
        with pytest.raises(KeyError, match=r"'exc.tau'.*\n.*'exc.tau_m'"):
            exp.parameters["baseline"]["exc.tau"]
        with pytest.raises(archive.NotFound, match="basline"):
            exp.run(parameters="basline")
        with pytest.raises(archive.NotFound, match="nothing"):
            exp.parameters.history("nothing")
        assert len(exp.runs) == 0
        for number in range(300):  # two digests of these surely begin with the same digit
            exp.parameters.save(f"{number}", {"x": number})
        beginnings = [one.digest[:4] for one in exp.parameters]
        for one in exp.parameters:
            if beginnings.count(one.digest[:4]) == 1:
                assert exp.parameters[one.digest[:4]] == one


def test_a_digest_that_several_begin_with_is_not_guessed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive.open(path, "a") as exp:
        exp.parameters.save("a", {"x": 1})
        monkeypatch.setattr(
            type(exp.parameters), "_digests", lambda self: dict.fromkeys(["abcd12", "abcd34"])
        )
        with pytest.raises(archive.NotFound, match=r"2 parameter sets.*\n.*abcd12, abcd34"):
            exp.parameters["abcd"]


def test_a_set_cannot_be_changed(path: Path) -> None:
    with archive.open(path, "a") as exp:
        saved = exp.parameters.save("baseline", BASE)
        with pytest.raises(TypeError):
            saved["mu"] = 1  # type: ignore[index]
        saved["exc"]["tau_m"] = 0
        saved["exc_inh.delays"][0] = 9 * pq.ms
        given: dict[str, Any] = {"a": {"b": [1]}}
        other = exp.parameters.save("other", given)
        given["a"]["b"].append(2)
        assert saved == BASE
        assert other == {"a": {"b": [1]}}


def test_keys_with_dots_are_found(path: Path) -> None:
    with archive.open(path, "a") as exp:
        saved = exp.parameters.save("dots", {"a.b": 1, "a": {"b": 2, "c.d": {"e": 3}}})
    assert (saved["a.b"], saved["a"]["b"], saved["a.c.d.e"]) == (1, 2, 3)


def test_parameters_of_runs_are_as_before(path: Path) -> None:
    with archive.open(path, "a") as exp:
        run = exp.run("a", parameters={"exc": {"tau_m": 10 * pq.ms}, "n": 3})
        bare = exp.run("b")
        assert run.parameters == {"exc": {"tau_m": 10 * pq.ms}, "n": 3}
        assert run.parameters != {"exc": {"tau_m": 10 * pq.ms}, "n": 4}
        assert run.parameters != {"exc": {"tau_m": 10 * pq.mV}, "n": 3}
        assert dict(run.parameters)["n"] == 3
        assert bare.parameters == {}
        assert not bare.parameters
        assert [one.name for one in run.parameters.runs] == ["a"]
        resumed = exp.run("a", parameters=run.parameters, resume=True)
        assert resumed.name == "a"
        with pytest.raises(archive.AlreadyExists, match="other parameters"):
            exp.run("a", parameters={"n": 3}, resume=True)


def test_a_set_can_be_sent_to_another_process(path: Path) -> None:
    with archive.open(path, "a") as exp:
        saved = exp.parameters.save("baseline", BASE)
        sent: ParameterSet = pickle.loads(pickle.dumps(saved))
        assert sent == saved
        assert hash(sent) == hash(saved)
        assert sent.names == ()
        with pytest.raises(archive.Refused, match="no archive"):
            _ = sent.runs
        assert exp.run(parameters=sent).parameters == saved
        assert len(exp.parameters) == 1


def test_a_difference_says_what_and_how() -> None:
    new = {
        "exc": {"tau_m": 0.01 * pq.s, "v_rest": -65.0 * pq.mV, "size": 80.0},
        "exc_inh": {"w": 0.5 * pq.nS, "delays": np.array([0.0, 1.0, 7.0]) * pq.ms},
        "network": {"label": "small", "seeds": [1, 3], "empty": {"now": 1}},
        "a.b": 0.5,
    }
    old = ParameterSet(_model(BASE))
    found = old.diff(new)
    assert found.added == {"network.empty.now": 1, "'a.b'": 0.5}
    assert found.removed == {"mu": 0.5}
    assert list(found.changed) == [
        "exc.v_rest", "exc_inh.delays", "network.seeds",
    ]  # fmt: skip
    assert found.changed["exc.v_rest"] == (-70 * pq.mV, -65 * pq.mV)
    assert list(found.rewritten) == ["exc.tau_m", "exc.size"]
    text = str(found)
    assert "rewritten exc.tau_m: 10.0 ms -> 0.01 s (the same value, another unit)" in text
    assert "rewritten exc.size: 80 -> 80.0 (the same value, another type)" in text
    assert "changed exc.v_rest: -70.0 mV -> -65.0 mV" in text
    assert "1 of 3 items differ" in text
    assert "removed mu: 0.5" in text
    assert found
    assert not old.diff(BASE)
    assert str(old.diff(BASE)) == "no difference"
    assert "<td>exc.tau_m</td>" in found._repr_html_()


def _model(values: Any) -> Any:
    from archive.experiment.parameter_set import as_model

    return as_model(values, "test")


@pytest.mark.parametrize(
    ("name", "values", "error", "said"),
    [
        ("", {"a": 1}, archive.ContractError, "empty"),
        ("a/b", {"a": 1}, archive.ContractError, "'/'"),
        ("a", {"a": THING}, archive.ContractError, "Thing is no annotation value"),
        ("a", {1: 2}, archive.ContractError, "must be text"),
        ("a", {"a": {1: 2}}, archive.ContractError, "must be text"),
        ("a", {"": 2}, archive.ContractError, "empty"),
        ("a", {"a/b": 2}, archive.ContractError, "'/'"),
        ("a", {"x": 3 * pq.CompoundUnit("3*mV")}, archive.ContractError, "unit"),
    ],
    ids=str,
)
def test_what_cannot_be_kept_leaves_the_file_alone(
    path: Path, name: str, values: Any, error: type[Exception], said: str
) -> None:
    with archive.open(path, "a") as exp:
        exp.parameters.save("there", {"x": 1})
    before = path.read_bytes()
    with archive.open(path, "a") as exp:
        with pytest.raises(error, match=said):
            exp.parameters.save(name, values)
        assert len(exp.parameters) == 1
    assert path.read_bytes() == before


def test_nothing_is_saved_in_an_archive_that_is_read(path: Path) -> None:
    archive.open(path, "a").close()
    with archive.open(path) as exp, pytest.raises(archive.Refused):
        exp.parameters.save("a", {"x": 1})


def _save_and_fail(exp: archive.Experiment) -> None:
    with exp.transaction():
        exp.parameters.save("gone", {"x": 2})
        assert exp.parameters.names == ["kept", "gone"]
        raise ZeroDivisionError


def test_a_transaction_that_fails_forgets_names(path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.parameters.save("kept", {"x": 1})
        with pytest.raises(ZeroDivisionError):
            _save_and_fail(exp)
        assert exp.parameters.names == ["kept"]
        assert len(exp.parameters) == 1
        exp.parameters.save("gone", {"x": 3})
        assert exp.parameters["gone"] == {"x": 3}


# -- parts ---------------------------------------------------------------------------------------


def test_sessions_bring_their_sets(path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.parameters.save("baseline", BASE)
        exp.parameters.save("mine", {"x": 0})
    with archive.session(path) as session:
        part = session.session_name
        session.parameters.save("mine", {"x": 1}, "of the session")
        session.parameters.save("baseline", BASE)
        session.parameters.save("new", {"x": 2})
        with session.run("r", parameters="baseline") as run:
            assert run.parameters == BASE
    with archive.session(path) as session:  # a name that only the archive has
        with session.run("s", parameters="mine") as run:
            assert run.parameters == {"x": 0}
        with pytest.raises(archive.NotFound, match="'unheard'"):
            session.run(parameters="unheard")
    names = ["baseline", "mine", f"mine ({part})", "new"]
    for merged in (False, True):
        with archive.open(path, "a" if merged else "r") as exp:
            if merged:
                exp.merge()
            assert sorted(exp.parameters.names) == names
            assert exp.parameters[f"mine ({part})"] == {"x": 1}
            assert exp.parameters[f"mine ({part})"].description == "of the session"
            assert exp.parameters["new"] == {"x": 2}
            assert [run.name for run in exp.parameters["baseline"].runs] == ["r"]
            assert [run.name for run in exp.parameters["mine"].runs] == ["s"]
            assert len(exp.parameters) == 4
            assert not list(document_faults(exp._container))
    assert sets(path) == 4


def test_merging_again_takes_no_name_twice(path: Path) -> None:
    archive.open(path, "a").close()
    with archive.session(path) as session:
        session.parameters.save("new", {"x": 2}, "once")
        session.parameters.save("new", {"x": 2}, "twice")
    with archive.open(path, "a") as exp:
        for _ in range(2):
            exp.merge(keep=True)
            assert [one.description for one in exp.parameters.history("new")] == ["once", "twice"]
        exp.merge()
        assert exp.parameters["new"] == {"x": 2}
    assert not path.with_suffix(".nix.parts").exists()


def test_a_salvage_keeps_sets_without_runs(path: Path, tmp_path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.parameters.save("alone", BASE, "no run has it")
        exp.run(parameters={"x": 1}).finish()
    saved = archive.salvage(path, tmp_path / "new.nix")
    assert not saved.losses
    with archive.open(tmp_path / "new.nix") as exp:
        assert exp.parameters["alone"] == BASE
        assert exp.parameters["alone"].description == "no run has it"
        assert len(exp.parameters) == 2


def test_a_check_finds_names_without_a_set_and_twice(path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.parameters.save("good", {"x": 1})
        names = ParameterNames(exp._container)
        good = exp.parameters.history("good")[0]
        names.add(good.model_copy(update={"parameters": "0" * 64}), None)
        found = {(one.name, one.what) for one in exp.check().findings}
        assert found == {
            ("parameter name 1", "the parameter set called 'good' is missing"),
            ("parameter name 1", "another parameter set is called 'good' too"),
        }
        with pytest.raises(archive.NotFound, match="000000000000 is missing"):
            exp.parameters["good"]
    saved = archive.salvage(path, path.with_name("new.nix"))
    assert [str(loss) for loss in saved.losses] == ["parameter name 1: parameters: it is not there"]


def test_a_changed_name_is_found(path: Path) -> None:
    with archive.open(path, "a") as exp:
        exp.parameters.save("good", {"x": 1}, "a description")
    content = path.read_bytes()
    assert content.count(b"a description") == 1
    path.write_bytes(content.replace(b"a description", b"b description"))
    with archive.open(path) as exp:
        assert "parameter name 0" in {one.name for one in exp.check(deep=True).findings}


# -- display -------------------------------------------------------------------------------------


def test_how_sets_look(path: Path) -> None:
    with archive.open(path, "a") as exp:
        one = exp.parameters.save("<baseline>", {"exc": {"tau_m": 10 * pq.ms}, "n": 3})
        for number in range(12):
            exp.run(parameters={"x": number}).finish()
        digest = one.digest[:12]
        assert repr(one) == f"<ParameterSet '<baseline>' {digest}: exc.tau_m=10.0 ms, n=3>"
        lines = repr(exp.parameters).splitlines()
        assert lines[0] == "<13 parameter sets>"
        assert lines[1] == f"  {digest} '<baseline>': 2 parameters, 0 runs"
        assert lines[-1] == "  … and 3 more"
        assert "&lt;baseline&gt;" in exp.parameters._repr_html_()
        assert "<td>exc.tau_m</td><td>10.0 ms</td>" in one._repr_html_()
        many = exp.parameters.save("many", {f"x{n}": n for n in range(30)})
        assert "… and 20 more" in repr(many)
    assert f"{digest}: exc.tau_m=10.0 ms, n=3>" in repr(one)  # the archive is closed
