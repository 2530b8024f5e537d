"""The picture of the lineage of runs, as an image that cannot run anything."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Any, Protocol, runtime_checkable

Parentage = tuple[str, str, str]
"""The run, how it came from it, and what it came from."""

LISTED = 200
DRAWN = 300  # links between runs and files


@runtime_checkable
class _Traced(Protocol):
    """What can tell where its runs came from, as an experiment can; views of runs cannot."""

    def lineage(self) -> Any: ...


def lineage_svg(source: object, links: int) -> str | None:
    """The picture that an experiment draws of the lineage of its runs, which has so many links;
    None if it draws none, or there are too many for a picture that can be read."""
    if not 0 < links <= DRAWN or not isinstance(source, _Traced):
        return None
    return str(source.lineage().to_svg())


def lineage_within(room: int, parentage: Sequence[Parentage], total: int, svg: str | None) -> str:
    """The same as `lineage_html`, in so many bytes: without the picture, if it is too large, and
    with fewer in the list."""
    found = lineage_html(parentage, total, svg)
    while len(found.encode()) > room and (svg is not None or parentage):
        if svg is None:
            parentage = parentage[: len(parentage) // 2]
        svg = None
        found = lineage_html(parentage, total, svg)
    return found


def lineage_html(parentage: Sequence[Parentage], total: int, svg: str | None) -> str:
    """A figure, and what it shows as a list; `total` counts those that are not in it, too."""
    picture = ""
    if svg is not None:
        # an image runs no script and fetches nothing, whatever a name in it has become
        data = b64encode(svg.encode("utf-8", "replace")).decode("ascii")
        picture = (
            '<div class="lineage" tabindex="0"><img alt="Lineage of the runs; the list below says'
            f' the same." src="data:image/svg+xml;base64,{data}"></div>'
        )
    if not total:
        return f"{picture}<p>No run names another one that it came from.</p>"
    rows = "".join(
        "<tr>" + "".join(f"<td><bdi>{escape(cell)}</bdi></td>" for cell in one) + "</tr>"
        for one in parentage
    )
    hidden = total - len(parentage)
    more = f"<p>… and {hidden:,} more.</p>" if hidden else ""
    return (
        f"{picture}<table><thead><tr><th scope=col>run</th><th scope=col>how</th>"
        f"<th scope=col>from</th></tr></thead><tbody>{rows}</tbody></table>{more}"
    )
