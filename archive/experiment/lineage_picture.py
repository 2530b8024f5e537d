"""A graph in layers, from left to right, drawn as SVG.

Each node stands one layer right of the last that leads to it (longest path, edges that close a
cycle left out of account); within a layer nodes are ordered by the mean place of their neighbours,
a few times to and fro (Sugiyama, Tagawa and Toda 1981).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

ROW, HEIGHT, GAP, MARGIN = 46, 30, 110, 16  # px
LETTER: Final = 7.3  # px, of the font below
LETTERS: Final = 44  # of a label; the whole stands in the tooltip
SWEEPS: Final = 4
FILLS: Final = {"run": "#dbe9f6", "snapshot": "#e6f2dc", "file": "#f6eed8"}
STYLE: Final = (
    "text{font:12px monospace;fill:#1a1a1a}"
    ".meaning{font-size:9px;fill:#555}"
    "g rect{stroke:#4a5a6a}"
    ".focus rect{stroke:#b03030;stroke-width:2.5}"
    ".missing rect{stroke-dasharray:5 4}"
    ".missing text{fill:#777}"
    "path.edge{fill:none;stroke:#8a8a8a}"
)


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its text, why it is missing, of what sort it is, whether it is what was asked for."""

    label: str
    missing: str
    kind: str
    focus: bool = False

    @property
    def text(self) -> str:
        """As much of the label as fits."""
        return self.label if len(self.label) <= LETTERS else f"{self.label[: LETTERS - 1]}…"

    @property
    def width(self) -> float:
        """In px."""
        return len(self.text) * LETTER + 18


@dataclass(frozen=True, slots=True)
class Line:
    """An edge, by the keys of its ends, and what it says."""

    source: str
    target: str
    said: str


def layers(keys: Iterable[str], lines: Iterable[Line]) -> list[list[str]]:
    """The keys by layer, in order within each."""
    nodes = list(keys)
    follows: dict[str, list[str]] = {key: [] for key in nodes}
    for line in lines:
        if line.target not in follows[line.source] and line.source != line.target:
            follows[line.source].append(line.target)
    order, follows = _forward(nodes, follows)
    depth = dict.fromkeys(nodes, 0)
    for key in order:
        for after in follows[key]:
            depth[after] = max(depth[after], depth[key] + 1)
    found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key in nodes:
        found[depth[key]].append(key)
    _uncross(found, follows)
    return found


def _forward(
    nodes: Sequence[str], follows: Mapping[str, Sequence[str]]
) -> tuple[list[str], dict[str, list[str]]]:
    """The nodes, each after all that lead to it, and the edges without those that go back."""
    kept: dict[str, list[str]] = {key: [] for key in nodes}
    state: dict[str, int] = {}  # 1: on the way from the root, 2: done
    done: list[str] = []
    for root in nodes:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(follows[root]))]
        while stack:
            key, rest = stack[-1]
            after = next(rest, None)
            if after is None:
                state[key] = 2
                done.append(key)
                stack.pop()
            elif state.get(after) != 1:
                kept[key].append(after)
                if after not in state:
                    state[after] = 1
                    stack.append((after, iter(follows[after])))
    return done[::-1], kept


def _uncross(found: list[list[str]], follows: Mapping[str, Sequence[str]]) -> None:
    leads: dict[str, list[str]] = {key: [] for key in follows}
    for key, after in follows.items():
        for one in after:
            leads[one].append(key)
    place = {key: number for layer in found for number, key in enumerate(layer)}
    for sweep in range(SWEEPS):
        near = leads if sweep % 2 == 0 else follows
        for layer in found if sweep % 2 == 0 else found[::-1]:
            mean = {
                key: sum(place[one] for one in near[key]) / len(near[key])
                if near[key]
                else float(place[key])
                for key in layer
            }
            layer.sort(key=lambda key: (mean[key], place[key]))
            place.update({key: number for number, key in enumerate(layer)})


def picture(boxes: Mapping[str, Box], lines: Sequence[Line]) -> str:
    """The text of an SVG file."""
    found = layers(boxes, lines)
    tallest = max(map(len, found), default=0)
    places: dict[str, tuple[float, float]] = {}
    x = float(MARGIN)
    for layer in found:
        top = MARGIN + (tallest - len(layer)) * ROW / 2
        places.update({key: (x, top + number * ROW) for number, key in enumerate(layer)})
        x += max(boxes[key].width for key in layer) + GAP
    width, height = max(x - GAP, 0) + MARGIN, tallest * ROW + 2 * MARGIN
    drawn = [*_edges(boxes, lines, places), *_nodes(boxes, places)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
            f' viewBox="0 0 {width:.0f} {height:.0f}">',
            f"<style>{STYLE}</style>",
            '<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7"'
            ' markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#8a8a8a"/></marker>'
            "</defs>",
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fff" stroke="none"/>',
            *drawn,
            "</svg>\n",
        ]
    )


def _edges(
    boxes: Mapping[str, Box], lines: Sequence[Line], places: Mapping[str, tuple[float, float]]
) -> Iterator[str]:
    for line in lines:
        x1, y1 = places[line.source]
        x1, y1 = x1 + boxes[line.source].width, y1 + HEIGHT / 2
        x2, y2 = places[line.target]
        y2 += HEIGHT / 2
        bend = GAP / 2 if x2 > x1 else GAP  # one that goes back swings out
        yield (
            f'<path class="edge" marker-end="url(#end)" d="M{x1:.1f} {y1:.1f} C{x1 + bend:.1f} '
            f'{y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"/>'
        )
        # near its end, where edges that begin together have parted
        x, y = x2 - 0.42 * GAP, y2 - 0.13 * (y2 - y1) - 4
        yield (
            f'<text class="meaning" text-anchor="middle" x="{x:.1f}" y="{y:.1f}">'
            f"{escape(line.said)}</text>"
        )


def _nodes(boxes: Mapping[str, Box], places: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    for key, (x, y) in places.items():
        box = boxes[key]
        kinds = " focus" * box.focus + " missing" * bool(box.missing)
        told = f"{box.label} (missing: {box.missing})" if box.missing else box.label
        yield (
            f'<g class="{escape(box.kind)}{kinds}"><title>{escape(told)}</title>'
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{HEIGHT}" rx="5"'
            f' fill="{FILLS.get(box.kind, "#eee")}"/>'
            f'<text x="{x + 9:.1f}" y="{y + 19:.1f}">{escape(box.text)}</text></g>'
        )
