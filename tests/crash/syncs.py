"""What each sync of a session is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.crash.proof import LOG, NAME
from tests.crash.recording import (
    Create,
    File,
    Link,
    Operation,
    Remove,
    Sync,
    SyncFolder,
    Truncate,
    Write,
)

RECORD = "a record of the log"
BULK = "bytes that went to the file directly, before the record"
CHECKPOINT = "pages that were copied into the file"
LOG_BEGUN = "the beginning of the log"
LOG_NAME = "the name of the log"
LOG_GONE = "the end of the log"
NEW_CONTENT = "the content of a new archive"
NEW_NAME = "the name of a new archive"


def roles(
    operations: Sequence[Operation], titles: Mapping[File, str], since: int = 0
) -> dict[int, str]:
    """What the syncs among the operations are for, by number, from one operation on."""
    return {
        number: _folder(operations[:number])
        if isinstance(operation, SyncFolder)
        else _file(operations[:number], operation.file, titles)
        for number, operation in enumerate(operations)
        if isinstance(operation, Sync | SyncFolder) and number >= since
    }


def _file(before: Sequence[Operation], file: File, titles: Mapping[File, str]) -> str:
    last = next(
        one for one in reversed(before) if isinstance(one, Write | Truncate) and one.file == file
    )
    if titles[file] == LOG:
        return LOG_BEGUN if isinstance(last, Write) and last.offset == 0 else RECORD
    if Link(NAME, file) not in before and titles[file] != NAME:
        return NEW_CONTENT
    return CHECKPOINT if isinstance(last, Truncate) else BULK


def _folder(before: Sequence[Operation]) -> str:
    for operation in reversed(before):
        match operation:
            case Create(name=name) if name == LOG:
                return LOG_NAME
            case Link(name=name) if name == NAME:
                return NEW_NAME
            case Remove(name=name) if name == LOG:
                return LOG_GONE
    raise AssertionError("a sync of the folder that nobody has asked for")
