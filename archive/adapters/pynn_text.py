"""PyNN's text files: connections of a projection, one attribute as a matrix, positions of cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

import schemas
from archive.adapters.left_out import left_out, located
from archive.adapters.pynn_table import Table, read_table, write_table
from archive.adapters.replacing import replacing
from archive.connections import compressed, ends, native_order
from archive.entry import Entry, Loss, Source, ways
from archive.errors import FormatError, NotFound
from archive.values import from_schema

NEURON_LIMIT = 10**8  # the most that an index may ask for
FORMATS = ("list", "array", "positions")
KNOWN = {"weight": "weights", "delay": "delays"}
PYNN_UNITS = {"S": "uS", "A": "nA", "V": "mV"}  # by the unit without its prefix


class PynnText:
    """Reads what ``Projection.save`` and ``Population.save_positions`` of PyNN write, and writes
    what ``FromFileConnector`` reads.

    The files tell neither populations nor units: weights are in PyNN's, uS, nA or mV, whichever
    the receiving cells have, and delays in ms.
    """

    name: ClassVar[str] = "pynn-text"
    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".conn", ".connections")
    extra: ClassVar[str | None] = None

    def recognises(self, path: Path, /) -> bool:
        """Whether it begins with a header that PyNN writes."""
        try:
            with Path(path).open("rb") as file:
                return file.read(64).startswith((b"# columns = ", b"# population = "))
        except OSError:
            return False

    def read(
        self,
        path: Path,
        /,
        *,
        format: str | None = None,
        pre: str = "pre",
        post: str = "post",
        pre_size: int | None = None,
        post_size: int | None = None,
        weight_unit: str | None = None,
        time_step: float | None = None,
    ) -> Iterator[Entry]:
        """A snapshot at time 0 with the projection, or the population with its positions.

        `pre` and `post` are the names of the populations; without their sizes, there are as many
        neurons as the largest index asks for. `time_step` is in ms: an archive takes no delays
        without one. `format` is "list", "array" or "positions", None to see. In an array 0 is no
        connection: PyNN writes it for these. Raises FormatError for what is none of these files.
        """
        path = Path(path)
        table = read_table(path)
        kind = format or _kind(table, path)
        if kind not in FORMATS:
            raise FormatError(
                f"there is no form {kind!r}", path=path, hint=f"known are {', '.join(FORMATS)}"
            )
        if kind == "positions":
            part = _positions(table, path)
            names: dict[str, Any] = {"populations": (_name(part),)}
        else:
            columns = _matrix_columns(table) if kind == "array" else _list_columns(table, path)
            ends_of = ((pre, pre_size), (post, post_size))
            part = _projection(path, columns, ends_of, weight_unit)
            names = {"projections": (_name(part),)}
        yield Entry(schemas.Snapshot(time=0.0, time_step=time_step, **names), parts=[part])

    def write(
        self,
        source: Source,
        path: Path,
        /,
        *,
        projection: str | None = None,
        population: str | None = None,
        format: str = "list",
        columns: Sequence[str] = (),
        overwrite: bool = False,
    ) -> list[Loss]:
        """Write one projection, or with `population` the positions of one population.

        `format` is "list", with weight, delay and further `columns`, or "array", with the weights
        only. Without `projection`, the source must have exactly one. Returns what the file does
        not say. Raises NotFound if there is no such projection, FormatError if it has no weights.
        """
        path = Path(path)
        losses: list[Loss] = []
        if population is not None:
            way, entry = _chosen(source, schemas.Population, population, path)
            write = _positions_writer(entry, path, losses)
        else:
            way, entry = _chosen(source, schemas.Projection, projection, path)
            if format == "list":
                write = _list_writer(entry, tuple(columns), path, losses)
            elif format == "array":
                write = _array_writer(entry, path, losses)
            else:
                raise FormatError(
                    f"there is no form {format!r}", path=path, hint="known are list and array"
                )
        with replacing(path, overwrite=overwrite) as staged:
            write(staged)
        return located(way, losses)


def _kind(table: Table, path: Path) -> str:
    columns, width = table.facts.get("columns"), table.rows.shape[1]
    if "population" in table.facts and columns is None and width in (0, 4):
        return "positions"
    if isinstance(columns, str):
        return "array"  # one attribute, without addresses
    if columns is None:
        if width == 4 or not table.rows.size:
            return "list"
        raise FormatError(
            f"without a header, {width} columns may be anything",
            path=path,
            hint='say format="list", "array" or "positions"',
        )
    if len(columns) == width or not table.rows.size:
        return "list"
    # Of one attribute PyNN writes the letters into the header; a list of it has three columns.
    is_list = width == 3 and bool((table.rows[:, :2] == np.floor(table.rows[:, :2])).all())
    return "list" if is_list else "array"


Columns = dict[str, npt.NDArray[Any]]


def _list_columns(table: Table, path: Path) -> Columns:
    told = table.facts.get("columns", ("i", "j", "weight", "delay"))
    names, rows = (told,) if isinstance(told, str) else told, table.rows
    if rows.size and len(names) != rows.shape[1]:
        names = ("i", "j", "".join(names[2:]))  # the letters of one name
    if not rows.size:
        rows = np.empty((0, len(names)))
    if len(names) != rows.shape[1] or names[:2] != ("i", "j"):
        raise FormatError(
            "the rows do not begin with the indices of the two neurons",
            path=path,
            hint="save them with_address=True",
        )
    found: Columns = dict(zip(names, rows.T, strict=True))
    for end in ("i", "j"):
        is_index = (found[end] >= 0) & (found[end] < 2**53)
        whole = np.where(is_index, found[end], -1).astype(np.int64)
        if not np.array_equal(whole, found[end]) or whole.min(initial=0) < 0:
            raise FormatError(f"column {end} has what is no index", path=path)
        found[end] = whole
    return found


def _matrix_columns(table: Table) -> Columns:
    told = table.facts.get("columns", "weight")
    letters = told if isinstance(told, str) else "".join(told)
    name = letters.removeprefix("ij") if not isinstance(told, str) else letters
    j, i = np.nonzero(table.rows.T)
    return {
        "i": i.astype(np.int64),
        "j": j.astype(np.int64),
        name or "weight": table.rows[i, j],
        "shape": np.asarray(table.rows.shape),
    }


def _projection(
    path: Path,
    columns: Columns,
    populations: tuple[tuple[str, int | None], tuple[str, int | None]],
    weight_unit: str | None,
) -> Entry:
    shape = columns.pop("shape", np.zeros(2, np.int64))
    i, j = columns.pop("i"), columns.pop("j")
    sizes = []
    for (name, size), which, least in zip(populations, (i, j), shape, strict=True):
        needed = max(int(which.max(initial=-1)) + 1, int(least))
        if size is None and needed > NEURON_LIMIT:
            raise FormatError(
                f"there would be {needed} neurons", path=path, hint="give pre_size and post_size"
            )
        if size is not None and size < needed:
            raise FormatError(f"there are {needed} neurons, and {name} has {size}", path=path)
        sizes.append(needed if size is None else size)
    made = compressed(i, j, sizes[0], sizes[1], path.name)
    arrays: dict[str, npt.NDArray[Any]] = dict(made.arrays())
    for name, values in columns.items():
        arrays[KNOWN.get(name, f"state:{name}")] = made.arranged(values)
    model = schemas.Projection(
        name=path.stem[:240] or "projection",
        pre=populations[0][0],
        post=populations[1][0],
        pre_size=sizes[0],
        post_size=sizes[1],
        size=len(i),
        rows=made.rows,
        weight_unit=weight_unit,
        delay_unit="ms",
    )
    return Entry(model, arrays)


def _positions(table: Table, path: Path) -> Entry:
    rows = table.rows if table.rows.size else np.empty((0, 4))
    is_complete = rows.shape[1] == 4 and np.array_equal(np.sort(rows[:, 0]), np.arange(len(rows)))
    if not is_complete:
        raise FormatError(
            "the rows are not an index from 0 and three coordinates each",
            path=path,
            hint="of a view, save the population",
        )
    positions = np.empty((len(rows), 3))
    positions[rows[:, 0].astype(np.int64)] = rows[:, 1:]
    label = table.facts.get("population")
    name = label if isinstance(label, str) and label else path.stem[:240] or "population"
    model = schemas.Population(name=name, size=len(rows), position_unit="um")
    return Entry(model, {"positions": positions})


def _name(entry: Entry) -> str:
    return str(getattr(entry.model, "name", ""))


def _chosen(source: Source, kind: type[Any], name: str | None, path: Path) -> tuple[str, Entry]:
    """The entry of that kind and name, with the way to it."""
    root = source.entry()
    everything = [(root.model.kind, root), *ways(root)]
    found = [(way, entry) for way, entry in everything if isinstance(entry.model, kind)]
    what = kind.__name__.lower()
    named = [(way, entry) for way, entry in found if name is None or _name(entry) == name]
    if len(named) == 1:
        return named[0]
    names = ", ".join(dict.fromkeys(_name(entry) for _, entry in found))
    if not named:
        text = f"there is no {what} {name!r}" if name is not None else f"there is no {what}"
        raise NotFound(text, path=path, hint=f"there are {names or 'none'}")
    raise FormatError(
        f"a file holds one {what}, and there are {len(named)}", path=path, hint=f"name one: {names}"
    )


def _column(entry: Entry, name: str, path: Path, losses: list[Loss]) -> npt.NDArray[Any]:
    model, arrays = entry.model, entry.arrays
    assert isinstance(model, schemas.Projection)
    constants: Any = from_schema(model.parameters)
    key = KNOWN.get(name, f"state:{name}")
    if key in arrays:
        values = native_order(arrays, arrays[key]).astype(np.float64)
    elif name in constants and np.ndim(constants[name]) == 0:
        values = np.asarray(getattr(constants[name], "magnitude", constants[name]), np.float64)
    else:
        raise FormatError(f"the projection has no {name}", path=path, hint="leave the column out")
    if name == "delay":
        values = values * float(schemas.conversion(model.delay_unit, "ms"))
        if model.delay_unit != "ms":
            reason = "delays are in ms in the file, and rounded so"
            losses += [Loss(model.name, field, reason) for field in ("delay_unit", "delays")]
    if name == "weight":
        values = values * _weight_factor(model, losses)
    return np.broadcast_to(values, (model.size,))


def _weight_factor(model: schemas.Projection, losses: list[Loss]) -> float:
    """To uS, nA or mV; a weight of another kind, or of none, is written as it is."""
    unit = model.weight_unit
    if unit is not None:
        for bare, goal in PYNN_UNITS.items():
            if schemas.parse(unit).dimension == schemas.parse(bare).dimension:
                if unit != goal:
                    losses.append(Loss(model.name, "weights", f"they are in {goal} in the file"))
                return float(schemas.conversion(unit, goal))
    losses.append(Loss(model.name, "weight_unit", f"{unit} is no unit that PyNN has for weights"))
    return 1.0


def _list_writer(
    entry: Entry, more: tuple[str, ...], path: Path, losses: list[Loss]
) -> Callable[[Path], None]:
    model = entry.model
    assert isinstance(model, schemas.Projection)
    names = ("i", "j", "weight", "delay", *more)
    columns = [
        *ends(model, entry.arrays),
        *(_column(entry, name, path, losses) for name in names[2:]),
    ]
    rows = np.stack([np.asarray(one, np.float64) for one in columns], axis=1)
    losses += _projection_losses(entry, {"weights", "delays", *more}, sizes=True)
    if len(rows) == 1:
        reason = "PyNN's FromFileConnector fails with a file of a single connection"
        losses.append(Loss(model.name, "size", reason))
    return lambda staged: write_table(staged, {"columns": names}, rows)


def _array_writer(entry: Entry, path: Path, losses: list[Loss]) -> Callable[[Path], None]:
    model = entry.model
    assert isinstance(model, schemas.Projection)
    i, j = ends(model, entry.arrays)
    weights = _column(entry, "weight", path, losses)
    matrix = np.zeros((model.pre_size, model.post_size))
    np.add.at(matrix, (i, j), weights)
    pairs = np.unique(np.stack([i, j], axis=1), axis=0)
    if len(pairs) < model.size:
        losses.append(Loss(model.name, "weights", "of several between a pair, the sum is written"))
    if (weights == 0).any():
        losses.append(Loss(model.name, "weights", "0 means in this file that there is none"))
    losses += _projection_losses(entry, {"weights"}, sizes=False)
    return lambda staged: write_table(staged, {"columns": "weight"}, matrix)


def _positions_writer(entry: Entry, path: Path, losses: list[Loss]) -> Callable[[Path], None]:
    model = entry.model
    assert isinstance(model, schemas.Population)
    if "positions" not in entry.arrays:
        raise FormatError("the population has no positions", path=path)
    found = np.asarray(entry.arrays["positions"], np.float64)
    rows = np.zeros((model.size, 4))
    rows[:, 0] = np.arange(model.size)
    rows[:, 1 : 1 + found.shape[1]] = found
    try:
        rows[:, 1:] *= float(schemas.conversion(model.position_unit, "um"))
    except schemas.UnitError:
        losses.append(Loss(model.name, "position_unit", f"{model.position_unit} is no length"))
    label = " ".join(model.name.split())
    if label != model.name:
        losses.append(Loss(model.name, "name", "the file has it on one line"))
    kept = {"name", "size", "position_unit", "positions"}
    losses += left_out("", entry, kept, "the file has positions only")
    return lambda staged: write_table(staged, {"population": label}, rows)


def _projection_losses(entry: Entry, kept: set[str], *, sizes: bool) -> list[Loss]:
    """What has no column in a file with these; `kept` are columns, or arrays. Sizes that are
    `sizes` too are lost."""
    model = entry.model
    assert isinstance(model, schemas.Projection)
    said_otherwise = {"size", "rows", "delay_unit", "row_pointers", "columns", "order"}
    said_otherwise |= set() if sizes else {"pre_size", "post_size"}
    fields = said_otherwise | {"parameters", "state_units", *kept}
    fields |= {f"state:{name}" for name in kept}
    reason = "the file has no place for it"
    found = left_out("", entry, fields, reason)
    found += [Loss("", f"parameters.{n}", reason) for n in model.parameters if n not in kept]
    found += [Loss("", f"state_units.{name}", reason) for name in model.state_units]
    return found
