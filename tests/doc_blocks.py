"""The code blocks of a Markdown page, and how they are run."""

from __future__ import annotations

import ast
import doctest
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(
    r"(?:^[ ]*<!--\s*not run:\s*(?P<reason>.*?)\s*-->[ ]*\n\s*?)?"
    r"^(?P<indent>[ ]*)(?P<fence>`{3,}|~{3,})(?P<info>[^\n`]*)\n"
    r"(?P<source>.*?)"
    r"^[ ]*(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)
REASONS = ("needs the network", "installs software")
RUN = ("python", "pycon", "console")
# What runs as a program must be written so that its output can be shown and compared.
REFUSED = {"bash": "console", "sh": "console", "shell": "console", "py": "python"}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class DocumentError(AssertionError):
    """A page shows what does not happen, or what cannot be run."""


@dataclass(frozen=True)
class Block:
    """A block that is to be run: its language, its text, and the line where that starts."""

    page: str
    line: int
    language: str
    source: str

    def fail(self, text: str) -> DocumentError:
        return DocumentError(f"{self.page}:{self.line}: {text}")


def blocks(text: str, page: str) -> Iterator[Block]:
    """The blocks of a page that are to be run, in their order.

    Raises DocumentError for a reason that does not count, for a language that hides code from
    this test, and for a block that is not closed.
    """
    if re.search(r"^[ ]*(```|~~~)", FENCE.sub("", text), re.MULTILINE):
        raise DocumentError(f"{page}: a code block is not closed")
    for found in FENCE.finditer(text):
        language = found["info"].strip().split(" ")[0]
        line = text.count("\n", 0, found.start("source")) + 1
        block = Block(page, line, language, textwrap.dedent(found["source"]))
        if found["reason"] is not None:
            if found["reason"] not in REASONS:
                raise block.fail(f"{found['reason']!r} is no reason; these are: {REASONS}")
        elif language in REFUSED or language.startswith("{code"):
            better = REFUSED.get(language, "python or console")
            raise block.fail(f"{language!r} blocks are not run: make it {better}")
        elif language in RUN:
            yield block


def imported(block: Block) -> set[str]:
    """The modules that a Python block imports."""
    if block.language == "console":
        return set()
    source = block.source
    if ">>>" in source:
        source = "".join(example.source for example in doctest.DocTestParser().get_examples(source))
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def run(block: Block, namespace: dict[str, Any], folder: Path) -> None:
    """Run a block in a folder; Python blocks share the namespace. Raises what the code raises,
    and DocumentError where the output is not the one shown."""
    if block.language == "console":
        _run_commands(block, folder)
    elif ">>>" in block.source:
        _run_session(block, namespace)
    else:
        # the empty lines let a traceback name the line of the page
        source = "\n" * (block.line - 1) + block.source
        exec(compile(source, block.page, "exec", dont_inherit=True), namespace)


def _run_session(block: Block, namespace: dict[str, Any]) -> None:
    session = doctest.DocTestParser().get_doctest(
        block.source, namespace, block.page, block.page, block.line - 1
    )
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(session, out=said.append, clear_globs=False)
    namespace.update(session.globs)
    if runner.failures:
        raise block.fail("".join(said))


def _run_commands(block: Block, folder: Path) -> None:
    first, *commands = re.split(r"^\$ ", block.source, flags=re.MULTILINE)
    if first.strip() or not commands:
        raise block.fail("a console block starts with a command: '$ neuroarchive …'")
    for text in commands:
        joined = text.replace("\\\n", " ")
        command, _, expected = joined.partition("\n")
        done = subprocess.run(
            _program(block, shlex.split(command)),
            cwd=folder,
            env=os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise block.fail(f"'{command}' ends with {done.returncode}:\n{done.stdout}")
        if expected.strip() and not doctest.OutputChecker().check_output(
            expected.strip() + "\n", done.stdout.strip() + "\n", FLAGS
        ):
            raise block.fail(f"'{command}' says:\n{done.stdout}\nbut the page:\n{expected}")


def _program(block: Block, words: list[str]) -> list[str]:
    if words[0] == "neuroarchive":
        return [sys.executable, "-m", "archive", *words[1:]]
    if words[0] == "python":
        return [sys.executable, *words[1:]]
    raise block.fail(f"'{words[0]}' is not run here: only neuroarchive and python are")
