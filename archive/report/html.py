"""The report as a format: `exp.export("report.html")`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import schemas
from archive import provenance
from archive.adapters.replacing import replacing
from archive.entry import Loss, Source
from archive.errors import FormatError
from archive.experiment.value_keys import path_text
from archive.report.blocks import Blocks, packed
from archive.report.facts import Facts
from archive.report.gathering import Gathered, Gathering, runs_of
from archive.report.lineage import lineage_svg, lineage_within
from archive.report.page import page_end, page_start
from archive.report.pictures import Pictures, chosen, not_drawn
from archive.report.texts import NAME_LIMIT, shown, value_shown

SIZE = 10_000_000
SMALLEST = 200_000
# Hundredths of what markup and script leave that each sort of data may take.
SHARES = {"rows": 22, "facts": 20, "cards": 14, "pictures": 32, "page": 6, "lineage": 6}


class HtmlReport:
    """Writes an experiment, or some of its runs, as one HTML page for people to look at.

    The page needs no network, and forbids itself to use it. It is no format to keep data in:
    pictures are decimated, and what there is no room for is left out; both are returned as
    losses, and told in the page.
    """

    name: ClassVar[str] = "html"
    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm")
    extra: ClassVar[str | None] = None

    def write(
        self, source: Source, path: Path, /, *, size: int = SIZE, overwrite: bool = False
    ) -> list[Loss]:
        """Write a page of at most `size` bytes; lists of runs and pictures end where it is full.

        Raises FormatError for a size under 200,000.
        """
        path = Path(path)
        if not isinstance(size, int) or size < SMALLEST:
            raise FormatError(
                f"a report of {size!r:.40} bytes",
                path=path,
                hint=f"the smallest size is {SMALLEST}",
            )
        with (
            replacing(path, overwrite=overwrite) as staged,
            staged.open("x", encoding="utf-8", newline="\n") as file,
        ):
            experiment = source.entry()
            model = experiment.model
            assert isinstance(model, schemas.Experiment)
            start = page_start(shown(model.name, NAME_LIMIT))
            room = size - len((start + page_end("")).encode())
            shares = {name: room * part // 100 for name, part in SHARES.items()}
            file.write(start)
            blocks = Blocks(file, shares)
            gathering = Gathering(blocks)
            for way, run in runs_of(experiment):
                gathering.run(way, run)
            found = gathering.end()
            columns = _write_columns(blocks, found, gathering.annotations, gathering.parameters)
            quotas = chosen([len(some) for _, some in found.ways[: found.rows]])
            pictures = Pictures(blocks, quotas)
            pictures.draw(source.entry())
            drawn = {one.pop("way") for one in pictures.index}
            left_out = _left_out(found, len(drawn), columns)
            index = _index(model, found) | {
                "columns": columns["names"],
                "constants": columns["constants"],
                "pictures": pictures.index,
                "leftOut": left_out,
            }
            blocks.put("page", "index", _fitting(blocks, index))
            svg = lineage_svg(source, found.links)
            file.write(
                page_end(lineage_within(shares["lineage"], found.parentage, found.parents, svg))
            )
            segments = (some for _, some in found.ways)
            return [*found.losses, *pictures.losses, *not_drawn(segments, drawn)]


def _index(model: schemas.Experiment, found: Gathered) -> dict[str, Any]:
    facts = [[shown(key, NAME_LIMIT), value_shown(one)] for key, one in model.annotations.items()]
    people = ", ".join(model.people[:20])
    told = [["people", shown(people)]] if people else []
    if model.created is not None:
        told.append(["created", model.created.isoformat(sep=" ", timespec="seconds")])
    return {
        "name": shown(model.name, NAME_LIMIT),
        "description": shown(model.description or "", 4000),
        "facts": [
            *told,
            *facts[:50],
            *([["…", f"{len(facts) - 50:,} more"]] if facts[50:] else []),
        ],
        "counts": {
            "runs": found.runs,
            "rows": found.rows,
            "cards": found.cards,
            "segments": found.segments,
            "snapshots": found.snapshots,
        },
        "outcomes": found.outcomes,
        "writer": provenance.writer(),
        "written": datetime.now(UTC).isoformat(sep=" ", timespec="seconds"),
    }


def _write_columns(blocks: Blocks, found: Gathered, *facts: Facts) -> dict[str, Any]:
    """What varies from run to run as blocks, and what is the same for all of them."""
    names: list[str] = []
    constants: list[list[str]] = []
    left_out = 0
    for some in facts:
        left_out += some.left_out
        for column in some.columns.values():
            if not column.varies(found.rows):
                name = shown(path_text(column.path), NAME_LIMIT)
                constants.append([some.what, name, column.texts[0]])
                continue
            told = column.packed(found.rows, some.what)
            if blocks.fits("facts", told):
                names.append(f"column-{len(names)}")
                blocks.put("facts", names[-1], told)
            else:
                left_out += 1
    return {"names": names, "constants": constants, "left_out": left_out}


def _fitting(blocks: Blocks, index: dict[str, Any]) -> str:
    """The index as a block, with lists that are cut where there is no room for them."""
    told = [*index["leftOut"]]
    cut = dict.fromkeys(("constants", "facts"), 0)
    while not blocks.fits("page", text := packed(index)):
        long = max(cut, key=lambda name: len(index[name]))
        if not index[long]:
            break
        kept = len(index[long]) // 2
        cut[long] += len(index[long]) - kept
        said = [
            f"{count:,} {name}."
            for name, count in (
                ("values that are the same in all runs", cut["constants"]),
                ("facts about the experiment", cut["facts"]),
            )
            if count
        ]
        index = index | {long: index[long][:kept], "leftOut": [*told, *said]}
    return text


def _left_out(found: Gathered, drawn: int, columns: dict[str, Any]) -> list[str]:
    """What the page does not hold, in sentences."""
    told = []
    if found.rows < found.runs:
        told.append(
            f"{found.runs - found.rows:,} of {found.runs:,} runs: the table has the others."
        )
    if found.cards < found.rows:
        told.append(
            f"The provenance and all parameters of {found.rows - found.cards:,} runs: there is room"
            f" for the cards of the first {found.cards:,}."
        )
    if drawn < found.segments:
        told.append(f"The pictures of {found.segments - drawn:,} of {found.segments:,} segments.")
    if columns["left_out"]:
        told.append(f"{columns['left_out']:,} parameters or annotations that vary between runs.")
    if found.snapshots:
        several = "s" if found.snapshots > 1 else ""
        told.append(f"What is in {found.snapshots:,} snapshot{several}.")
    return told
