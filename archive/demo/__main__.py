"""``python -m archive.demo``."""

from __future__ import annotations

import sys

from archive.cli.console import complain
from archive.demo import main
from archive.errors import ArchiveError

if __name__ == "__main__":
    try:
        main()
    except ArchiveError as error:
        complain("error", str(error), "bold red")
        sys.exit(error.exit_code)
