"""Damaged files of NEURON, Axon and SONATA: each is read, or refused, soon and in little memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive.adapters.atf import Atf
from archive.adapters.neuron import Neuron
from archive.adapters.sonata import Sonata
from archive.testing.fuzzing import fuzz
from tests.formats import sonata_examples

DATA = Path(__file__).parent.parent / "data"
QUICK, MANY = 40, 5000  # damaged copies of each sample


def made(write: Callable[[Path], None]) -> Callable[[Path], Path]:
    def sample(folder: Path) -> Path:
        path = folder / "sample.h5"
        write(path)
        return path

    return sample


SAMPLES: dict[str, tuple[Any, Path | Callable[[Path], Path]]] = {
    **{
        path.name: (Neuron("fwrite") if path.stem.endswith("fwrite") else Neuron(), path)
        for path in sorted((DATA / "neuron").glob("*.*"))
        if path.suffix != ".md"
    },
    **{path.name: (Atf(), path) for path in sorted((DATA / "atf").glob("*.atf"))},
    "network.h5": (Sonata(), made(sonata_examples.allen_network)),
    "spikes.h5": (Sonata(), made(sonata_examples.libsonata_spikes)),
    "old spikes.h5": (Sonata(), made(sonata_examples.old_spikes)),
    "report.h5": (Sonata(), made(lambda path: sonata_examples.report(path, per_node=3))),
}


def faults(name: str, folder: Path, numbers: range) -> list[str]:
    reader, sample = SAMPLES[name]
    path = sample if isinstance(sample, Path) else sample(folder)
    return [str(one) for one in fuzz(reader, [path], numbers)]


# one of each kind: to start the reader takes longer than to read what is damaged
@pytest.mark.parametrize(
    "name",
    [
        "nrn_multi.dat",
        "vector_vwrite.bin",
        "comment_col.atf",
        "network.h5",
        "spikes.h5",
        "report.h5",
    ],
)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    assert faults(name, tmp_path, range(QUICK)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_thousands_of_damaged_files(name: str, tmp_path: Path) -> None:
    assert faults(name, tmp_path, range(MANY)) == []
