"""What all tests share: optional packages and programs, and the check of every archive left."""

from __future__ import annotations

import gc
import hashlib
import importlib
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import h5py
import pytest
from hypothesis import settings

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"

# On a busy machine one example in hundreds takes long for reasons that are not ours.
# In CI the same examples each time: there a change is judged, not the luck of the day.
settings.register_profile(
    "archive", deadline=None, print_blob=True, derandomize="ARCHIVE_CI" in os.environ
)
settings.load_profile("archive")


def pytest_configure(config: pytest.Config) -> None:
    """Let the many processes that tests start find our modules compiled, even where Python is
    told to write nothing beside them."""
    cache = getattr(config, "cache", None)
    if cache is not None and os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ["PYTHONPYCACHEPREFIX"] = str(cache.mkdir("bytecode"))


def _missing(what: str) -> NoReturn:
    if os.environ.get("ARCHIVE_CI") == "1":
        pytest.fail(f"{what}, and ARCHIVE_CI=1 promises that all is installed")
    pytest.skip(what)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A file that is skipped as a whole, for want of a package, has the same policy."""
    report = yield
    if report.skipped and os.environ.get("ARCHIVE_CI") == "1":
        report.outcome = "failed"
        report.longrepr = f"{report.longrepr}, and ARCHIVE_CI=1 promises that all is installed"
    return report


@pytest.fixture(scope="session")
def require() -> Callable[[str], ModuleType]:
    """Import an optional module: the test is skipped without it, but fails if ARCHIVE_CI=1."""

    def imported(name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except (ImportError, RuntimeError) as error:  # mpi4py: RuntimeError without an MPI library
            _missing(f"{name} cannot be imported ({error})")

    return imported


@pytest.fixture(scope="session")
def require_program() -> Callable[[str], str]:
    """The path of a program, with the same policy as `require`."""

    def found(name: str) -> str:
        return shutil.which(name) or _missing(f"the program {name} is not installed")

    return found


def archives(folder: Path) -> Iterator[Path]:
    """The archives of ours below a folder, whatever their names end with."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        with path.open("rb") as file:
            if file.read(len(HDF5_SIGNATURE)) != HDF5_SIGNATURE:
                continue
        with h5py.File(path, "r") as file:
            blocks = file["data"].values() if file.attrs.get("format") == "nix" else ()
            ours = any(str(block.attrs["type"]).startswith("archive.") for block in blocks)
        if ours:
            yield path


_sound: set[bytes] = set()  # digests of files in which nixio has found no error


def nix_errors(path: Path) -> list[str]:
    """What nixio's own validation says is wrong with a file."""
    # imported here: most tests leave no archive and need not wait for it
    import nixio

    digest = hashlib.sha256(path.read_bytes()).digest()
    if digest in _sound:
        return []
    # nixio collects garbage when it closes a file: it need not look through all that is loaded
    gc.freeze()
    try:
        with nixio.File.open(str(path), nixio.FileMode.ReadOnly) as file:
            report = file.validate()["errors"]
            found = [
                f"{path.name}: {entity}: {text}" for entity in report for text in report[entity]
            ]
    finally:
        gc.unfreeze()
    if not found:
        _sound.add(digest)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Every archive that any test leaves behind is a NIX file without an error."""
    yield  # fixtures close what they hold
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if folder is None or item.get_closest_marker("damaged"):
        return
    try:
        errors = [error for path in archives(folder) for error in nix_errors(path)]
    except OSError as error:
        pytest.fail(
            f"an archive in {folder} is still open, or damaged: {error}\n"
            "(close it, or mark the test `damaged`)",
            pytrace=False,
        )
    if errors:
        pytest.fail("nixio finds errors:\n" + "\n".join(errors), pytrace=False)
