"""``python -m archive`` does what the command ``neuroarchive`` does."""

from __future__ import annotations

from archive.cli import main

if __name__ == "__main__":
    main()
