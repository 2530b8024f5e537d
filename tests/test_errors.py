"""The tree of errors: what callers catch, and what scripts see as exit codes."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import pytest

from archive import errors
from archive.errors import ArchiveError

# name → the errors it is, ours and builtin; and the exit code of the command line
TREE: dict[str, tuple[tuple[type[BaseException], ...], int]] = {
    "ArchiveError": ((Exception,), 1),
    "NotFound": ((ArchiveError, KeyError), 3),
    "ArchiveNotFound": ((errors.NotFound, FileNotFoundError), 3),
    "AlreadyExists": ((ArchiveError, FileExistsError), 4),
    "Refused": ((ArchiveError, PermissionError), 5),
    "Busy": ((ArchiveError, TimeoutError), 6),
    "ContractError": ((ArchiveError, ValueError), 7),
    "QueryError": ((ArchiveError, ValueError), 8),
    "VersionError": ((ArchiveError,), 9),
    "FormatError": ((ArchiveError, ValueError), 10),
    "MissingPackage": ((errors.FormatError, ImportError), 11),
    "TransactionError": ((ArchiveError, OSError), 12),
    "CorruptArchive": ((ArchiveError,), 13),
}


def defined() -> dict[str, type[ArchiveError]]:
    return {
        name: item
        for name, item in vars(errors).items()
        if inspect.isclass(item) and issubclass(item, ArchiveError)
    }


def test_the_tree_is_as_published() -> None:
    assert {name: (found.__bases__, found.exit_code) for name, found in defined().items()} == TREE


def test_groups_have_exit_codes_of_their_own() -> None:
    own = [found.exit_code for found in defined().values() if "exit_code" in vars(found)]
    assert len(own) == len(set(own))
    assert 0 not in own, "0 is success"
    assert 2 not in own, "2 is a wrong command line"


@pytest.mark.parametrize("name", TREE)
def test_the_text_says_where_what_and_what_to_do(name: str) -> None:
    error = defined()[name]("it is broken", path=Path("fi.nix"), entry="run 'a'", hint="mend it")
    assert str(error) == "fi.nix: run 'a': it is broken\n  hint: mend it"
    assert (error.path, error.entry, error.hint) == ("fi.nix", "run 'a'", "mend it")
    assert error.message == "it is broken"


@pytest.mark.parametrize("name", TREE)
def test_what_is_not_known_is_not_said(name: str) -> None:
    error = defined()[name]("it is broken")
    assert str(error) == "it is broken"
    assert (error.path, error.entry, error.hint) == (None, None, None)
    assert str(defined()[name]("it is broken", entry="run 'a'")) == "run 'a': it is broken"


@pytest.mark.parametrize("name", TREE)
def test_errors_cross_processes_whole(name: str) -> None:
    error = defined()[name]("it is broken", path="fi.nix", entry="run 'a'", hint="mend it")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
