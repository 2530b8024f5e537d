"""Versions of what is installed, this package among it."""

from __future__ import annotations


def writer() -> str:
    """Name and version of this package, as it is written into files."""
    return f"neuroarchive {distribution_version('neuroarchive')}"


def distribution_version(distribution: str) -> str:
    """The version of a distribution; ``unknown`` for what is not installed."""
    # imported here: it takes 30 ms, and who only reads never needs it
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return "unknown"
