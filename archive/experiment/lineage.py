"""From what a run came, and what came of it, as a graph."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from archive.experiment.display import html_table
from archive.experiment.lineage_picture import Box, Line, picture

Kind = Literal["run", "snapshot", "file"]
Meaning = Literal["rerun", "restored", "named", "taken", "imported", "used", "exported"]

# What an edge says, read from its beginning to its end, and back.
FORWARD: Final[Mapping[str, str]] = {
    "rerun": "run again as",
    "restored": "restored for",
    "named": "parent of",
    "taken": "snapshot taken",
    "imported": "imported as",
    "used": "used by",
    "exported": "exported to",
}
BACKWARD: Final[Mapping[str, str]] = {
    "rerun": "run again from",
    "restored": "went on from",
    "named": "began with",
    "taken": "taken in",
    "imported": "imported from",
    "used": "made use of",
    "exported": "exported from",
}
# A tree in text is no longer, and no deeper; what is left out is counted.
DEPTH: Final = 30
LINES: Final = 400


@dataclass(frozen=True, slots=True)
class Node:
    """A run, a snapshot or a file. `label` says which, in a few words; `missing` why it is not
    there any more, else None."""

    key: str
    kind: Kind
    name: str
    label: str
    archive: Path | None = None
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """That one led to another, by the keys of both; `meaning` is how."""

    source: str
    target: str
    meaning: Meaning


@dataclass(frozen=True)
class Lineage:
    """The runs, snapshots and files that led to a run and that it led to, `nodes` by their keys;
    `focus` is the key of the run, None for all runs of an archive. Its text is a tree."""

    focus: str | None
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]

    @cached_property
    def _from(self) -> dict[str, list[Edge]]:
        return _by(self.edges, "target")

    @cached_property
    def _to(self) -> dict[str, list[Edge]]:
        return _by(self.edges, "source")

    @property
    def ancestors(self) -> tuple[Node, ...]:
        """What led to the run, the nearest first."""
        return self._reached(self._from, "source")

    @property
    def descendants(self) -> tuple[Node, ...]:
        """What the run led to, the nearest first."""
        return self._reached(self._to, "target")

    @property
    def missing(self) -> tuple[Node, ...]:
        """What is named, and not there any more."""
        return tuple(node for node in self.nodes.values() if node.missing is not None)

    def _reached(self, edges: Mapping[str, list[Edge]], end: str) -> tuple[Node, ...]:
        if self.focus is None:
            return ()
        found = {self.focus: None}
        queue = [self.focus]
        for key in queue:
            for edge in edges.get(key, ()):
                other = getattr(edge, end)
                if other not in found:
                    found[other] = None
                    queue.append(other)
        return tuple(self.nodes[key] for key in queue[1:])

    # -- shown -------------------------------------------------------------------------------

    def tree(self) -> Iterator[tuple[int, str]]:
        """Depth and text of each line of a tree; what was there before is not followed again."""
        if self.focus is not None:
            yield 0, text_of(self.nodes[self.focus])
            seen = {self.focus}
            yield from self._branches(self.focus, self._from, "source", BACKWARD, seen)
            yield from self._branches(self.focus, self._to, "target", FORWARD, {self.focus})
            return
        seen = set()
        for key in sorted(self.nodes, key=lambda key: key in self._from):  # a cycle has no root
            if key not in seen:
                seen.add(key)
                yield 0, text_of(self.nodes[key])
                yield from self._branches(key, self._to, "target", FORWARD, seen)

    def _branches(
        self,
        key: str,
        edges: Mapping[str, list[Edge]],
        end: str,
        words: Mapping[str, str],
        seen: set[str],
    ) -> Iterator[tuple[int, str]]:
        stack = [iter(edges.get(key, ()))]
        while stack:
            edge = next(stack[-1], None)
            if edge is None:
                stack.pop()
                continue
            other = getattr(edge, end)
            again = other in seen
            said = f"{words[edge.meaning]} {text_of(self.nodes[other])}"
            below = edges.get(other, ())
            if below and (again or len(stack) >= DEPTH):
                said += " (see there)" if again else " …"
            yield len(stack), said
            if not again:
                seen.add(other)
                if len(stack) < DEPTH:
                    stack.append(iter(below))

    def __str__(self) -> str:
        lines = []
        for number, (depth, text) in enumerate(self.tree()):
            if number == LINES:
                lines.append(f"… of {len(self.nodes)} in all")
                break
            lines.append("  " * depth + text)
        return "\n".join(lines)

    def __repr__(self) -> str:
        about = "" if self.focus is None else f" of {text_of(self.nodes[self.focus])}"
        return f"<Lineage{about}: {len(self.nodes)} nodes, {len(self.edges)} edges>"

    def _repr_html_(self) -> str:
        rows = [
            ("\N{NO-BREAK SPACE}" * 4 * depth + text,)
            for (depth, text), _ in zip(self.tree(), range(LINES), strict=False)
        ]
        return html_table(repr(self)[1:-1], [""], rows)

    def to_svg(self) -> str:
        """A picture of the graph, from left to right, as the text of an SVG file."""
        boxes = {
            key: Box(shown(node.label), shown(node.missing or ""), node.kind, key == self.focus)
            for key, node in self.nodes.items()
        }
        lines = [Line(one.source, one.target, FORWARD[one.meaning]) for one in self.edges]
        return picture(boxes, lines)


def shown(text: str) -> str:
    """Text that a file may have brought, in one line, with what would command a terminal, or
    cannot stand in XML, made visible."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def text_of(node: Node) -> str:
    """``run 'f-I curve' (missing: ...)`` in one line."""
    gone = "" if node.missing is None else f" (missing: {node.missing})"
    return shown(node.label + gone)


def _by(edges: tuple[Edge, ...], end: str) -> dict[str, list[Edge]]:
    found: dict[str, list[Edge]] = {}
    for edge in edges:
        found.setdefault(getattr(edge, end), []).append(edge)
    return found
