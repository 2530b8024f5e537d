"""What was taken over is compared with what was there: one changed byte is seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from archive.container import Container, comparing, merge_notes, taking
from tests.unit import rich_archive


def test_comparing_sees_one_byte(tmp_path: Path) -> None:
    one, other = rich_archive.write(tmp_path / "a.nix"), rich_archive.write(tmp_path / "b.nix")
    target, source = Container(one, writable=True), Container(other, writable=False)
    try:
        list(taking.take(target, source, "b", {0: "b"}))
        known = merge_notes.taken(target, source)
        assert comparing.difference(target, source, known, {0: "b"}, "b") is None
        assert "run" in str(comparing.difference(target, source, known, {}, "b"))
        for number in range(len(target.streams)):
            stream = target.streams[number]
            for name in stream.types:
                data = target.streams.data(stream, name)
                assert data is not None
                last = data.read(len(data) - 1)
                changed = np.frombuffer(bytes(b ^ 1 for b in last.tobytes()), last.dtype)
                if name == "labels":
                    others = np.unique(data.read())
                    changed = others[others != last[0]][:1]
                with target.transaction() as transaction:
                    transaction.overwrite(data, len(data) - 1, changed.reshape(last.shape))
                assert comparing.difference(target, source, known, {0: "b"}, "b") is not None, name
                with target.transaction() as transaction:
                    transaction.overwrite(data, len(data) - 1, last)
        assert comparing.difference(target, source, known, {0: "b"}, "b") is None
    finally:
        target.close()
        source.close()
