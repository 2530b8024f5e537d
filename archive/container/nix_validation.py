"""What nixio's own validation says of a file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

# Seconds: nixio looks at entities, of which there are few, and a damaged file may keep it for ever.
NIX_PATIENCE = 50.0

NIXIO_VALIDATION = """
import json, sys, nixio
with nixio.File.open(sys.argv[1], nixio.FileMode.ReadOnly) as file:
    errors = file.validate()["errors"]
    found = [
        (f"{type(entity).__name__} {getattr(entity, 'name', '')}".strip(), text)
        for entity, texts in errors.items()
        for text in texts
    ]
    print(json.dumps(found))
"""


def nixio_faults(path: Path) -> list[list[str]]:
    """Name and text of each error that nixio's validation finds.

    In a process of its own: HDF5 opens no file twice in one process the way that nixio does, and
    a damaged one may end the process. No lock is needed, as every change is flushed.
    """
    try:
        done = subprocess.run(
            # -P: a nixio.py that lies beside the file is not imported
            [sys.executable, "-P", "-c", NIXIO_VALIDATION, str(path)],
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=NIX_PATIENCE,
            env={**os.environ, "HDF5_USE_FILE_LOCKING": "FALSE", "PYTHONIOENCODING": "utf-8"},
        )
    except subprocess.TimeoutExpired:
        return [["nixio", f"nixio does not come to an end within {NIX_PATIENCE:g} s"]]
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        return [["nixio", f"nixio cannot validate the file ({last})"]]
    found: list[list[str]] = json.loads(done.stdout)
    return found
