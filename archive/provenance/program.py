"""What was started: a script, a notebook, a module, a command or a prompt."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Kind = Literal["script", "notebook", "module", "command", "interactive"]


@dataclass(frozen=True)
class Program:
    """The program of this process."""

    kind: Kind | None
    path: Path | None = None
    """Its file, absolute."""
    text: str | None = None
    """What ``python -c`` was given."""
    missing: str | None = None
    """Why there is no file."""


def program() -> Program:
    """That of this process, as far as Python knows it."""
    shell = _shell()
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if shell is not None and getattr(shell, "kernel", None) is not None:
        return _notebook(shell)
    if isinstance(file, str) and not file.startswith("<") and shell is None:
        kind: Kind = "script" if getattr(main, "__spec__", None) is None else "module"
        return Program(kind, Path(file).absolute())
    if shell is not None:
        return Program("interactive", missing="a prompt of IPython has no file")
    if sys.argv[:1] == ["-c"]:
        return Program("command", text=_command())
    if sys.argv[:1] == ["-"] or (sys.argv[:1] == [""] and not _has_prompt()):
        return Program("interactive", missing="it was read from the standard input")
    if _has_prompt():
        return Program("interactive", missing="a prompt of Python has no file")
    return Program(None, missing="Python does not know of a file, as where it is embedded")


def _has_prompt() -> bool:
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)


def _shell() -> Any:
    """The shell of IPython, if the program runs in one."""
    ipython = sys.modules.get("IPython")
    try:
        return None if ipython is None else ipython.get_ipython()
    except Exception:  # it is half imported
        return None


def _notebook(shell: Any) -> Program:
    """VS Code tells the path in a variable of the notebook, Jupyter in one of the environment."""
    found = getattr(shell, "user_ns", {}).get("__vsc_ipynb_file__")
    path = Path(found if isinstance(found, str) else os.environ.get("JPY_SESSION_NAME", ""))
    if path.suffix == ".ipynb" and path.is_file():
        return Program("notebook", path.absolute())
    return Program("notebook", missing="the kernel is not told which notebook it serves")


def _command() -> str | None:
    """The argument of ``-c``, which Python leaves out of ``sys.argv``."""
    given = sys.orig_argv
    after = len(given) - len(sys.argv)  # where what follows the command begins
    if 0 < after < len(given) and given[after - 1].startswith("-") and given[after - 1][-1] == "c":
        return given[after]
    return None
