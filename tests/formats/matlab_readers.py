"""MATLAB files as nested dicts, lists, texts and arrays, read by three readers that are not ours.

Structs are dicts; cells, and struct arrays of other than one element, are lists.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io

# One line for each value: place, class, size, whether it is complex, and the bytes in hexadecimal.
DUMP = """
1;
function dump(place, v)
  dims = sprintf('%d,', size(v));
  if isstruct(v)
    printf('%s\\tstruct\\t%s\\t0\\t\\n', place, dims);
    for k = 1:numel(v)
      at = place;
      if numel(v) != 1
        at = sprintf('%s/%d', place, k);
        printf('%s\\tstruct\\t1,1,\\t0\\t\\n', at);
      end
      names = fieldnames(v);
      for n = 1:numel(names)
        dump([at '/' names{n}], v(k).(names{n}));
      end
    end
  elseif iscell(v)
    printf('%s\\tcell\\t%s\\t0\\t\\n', place, dims);
    for k = 1:numel(v)
      dump(sprintf('%s/%d', place, k), v{k});
    end
  else
    kind = class(v);
    if ischar(v) || islogical(v)
      v = uint8(v);
    end
    hex = sprintf('%02x', typecast(reshape(real(v), 1, []), 'uint8'));
    if iscomplex(v)
      hex = [hex sprintf('%02x', typecast(reshape(imag(v), 1, []), 'uint8'))];
    end
    printf('%s\\t%s\\t%s\\t%d\\t%s\\n', place, kind, dims, iscomplex(v), hex);
  end
end
paths = argv();
for p = 1:numel(paths)
  printf('%s\\tfile\\t\\t0\\t\\n', paths{p});
  loaded = load(paths{p});
  names = fieldnames(loaded);
  for n = 1:numel(names)
    dump(names{n}, loaded.(names{n}));
  end
end
"""

_DTYPES = {"double": "f8", "single": "f4", "logical": "u1", "char": "u1"}


def _put(tree: dict[str, Any], place: str, value: Any) -> None:
    *inside, last = place.split("/")
    for step in inside:
        tree = tree[step]
    tree[last] = value


def _lists(node: Any) -> Any:
    """Dicts of numbered items back to lists."""
    if isinstance(node, list):  # marks what was a cell or a struct array
        return [_lists(item) for item in node[0].values()]
    if isinstance(node, dict):
        return {key: _lists(value) for key, value in node.items()}
    return node


class _Numbered(list[Any]):
    """A list that is filled by the texts of its indices."""

    def __init__(self) -> None:
        super().__init__([{}])

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(0)[key] if isinstance(key, str) else super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__getitem__(0)[key] = value


def read_octave(octave: str, paths: list[Path], script: Path) -> list[dict[str, Any]]:
    """The variables of each file, from one run of Octave."""
    script.write_text(DUMP)
    done = subprocess.run(
        [octave, "--no-gui", "--norc", str(script), *map(str, paths)],
        capture_output=True,
        check=True,
    )
    files: list[dict[str, Any]] = []
    for line in done.stdout.decode("ascii").splitlines():
        place, kind, size, is_complex, content = line.split("\t")
        if kind == "file":
            files.append({})
            continue
        shape = tuple(int(length) for length in size.split(",")[:-1])
        value: Any
        if kind == "cell" or (kind == "struct" and shape != (1, 1)):
            value = _Numbered()
        elif kind == "struct":
            value = {}
        else:
            value = np.frombuffer(bytes.fromhex(content), _DTYPES.get(kind, kind))
            if is_complex == "1":
                value = np.ascontiguousarray(value.reshape(2, -1).T)
                value = value.view(f"c{2 * value.itemsize}")
            value = value.reshape(shape, order="F")
            if kind == "char":
                value = value.tobytes().decode("utf-8")
            elif kind == "logical":
                value = value.astype(bool)
        _put(files[-1], place, value)
    return [_lists(file) for file in files]


def _from_scipy(value: Any) -> Any:
    if value.dtype.names:
        items = [
            {name: _from_scipy(item[name]) for name in value.dtype.names} for item in value.flat
        ]
        return items[0] if len(items) == 1 else items
    if value.dtype.kind == "O":
        # scipy gives a struct without fields as an array of None
        empty = value.shape == (1, 1) and value[0, 0] is None
        return {} if empty else [_from_scipy(item) for item in value.flat]
    if value.dtype.kind == "U":
        return str(value[0]) if value.size else ""
    return value


def read_scipy(path: Path) -> dict[str, Any]:
    """The variables of a file of version 5; logical ones come as uint8."""
    loaded = scipy.io.loadmat(path, chars_as_strings=True)
    return {name: _from_scipy(value) for name, value in loaded.items() if not name.startswith("__")}


def _from_h5py(item: Any) -> Any:
    kind = item.attrs["MATLAB_class"].decode()
    if isinstance(item, h5py.Group):
        assert kind == "struct"
        if "MATLAB_fields" in item.attrs:
            listed = [b"".join(field).decode() for field in item.attrs["MATLAB_fields"]]
            assert sorted(listed) == sorted(item)
        return {name: _from_h5py(value) for name, value in item.items()}
    dtypes = {"double": "f8", "single": "f4", "logical": "?"}
    if item.attrs.get("MATLAB_empty"):
        assert item.dtype == np.uint64
        shape = tuple(item[:].tolist())
        assert 0 in shape
        return "" if kind == "char" else np.empty(shape, dtypes.get(kind, kind))
    value = item[()].T
    if kind == "char":
        assert item.dtype == np.uint16
        assert item.attrs["MATLAB_int_decode"] == 2
        rows = [np.ascontiguousarray(row).tobytes().decode("utf-16-le") for row in value]
        return rows[0] if len(rows) == 1 else [row.rstrip(" ") for row in rows]
    if kind == "logical":
        assert item.dtype == np.uint8
        assert item.attrs["MATLAB_int_decode"] == 1
        return value.astype(bool)
    if value.dtype.names:
        assert value.dtype.names == ("real", "imag")
        return np.ascontiguousarray(value).view(f"c{value.dtype.itemsize}")
    assert value.dtype == dtypes.get(kind, kind)
    return value


def read_h5py(path: Path) -> dict[str, Any]:
    """The variables of a file of version 7.3, with MATLAB's attributes checked."""
    with h5py.File(path, "r") as file:
        assert file.userblock_size == 512
        return {name: _from_h5py(value) for name, value in file.items()}
