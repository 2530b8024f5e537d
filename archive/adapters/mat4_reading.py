"""MATLAB 4 files from strangers. They have no mark: the headers of their matrices must fit into
each other up to the end of the file. The format is MathWorks' "MAT-File Format", Level 4."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from archive.adapters.mat_found import ITEM, Budget, Chars, Found, rows_of, sparse
from archive.errors import FormatError

_HEADER = 20
_NAME = 256  # bytes; MATLAB itself has 19 characters, Octave any number
_MOST = 100_000  # variables of which the headers are looked at
_TYPES = ("f8", "f4", "i4", "i2", "u2", "u1")
_MACHINES = {2: "a VAX (D-float)", 3: "a VAX (G-float)", 4: "a Cray"}


class _Matrix(NamedTuple):
    """The header of a matrix, and where its numbers begin."""

    name: str
    order: str
    machine: int
    dtype: str
    kind: int  # 0 numbers, 1 text, 2 sparse
    shape: tuple[int, int]
    parts: int  # 2 if complex
    at: int

    @property
    def size(self) -> int:
        return self.shape[0] * self.shape[1] * self.parts * np.dtype(self.dtype).itemsize


def is_mat4(path: Path) -> bool:
    """Whether the whole file is matrices of MATLAB 4, by their headers."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            headers = list(zip(_headers(file, size), range(_MOST), strict=False))
        return bool(headers)
    except (OSError, FormatError):
        return False


def mat4_variables(path: Path, budget: Budget) -> Iterator[tuple[str, Found]]:
    """The variables of a file with their names, one after another.

    Raises FormatError for damage, for files of a VAX or Cray, whose numbers no machine of today
    has, and where the budget does not suffice.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            for header in _headers(file, size):
                if header.machine in _MACHINES:
                    raise FormatError(
                        f"{header.name!r} was written by {_MACHINES[header.machine]}",
                        hint="load it in a MATLAB of before 2010, and save it again",
                    )
                yield header.name, _value(file, header, budget)
    except FormatError as error:
        raise FormatError(error.message, path=path, hint=error.hint) from error
    except (struct.error, ValueError, OverflowError) as error:
        raise FormatError(f"the file is damaged: {error!r:.200}", path=path) from error
    except OSError as error:
        raise FormatError(f"the file cannot be read: {error.strerror}", path=path) from error


def _headers(file: BinaryIO, size: int) -> Iterator[_Matrix]:
    at = 0
    while at < size:
        header = _header(file, at)
        if header.at + header.size > size:
            raise FormatError("this is no MATLAB 4 file, or it ends too early")
        yield header
        at = header.at + header.size


def _header(file: BinaryIO, at: int) -> _Matrix:
    file.seek(at)
    data = file.read(_HEADER)
    if len(data) < _HEADER:
        raise FormatError("this is no MATLAB 4 file, or it ends too early")
    (code,) = struct.unpack("<i", data[:4])
    order = "<" if 0 <= code <= 5000 else ">"
    code, rows, columns, is_complex, length = struct.unpack(f"{order}5i", data)
    machine, rest = divmod(code, 1000)
    zero, rest = divmod(rest, 100)
    precision, kind = divmod(rest, 10)
    sound = (
        0 <= machine <= 4
        and zero == 0
        and precision < len(_TYPES)
        and kind <= 2
        and min(rows, columns) >= 0
        and is_complex in (0, 1)
        and 1 < length <= _NAME
        and (machine > 1 or machine == (order == ">") or code == 0)
    )
    if not sound:
        raise FormatError("this is no MATLAB 4 file, or it is damaged")
    name = file.read(length)
    text = name[:-1].rstrip(b"\0")
    if len(name) < length or name[-1] or not text.decode("latin-1").isidentifier():
        raise FormatError("this is no MATLAB 4 file, or it is damaged")
    return _Matrix(
        text.decode("latin-1"), order, machine, _TYPES[precision], kind, (rows, columns),
        1 + is_complex, at + _HEADER + length,
    )  # fmt: skip


def _value(file: BinaryIO, header: _Matrix, budget: Budget) -> Found:
    budget.spend(ITEM + 4 * header.size)
    file.seek(header.at)
    data = file.read(header.size)
    count = header.shape[0] * header.shape[1]
    dtype = np.dtype(f"{header.order}{header.dtype}")
    held = np.frombuffer(data, dtype, count * header.parts)
    # MATLAB has only doubles of this version: the others are how they are stored
    real = held[:count].astype(np.float64).reshape(header.shape, order="F")
    if header.kind == 1:
        return _text(real, header, budget)
    if header.kind == 2:
        return _sparse(real, header)
    if header.parts == 1:
        return real
    whole = np.empty(header.shape, np.complex128)
    whole.real, whole.imag = real, held[count:].reshape(header.shape, order="F")
    return whole


def _text(codes: npt.NDArray[np.float64], header: _Matrix, budget: Budget) -> Chars:
    rows, width = header.shape
    budget.spend(ITEM * min(rows, codes.size + 1))
    if not codes.size:
        return Chars([""] * min(rows, 1 << 10), header.shape)
    if not (codes == np.rint(codes)).all() or codes.min() < 0 or codes.max() > 0xFFFF:
        raise FormatError(f"the text {header.name!r} has numbers that are no characters")
    units = codes.astype("<u2").reshape(-1, order="F")
    return rows_of(units, (rows, width), "utf-16-le")


def _sparse(table: npt.NDArray[np.float64], header: _Matrix) -> Found:
    """Of rows with row, column and value, counted from 1; the last has the shape."""
    if not 3 <= table.shape[1] <= 4 or not len(table):
        raise FormatError(f"the sparse matrix {header.name!r} is not sound")
    places = table[:, :2]
    if not (places == np.rint(places)).all() or places.min() < 0 or places.max() >= 2**31:
        raise FormatError(f"the sparse matrix {header.name!r} is not sound")
    rows, columns = places[:-1].astype(np.int64).T - 1
    height, width = places[-1].astype(np.int64).tolist()
    values: npt.NDArray[np.float64 | np.complex128] = table[:-1, 2]
    if table.shape[1] == 4:
        values = np.empty(len(rows), np.complex128)
        values.real, values.imag = table[:-1, 2], table[:-1, 3]
    if len(columns) and not 0 <= columns.min() <= columns.max() < width:
        raise FormatError(f"a value of {header.name!r} is in none of its columns")
    if width > 16 * table.size + (1 << 22):
        raise FormatError(f"the sparse matrix {header.name!r} claims {width} columns")
    order = np.lexsort((rows, columns))
    starts = np.searchsorted(columns[order], np.arange(width + 1))
    return sparse((height, width), starts, rows[order], values[order])
