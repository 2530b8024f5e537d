"""What was recorded of a program, as files in a folder."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import schemas
from archive.errors import FormatError, NotFound
from archive.experiment.runs import Run

SOURCE_LIMIT: Final = 64 << 20  # bytes that a recorded file may have once it is unpacked
# Of a module's name nothing else becomes a file: it is what somebody's archive says.
MODULE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_OURS = ("archive", "schemas")


def write_script(script: schemas.Source, folder: Path) -> Path:
    """The script by its own name; where only its digest is kept, the file that still has it."""
    content = source_text(script)
    if content is None:
        there = _unchanged(script)
        if there is None:
            raise NotFound(
                f"the text of {script.path} was not kept, and the file is not there as it was",
                hint="check out the recorded commit, so that the file is as it was",
            )
        return there
    name = re.sub(r"[^\w.-]", "_", Path(script.path).name) or "script.py"
    path = folder / "script" / name
    path.parent.mkdir()
    path.write_bytes(content)
    return path


def write_modules(modules: Mapping[str, schemas.Source], folder: Path) -> Iterator[str]:
    """The modules by their names; yields what is said of those that could not be written."""
    top = folder / "modules"
    top.mkdir()
    for name, module in modules.items():
        if name.partition(".")[0] in _OURS or name == "__main__":
            continue
        content = source_text(module)
        if content is None or not MODULE.fullmatch(name) or not module.path.endswith(".py"):
            yield f"the module {name} was not kept: the one that is found is used"
            continue
        path = top.joinpath(*name.split("."))
        path = path / "__init__.py" if Path(module.path).stem == "__init__" else f"{path}.py"
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def source_text(source: schemas.Source) -> bytes | None:
    """The bytes of a recorded file; None where they were not kept. Raises FormatError where they
    are not those of its digest."""
    if source.content is None:
        return None
    if source.size > SOURCE_LIMIT:
        raise FormatError(f"{source.path} has {source.size} bytes, {SOURCE_LIMIT} are the most")
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(bytes(source.content), source.size + 1)
    except zlib.error as error:
        raise FormatError(f"the text of {source.path} cannot be unpacked ({error})") from error
    if hashlib.sha256(content).hexdigest() != source.digest:
        raise FormatError(f"the text of {source.path} is not what its digest says")
    return content


def _unchanged(source: schemas.Source) -> Path | None:
    path = Path(source.path)
    if not (path.is_absolute() and path.is_file()):
        return None
    is_it = hashlib.sha256(path.read_bytes()).hexdigest() == source.digest
    return path if is_it else None


def write_facts(
    run: Run, code: schemas.Code, process: schemas.Provenance, folder: Path
) -> None:
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
