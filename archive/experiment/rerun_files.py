"""What was recorded of a program, as files in a folder."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from pathlib import Path
from typing import Final

import schemas
from archive.errors import FormatError, NotFound
from archive.experiment.runs import Run

SOURCE_LIMIT: Final = 64 << 20  # bytes that a recorded file may have once it is unpacked
# Of a module's name nothing else becomes a file: it is what somebody's archive says.
MODULE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_OURS = ("archive", "schemas")


class Written:
    """The files of a program in a folder, and what is to be said of them in `notes`."""

    def __init__(self, folder: Path, code: schemas.Code) -> None:
        self._code = code
        self.modules = folder / "modules"
        self.modules.mkdir()
        self._scripts = folder / "script"
        self._scripts.mkdir()
        self.notes: list[str] = []

    def add_script(self, script: schemas.Source) -> Path:
        """The script by its own name; where its text was not kept, the file that is there if it
        is the same. Raises NotFound."""
        content = self._text(script, "the script")
        if content is None:
            there = self._unchanged(script)
            if there is None:
                raise NotFound(
                    f"the text of {script.path} was not kept, and the file is not there as it was",
                    hint="check out the recorded commit, so that the file is as it was",
                )
            return there
        given = "command.py" if self._code.program == "command" else Path(script.path).name
        name = re.sub(r"[^\w.-]", "_", given).lstrip(".-") or "script.py"
        path = self._scripts / name
        path.write_bytes(content)
        return path

    def add_modules(self) -> None:
        """Those whose text was kept, by their names."""
        for name, module in self._code.modules.items():
            if name.partition(".")[0] in _OURS or not MODULE.fullmatch(name):
                continue
            content = self._text(module, f"the module {name}")
            if content is None or not module.path.endswith(".py"):
                self.notes.append(f"the module {name} was not kept: the one that is found is used")
                continue
            within = name.split(".")
            if Path(module.path).stem == "__init__":
                within.append("__init__")
            self._write(within, content)

    def add_main(self) -> str | None:
        """The script of ``python -m`` as a module; its name, None if it cannot be told."""
        script = self._code.script
        content = None if script is None else self._text(script, "the module")
        if script is None or content is None:
            return None
        path = Path(script.path)
        package = [
            name
            for name, one in self._code.modules.items()
            if Path(one.path).stem == "__init__" and Path(one.path).parent == path.parent
        ]
        name = ".".join([*package[:1], path.stem])
        if not MODULE.fullmatch(name):
            return None
        self._write(name.split("."), content)
        return name.removesuffix(".__main__")

    def _write(self, within: list[str], content: bytes) -> None:
        path = self.modules.joinpath(*within[:-1], f"{within[-1]}.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def _text(self, source: schemas.Source, what: str) -> bytes | None:
        """The recorded text; that of the file, if it is the same and the record is not whole."""
        content, whole = source_text(source)
        if content is not None and not whole:
            there = self._unchanged(source)
            if there is not None:
                return there.read_bytes()
            note = f"{what} is without what looked like a secret as it was recorded"
            if note not in self.notes:
                self.notes.append(note)
        return content

    def _unchanged(self, source: schemas.Source) -> Path | None:
        path = place_of(source, self._code)
        if not (path.is_absolute() and path.is_file()):
            return None
        is_it = hashlib.sha256(path.read_bytes()).hexdigest() == source.digest
        return path if is_it else None


def source_text(source: schemas.Source) -> tuple[bytes | None, bool]:
    """The bytes of a recorded file, None where they were not kept; and whether they are those of
    its digest: what looks like a secret is not kept. Raises FormatError for what is no text."""
    if source.content is None:
        return None, False
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(bytes(source.content), SOURCE_LIMIT)
    except zlib.error as error:
        raise FormatError(f"the text of {source.path} cannot be unpacked ({error})") from error
    if unpacking.unconsumed_tail:
        raise FormatError(f"the text of {source.path} is longer than {SOURCE_LIMIT} bytes")
    return content, hashlib.sha256(content).hexdigest() == source.digest


def place_of(source: schemas.Source, code: schemas.Code) -> Path:
    """Where a recorded file lay."""
    path = Path(source.path).expanduser()
    if path.is_absolute() or code.repository is None or code.repository.root is None:
        return path
    return Path(code.repository.root).expanduser() / path


def write_facts(run: Run, code: schemas.Code, process: schemas.Provenance, folder: Path) -> None:
    """Parameters, seeds and surroundings for people to read."""
    parameters = run._container.run_parameters(run._row)
    said: dict[str, schemas.Model | None] = {
        "parameters": parameters,
        "process": process,
        "environment": run.provenance.environment,
        "code": code.model_copy(update={"script": None, "modules": {}}),
    }
    for name, model in said.items():
        if model is not None:
            text = json.dumps(schemas.dump(model), indent=1, ensure_ascii=False)
            (folder / f"{name}.json").write_text(text, "utf-8")
    repository = code.repository
    if repository is not None and repository.diff is not None:
        limit = min(repository.diff_size or SOURCE_LIMIT, SOURCE_LIMIT)
        try:
            diff = zlib.decompressobj().decompress(bytes(repository.diff), limit)
        except zlib.error as error:
            raise FormatError(f"the diff of the repository cannot be unpacked ({error})") from error
        (folder / "changes.diff").write_bytes(diff)
