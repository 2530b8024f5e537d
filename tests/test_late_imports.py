"""What few programs need is imported when they need it; see `LATE` of the architecture."""

from __future__ import annotations

from pathlib import Path

from tests.test_architecture import LATE, imports, is_late, is_within, modules, run_python


def test_what_few_need_is_late(tmp_path: Path) -> None:
    """Also a program that opens an archive, appends and reads does without it."""
    code = (
        "import archive, numpy, quantities, sys\n"
        f"with archive.open({str(tmp_path / 'new.nix')!r}, 'x') as exp, exp.run() as run:\n"
        "    run.append({'v': numpy.zeros((9, 1))}, sampling_period=quantities.ms)\n"
        "    assert len(exp.segments[0].signals) == 1\n"
        "print(*sys.modules)"
    )
    done = run_python("-W", "error", "-c", code)
    assert done.returncode == 0, done.stderr
    loaded = sorted(filter(is_late, done.stdout.split()))
    assert loaded == ["archive.provenance.process"]  # as a run began


def test_what_is_late_is_imported_by_somebody() -> None:
    known = modules()
    # those that only late ones import need not wait for themselves
    waiting = {
        item.module
        for name in known
        for item in imports(known[name], set(known))
        if item.place != "top" or is_late(name)
    }
    assert [name for name in LATE if not any(is_within(one, name) for one in waiting)] == []
