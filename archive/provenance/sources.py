"""Source files: the script, and the imported modules that nobody could install again."""

from __future__ import annotations

import hashlib
import operator
import site
import sys
import sysconfig
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Final

from archive.provenance.concealing import concealed_bytes

# Compressed bytes of one file, and of all of a program, that are kept.
FILE_LIMIT: Final = 1 << 20
TOTAL_LIMIT: Final = 5 << 20
# Of a longer file not even the digest is computed: it is no source text.
READ_LIMIT: Final = 1 << 26
# What can be read as text; of other modules, which are compiled, only the digest is kept.
TEXTS: Final = (".py", ".pyw", ".pyx", ".ipynb", "")
OWN: Final = ("archive", "schemas")

BEGAN: Final = time.time()  # when this package was loaded


@dataclass(frozen=True)
class File:
    """A file as it was when it was first looked at."""

    path: Path
    digest: str
    size: int
    packed: bytes | None
    """Its bytes without secrets, compressed, unless they are too many."""
    secrets: int
    modified: float


@dataclass
class Modules:
    """The imported modules that are of no installed distribution, by name."""

    files: dict[str, File] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    _specs: list[object] = field(default_factory=list)  # of all, when they were looked at last
    _seen: dict[str, object] = field(default_factory=dict)  # what each was loaded by

    def look(self) -> bool:
        """Take in what was imported or reloaded since; returns whether there was something."""
        found = False
        specs = [getattr(module, "__spec__", None) for module in list(sys.modules.values())]
        if len(specs) == len(self._specs) and all(map(operator.is_, specs, self._specs)):
            return False  # as nearly always, with a thousand modules and at each run
        self._specs = specs
        for name, module in list(sys.modules.items()):
            how = getattr(module, "__spec__", None)
            if self._seen.get(name, self) is how:  # a module that is loaded again has another one
                continue
            self._seen[name] = how
            path = None if name in ("__main__", "__mp_main__") else own_file(name, module)
            if path is not None:
                found = True
                try:
                    self.files[name] = read(path)
                    self.unread.pop(name, None)
                except (OSError, ValueError) as error:
                    self.unread[name] = reason(error)
        return found


def own_file(name: str, module: ModuleType) -> Path | None:
    """The file of a module that belongs to the user; None of all others."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or name.partition(".")[0] in OWN:
        return None
    return None if is_installed(file) else Path(file)


def is_installed(file: str | Path) -> bool:
    """Whether a file is of Python itself, or of an installed distribution. One that is installed
    for editing is not: its version does not tell what is in it."""
    text = str(file)
    if "site-packages" in text or "dist-packages" in text or text.startswith("<"):
        return True
    return text.startswith(_places())


@cache
def _places() -> tuple[str, ...]:
    """Folders of Python and what is installed there, each with its end."""
    names = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    found = {sysconfig.get_path(name) for name in names}
    found |= {str(Path(sys.executable).parent)} if sys.executable else set()
    found |= {*site.getsitepackages(), site.getusersitepackages()}
    found |= {str(Path(one).resolve()) for one in found if one}
    return tuple(one.rstrip("/\\") + end for one in found if one for end in "/\\")


def read(path: Path) -> File:
    """A file with its digest. Raises OSError, or ValueError for one that is too long."""
    found = path.stat()
    if found.st_size > READ_LIMIT:
        raise ValueError(f"it has {found.st_size} bytes")
    content = path.read_bytes()
    packed, secrets = None, 0
    if path.suffix in TEXTS:
        safe, secrets = concealed_bytes(content)
        packed = zlib.compress(safe)
        if len(packed) > FILE_LIMIT:
            packed = None
    digest = hashlib.sha256(content).hexdigest()
    return File(path, digest, len(content), packed, secrets, found.st_mtime)


def within(room: int, files: Mapping[str, File]) -> Iterator[tuple[str, File, bytes | None]]:
    """Each file by its name, with its content as long as all of them fit into `room`."""
    for name, file in files.items():
        packed = file.packed
        if packed is not None and len(packed) > room:
            packed = None
        room -= len(packed or b"")
        yield name, file, packed


def reason(error: Exception) -> str:
    """Why something could not be read, without its path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
