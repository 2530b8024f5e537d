"""Parameter sets as YAML, read by PyYAML's safe loader.

Numbers are those of YAML 1.2 and JSON: ``1e-3`` is a number, and ``1:30`` is text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from archive.adapters.json_parameters import top_level
from archive.adapters.measured import to_plain
from archive.adapters.parameter_file import ParameterFile
from archive.entry import Loss
from archive.errors import FormatError, MissingPackage
from schemas.v1.parameters import ParameterSet
from schemas.v1.value import DEPTH_LIMIT, Value

SIZE_LIMIT = 1 << 21  # bytes: YAML is read a hundred times slower than JSON
NODE_LIMIT = 1 << 20  # values, those that aliases stand for included
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
    r"|\.(?:nan|NaN|NAN)"
)
_INT = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")

_LINE_ENDS = re.compile("[\x85\u2028\u2029]")


class YamlParameters(ParameterFile):
    """One mapping, nested as the set is; see `archive.adapters.measured` for its values."""

    name: ClassVar[str] = "yaml-parameters"
    extra: ClassVar[str | None] = "yaml"
    limit: ClassVar[int] = SIZE_LIMIT

    def parse(self, text: str, path: Path) -> dict[str, Value]:
        yaml = _yaml()
        loader, _ = _classes()
        try:
            _check_depth(yaml, text)
            made = loader(text)
            try:
                node = made.get_single_node()
                if node is not None:
                    _check_size(yaml, node)
                found = None if node is None else made.construct_document(node)
            finally:
                made.dispose()
        except (yaml.YAMLError, _Refused, ValueError, RecursionError) as error:
            said = " ".join(str(error).split())
            raise FormatError(f"this cannot be read as YAML: {said}"[:500], path=path) from None
        return top_level(found, path)

    def format(self, model: ParameterSet) -> tuple[str, list[Loss]]:
        _, dumper = _classes()
        text: str = _yaml().dump(
            to_plain(model.values), Dumper=dumper, sort_keys=False, allow_unicode=True, width=100
        )
        return text, []


class _Refused(Exception):
    """Good YAML, but more than a file of parameters may be."""


def _yaml() -> Any:
    try:
        import yaml
    except ImportError as error:
        raise MissingPackage(
            "YAML needs the package PyYAML", hint="pip install 'neuroarchive[yaml]'"
        ) from error
    return yaml


def _check_depth(yaml: Any, text: str) -> None:
    """Before anything is built: deep nesting would be followed by recursion in C."""
    depth = 0
    found = yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for events, event in enumerate(found):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_LIMIT or events > 2 * NODE_LIMIT:
            raise _Refused(f"nested deeper than {DEPTH_LIMIT}, or too long")


def _check_size(yaml: Any, root: Any) -> None:
    """How many values there are once each alias is what it stands for: a few lines may stand for
    more than any memory holds."""
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        known = sizes.get(id(node))
        if known is not None:
            if known < 0:
                raise _Refused("a value contains itself")
            return known
        sizes[id(node)] = -1
        total = 1
        if isinstance(node, yaml.SequenceNode):
            total += sum(map(size, node.value))
        elif isinstance(node, yaml.MappingNode):
            total += sum(size(key) + size(value) for key, value in node.value)
        if total > NODE_LIMIT:
            raise _Refused(f"its aliases stand for more than {NODE_LIMIT} values")
        sizes[id(node)] = total
        return total

    size(root)


@lru_cache(maxsize=1)
def _classes() -> tuple[Any, Any]:
    """The loader and the dumper: PyYAML's safe ones, with the numbers of YAML 1.2."""
    yaml = _yaml()

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            written = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
            if len(set(map(str, written))) < len(written):
                twice = next(key for key in written if written.count(key) > 1)
                line = node.start_mark.line + 1
                raise _Refused(f"the key {twice!r:.60} stands twice in the mapping of line {line}")
            return super().construct_mapping(node, deep=deep)

    class Dumper(yaml.SafeDumper):  # type: ignore[misc, name-defined]
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def represent_str(self, data: str) -> Any:
            # PyYAML writes these as they are, and reads them as the ends of lines
            style = '"' if _LINE_ENDS.search(data) else None
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, Dumper.represent_str)
    for one in (Loader, Dumper):
        kept = {
            first: [
                (tag, pattern)
                for tag, pattern in resolvers
                if tag.rpartition(":")[2] not in ("int", "float")
            ]
            for first, resolvers in one.yaml_implicit_resolvers.items()
        }
        one.yaml_implicit_resolvers = kept
        for tag, pattern in (("int", _INT), ("float", _FLOAT)):
            whole = re.compile(f"(?:{pattern.pattern})$")
            one.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", whole, list("-+.0123456789"))
    Loader.add_constructor("tag:yaml.org,2002:int", _construct_int)
    return Loader, Dumper


def _construct_int(loader: Any, node: Any) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
