"""Work that ends its process, hangs or fails: it always comes back, and says where it was."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from archive.container.isolation import MOST_ENDINGS, Watch, isolated
from archive.errors import AlreadyExists, CorruptArchive, FormatError
from archive.storage import Foreign

FILE = Path("file.nix")


def work(arguments: dict[str, Any], watch: Watch) -> list[str]:
    """Each step is a place, and what happens there."""
    avoided = []
    for place, what in arguments["steps"]:
        try:
            watch.at(place)
        except CorruptArchive as error:
            avoided.append(f"{error.entry}: {error.message}")
            continue
        happen(what)
    return avoided


def happen(what: str) -> None:
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "leave":
        os._exit(3)
    elif what == "hang":
        time.sleep(1000)
    elif what == "foreign":
        raise Foreign("not ours", is_nix=True, hint="look")
    elif what == "refuse":
        raise AlreadyExists("there", entry="name")
    elif what == "fail":
        raise ZeroDivisionError("by zero")


def run(*steps: tuple[str, str], patience: float = 60.0) -> Any:
    return isolated(work, {"steps": steps}, FILE, patience=patience)


def test_places_that_end_the_process_are_left_out() -> None:
    seen: list[str] = []
    steps = [("a", ""), ("b", "crash"), ("c", "leave"), ("d", "")]
    avoided = isolated(work, {"steps": steps}, FILE, on_place=seen.append)
    assert avoided == [
        "b: reading it ends the process (SIGSEGV)",
        "c: reading it ends the process (exit code 3)",
    ]
    assert seen == ["a", "b", "a", "b", "c", "a", "b", "c", "d"]


@pytest.mark.slow
def test_a_place_that_keeps_the_process_is_left_out() -> None:
    began = time.monotonic()
    (avoided,) = run(("a", "hang"), ("b", ""), patience=5)
    assert avoided == "a: reading it does not come to an end (given up after 5 s)"
    assert time.monotonic() - began < 60


def test_errors_of_ours_come_back_as_they_are() -> None:
    with pytest.raises(AlreadyExists, match=r"file.nix: name: there"):
        run(("a", "refuse"))
    with pytest.raises(FormatError, match="not ours") as caught:
        run(("a", "foreign"))
    assert (caught.value.path, caught.value.hint) == ("file.nix", "look")
    with pytest.raises(CorruptArchive, match="ZeroDivisionError: by zero"):
        run(("a", "fail"))


def test_it_does_not_try_for_ever() -> None:
    with pytest.raises(CorruptArchive, match="SIGSEGV") as caught:
        isolated(always_crash, {}, FILE)
    assert caught.value.entry == "the file"
    assert MOST_ENDINGS < 100


def always_crash(arguments: dict[str, Any], watch: Watch) -> None:
    happen("crash")
