"""What may lie on a disk after the power went: everything that was not synced is uncertain.

No order is assumed among writes that were not synced, nor between them and the file's length.
Of a sector that was written several times, any of the contents may be there, or a torn one: part
of one content and part of the next, or plain garbage, even where the write changed only a few of
its bytes. Each name in the folder has been through its changes in their order up to some point,
and no name waits for another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from tests.crash.recording import (
    Create,
    FailedSync,
    File,
    Link,
    Operation,
    Remove,
    Sync,
    SyncFolder,
    Truncate,
    Write,
)

SECTOR = 512


class Chance:
    """How the uncertain turns out. With `keep` 1 everything is there, with 0 nothing."""

    def __init__(self, random: Random, keep: float, keep_names: float, tear: float = 0.0) -> None:
        self._random = random
        self._keep = keep
        self._keep_names = keep_names
        self._tear = tear

    def name(self, versions: int) -> int:
        """To which of its versions a name or a length has come."""
        return self._pick(versions, self._keep_names)

    def _pick(self, versions: int, keep: float) -> int:
        if versions == 1 or self._random.random() < keep:
            return versions - 1
        return self._random.randrange(versions - 1) if keep else 0

    def sector(self, versions: Sequence[bytes]) -> bytes:
        """What a sector holds that had these contents one after the other."""
        if len(versions) > 1 and self._random.random() < self._tear:
            if self._random.random() < 0.5:
                return self._random.randbytes(SECTOR)
            before, after = self._random.choice(list(pairwise(versions)))
            cut = self._random.randrange(1, SECTOR)
            halves = (before, after) if self._random.random() < 0.5 else (after, before)
            return halves[0][:cut] + halves[1][cut:]
        return versions[self._pick(len(versions), self._keep)]


def all_lost() -> Chance:
    """Nothing is there that was not synced."""
    return Chance(Random(0), 0.0, 0.0)


def all_kept() -> Chance:
    """Everything is there, as after a killed process."""
    return Chance(Random(0), 1.0, 1.0)


def at_random(random: Random) -> Chance:
    """From nearly all to nearly nothing, whole sectors only or torn ones too."""
    return Chance(
        random,
        keep=random.choice((0.02, 0.1, 0.5, 0.9, 0.98)),
        keep_names=random.choice((0.0, 0.5, 1.0, 1.0)),
        tear=random.choice((0.0, 0.0, 0.02, 0.3)),
    )


@dataclass(frozen=True, slots=True)
class _Version:
    """What a sector held since the operation of that number on its file."""

    number: int
    content: bytes
    cut: int = SECTOR  # how many of its bytes the truncation left that made this version


@dataclass(slots=True)
class _Content:
    """One file: what is permanent, and what was done since."""

    durable: bytearray
    waiting: list[tuple[int, Write | Truncate]] = field(default_factory=list)

    def sync(self, began: int) -> None:
        while self.waiting and self.waiting[0][0] < began:
            _apply(self.waiting.pop(0)[1], self.durable)


def _apply(operation: Write | Truncate, content: bytearray) -> None:
    if isinstance(operation, Truncate):
        del content[operation.length :]
        content.extend(bytes(operation.length - len(content)))
    else:
        content.extend(bytes(max(0, operation.offset - len(content))))
        content[operation.offset : operation.offset + len(operation.data)] = operation.data


class FileLoss:
    """What one file may hold."""

    def __init__(self, content: _Content) -> None:
        self._durable = bytes(content.durable)
        image = bytearray(self._durable)
        self._lengths = [len(image)]
        self._has_cuts = False
        self._sectors: dict[int, list[_Version]] = {}
        for number, (_, operation) in enumerate(content.waiting, start=1):
            before = len(image)
            _apply(operation, image)
            self._lengths.append(len(image))
            if isinstance(operation, Write):
                start, stop = operation.offset, operation.offset + len(operation.data)
            else:
                self._has_cuts = True
                start, stop = operation.length, before
            if start >= stop:
                continue
            for sector in range(start // SECTOR, -(-stop // SECTOR)):
                left = max(0, start - sector * SECTOR)
                cut = left if isinstance(operation, Truncate) else SECTOR
                self._versions(sector).append(_Version(number, _sector(image, sector), cut))

    def _versions(self, sector: int) -> list[_Version]:
        if sector not in self._sectors:
            self._sectors[sector] = [_Version(0, _sector(self._durable, sector))]
        return self._sectors[sector]

    def certain(self) -> bool:
        return len(self._lengths) == 1

    def state(self, chance: Chance) -> bytes:
        """One of the contents that the file may have."""
        if self.certain():
            return self._durable
        reached = chance.name(len(self._lengths))
        length = self._lengths[reached]
        image = bytearray(self._durable)
        for sector, versions in self._sectors.items():
            if sector * SECTOR < length:
                content = chance.sector(self._possible(versions, reached))
                image.extend(bytes(max(0, (sector + 1) * SECTOR - len(image))))
                image[sector * SECTOR : (sector + 1) * SECTOR] = content
        del image[length:]
        image.extend(bytes(length - len(image)))
        return bytes(image)

    def _possible(self, versions: list[_Version], reached: int) -> list[bytes]:
        """A truncation that has happened has taken what was there before; one that has not
        happened has taken nothing."""
        if not self._has_cuts:
            return [version.content for version in versions]
        found: list[bytes] = []
        for version in versions:
            if version.cut == SECTOR:
                found.append(version.content)
            elif version.number <= reached:
                found = [_sector(content[: version.cut], 0) for content in found]
        return found


def _sector(content: bytes | bytearray, sector: int) -> bytes:
    return bytes(content[sector * SECTOR : (sector + 1) * SECTOR]).ljust(SECTOR, b"\0")


class Disk:
    """A folder on a disk, operation by operation."""

    def __init__(self, start: Mapping[str, bytes]) -> None:
        self._files = {
            file: _Content(bytearray(content)) for file, content in enumerate(start.values())
        }
        self._names: dict[str, File | None] = {name: file for file, name in enumerate(start)}
        self._waiting_names: list[tuple[int, str, File | None]] = []
        self._done = 0

    def do(self, operation: Operation) -> None:
        match operation:
            case Create(name, file):
                self._files[file] = _Content(bytearray())
                self._waiting_names.append((self._done, name, file))
            case Link(name, file):
                self._waiting_names.append((self._done, name, file))
            case Remove(name):
                self._waiting_names.append((self._done, name, None))
            case Write(file) | Truncate(file):
                self._files[file].waiting.append((self._done, operation))
            case Sync(file, began):
                self._files[file].sync(began)
            case FailedSync(file):
                self._files[file].waiting.clear()
            case SyncFolder(began):
                while self._waiting_names and self._waiting_names[0][0] < began:
                    _, name, target = self._waiting_names.pop(0)
                    self._names[name] = target
        self._done += 1

    def loss(self) -> Loss:
        """What may be there if the power goes now."""
        names: dict[str, list[File | None]] = {name: [file] for name, file in self._names.items()}
        for _, name, file in self._waiting_names:
            names.setdefault(name, [None]).append(file)
        wanted = {file for versions in names.values() for file in versions if file is not None}
        return Loss(names, {file: FileLoss(self._files[file]) for file in sorted(wanted)})


@dataclass(frozen=True, slots=True)
class Loss:
    """What may lie in the folder at one moment."""

    names: Mapping[str, Sequence[File | None]]
    files: Mapping[File, FileLoss]

    def certain(self) -> bool:
        """Whether there is only one possibility."""
        return all(len(versions) == 1 for versions in self.names.values()) and all(
            file.certain() for file in self.files.values()
        )

    def state(self, chance: Chance) -> dict[str, bytes]:
        """One of the possibilities: the content of each file, by name."""
        contents = {file: loss.state(chance) for file, loss in self.files.items()}
        chosen = {
            name: versions[chance.name(len(versions))] for name, versions in self.names.items()
        }
        return {name: contents[file] for name, file in chosen.items() if file is not None}
