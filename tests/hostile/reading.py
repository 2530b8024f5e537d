"""Reads damaged files, as a process of its own that may crash, hang or run out of memory.

``python -m tests.hostile.reading FOLDER FIRST LAST``: of the archives in FOLDER the damaged copies
FIRST to LAST. Each line of the output is a number that is begun, or what it did that it must not;
the last says how many could be opened.
"""

from __future__ import annotations

import contextlib
import faulthandler
import resource
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import archive
from archive.container import check
from archive.experiment import opening
from tests.hostile.mutations import Mutations

SUMMARY = "opened"
CHECKED = 4  # a check, and what is long, take more than a reading: every so many files
SECONDS = 5.0
MEGABYTES = 500


def uses(exp: archive.Experiment, *, whole: bool = True) -> Iterator[Callable[[], Any]]:
    """All that can be read, in pieces that fail each on its own; the long ones if `whole`."""
    yield lambda: (exp.name, exp.description, exp.annotations, exp.history)
    yield lambda: exp.runs.where("simulator == 'none'").table()
    yield lambda: exp.segments.where("amplitude > 0.05 nA and label like 's*'").table()
    yield lambda: exp.segments.where("run.parameters.tau_m == 10 ms")
    yield lambda: (repr(exp.parameters), [repr(one) for one in exp.parameters])
    yield lambda: [exp.parameters[name] for name in exp.parameters.names]
    yield lambda: exp.parameters.missing({"tau_m": [1.0]})
    for number in range(2):
        yield partial(_run, exp, number)
        yield partial(_segment, exp, number)
        if whole:
            yield partial(_lineage, exp, number)
    if whole:
        yield lambda: _difference(exp)
        yield lambda: exp.signatures


def _run(exp: archive.Experiment, number: int) -> None:
    if number >= len(exp.runs):
        return
    run = exp.runs[number]
    _ = (run.name, run.annotations, run.parameters, run.provenance, run.reason, repr(run))


def _lineage(exp: archive.Experiment, number: int) -> None:
    if number < len(exp.runs):
        found = exp.lineage(exp.runs[number])
        _ = (str(found), found.to_svg())


def _difference(exp: archive.Experiment) -> None:
    if len(exp.runs):
        _ = str(archive.diff(exp.runs[0], exp.runs[-1]))


def _segment(exp: archive.Experiment, number: int) -> None:
    if number >= len(exp.segments):
        return
    segment = exp.segments[number]
    _ = (segment.annotations, segment.t_start, segment.recorded, repr(segment))
    arrays = [array for part in segment.to_entry().parts for array in part.arrays.values()]
    faults = []
    for array in arrays:
        try:
            np.asarray(array)
        except archive.ArchiveError as error:
            faults.append(error)
    if faults:
        raise faults[0]


def read(path: Path, checked: bool) -> bool:
    """Open and read, perhaps check. Only errors of ours may come of it, which end nothing here.

    False if the file could not be opened.
    """
    try:
        exp = archive.open(path)
    except archive.ArchiveError:
        return False
    with exp:
        for piece in uses(exp, whole=checked):
            with contextlib.suppress(archive.ArchiveError):
                piece()
        if checked:
            with contextlib.suppress(archive.ArchiveError):
                exp.check()
    return True


def main(folder: Path, first: int, last: int) -> None:
    """Read the damaged copies of these numbers."""
    # nixio's own validation runs in a process of its own, at half a second each
    vars(check)["nixio_faults"] = lambda path: []
    # and so does Neo, which is asked where damage made the file another program's
    vars(opening)["view_through_neo"] = _no_view
    warnings.simplefilter("ignore")
    mutations = Mutations(sorted(folder.glob("*.nix")))
    path = folder / f"damaged-{first}.h5"
    _limit_memory()
    opened = 0
    for number in range(first, last):
        path.write_bytes(mutations.make(number))
        print(number, flush=True)
        # processor time, as other tests may run beside; then the signal ends the process
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        faulthandler.dump_traceback_later(20 * SECONDS, exit=True)
        try:
            opened += read(path, number % CHECKED == 0)
        except BaseException:
            print(number, "raised", traceback.format_exc().replace("\n", "\\n"), flush=True)
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
    path.unlink()
    print(SUMMARY, opened, last - first)


def _no_view(source: Path, target: Path, name: str) -> None:
    raise archive.FormatError("not read here", path=source)


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
