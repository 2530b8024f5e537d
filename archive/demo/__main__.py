"""``python -m archive.demo``; with a file and the name of a run, one of its processes."""

from __future__ import annotations

import sys

from archive.cli.console import complain
from archive.demo import learning, main
from archive.errors import ArchiveError

if __name__ == "__main__":
    try:
        learning.main(*sys.argv[1:]) if len(sys.argv) > 1 else main()
    except ArchiveError as error:
        complain("error", str(error), "bold red")
        sys.exit(error.exit_code)
