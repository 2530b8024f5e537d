"""The metadata of a research object crate: a flat graph of entities in JSON-LD.

RO-Crate 1.1, https://w3id.org/ro/crate/1.1.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

METADATA: Final = "ro-crate-metadata.json"
ROOT: Final = "./"
CONTEXT: Final = [
    "https://w3id.org/ro/crate/1.1/context",
    "https://w3id.org/ro/terms/workflow-run/context",  # of it sha256
]


class Graph:
    """Entities by ``@id``. What is said of one again is added."""

    def __init__(self) -> None:
        self._entities: dict[str, dict[str, Any]] = {}

    def entity(self, id: str, type: str | list[str], **facts: Any) -> dict[str, str]:
        """That there is an entity; returns the reference to it. Facts that are None, or an empty
        list or text, are left out."""
        entity = self._entities.setdefault(id, {"@id": id, "@type": type})
        entity |= {name: fact for name, fact in facts.items() if fact not in (None, [], "")}
        return ref(id)

    def add(self, id: str, **lists: Iterable[dict[str, str]]) -> None:
        """Append references to lists of an entity that there is, each once."""
        for name, references in lists.items():
            held = self._entities[id].setdefault(name, [])
            held.extend(one for one in references if one not in held)

    def retype(self, id: str, types: list[str]) -> None:
        """Let an entity that there is be of other types."""
        self._entities[id]["@type"] = types

    def text(self) -> str:
        """The document, in ASCII. A list of one is that one, as the specification asks for."""
        listed = [
            {name: _single(fact) for name, fact in one.items()} for one in self._entities.values()
        ]
        graph = {"@context": CONTEXT, "@graph": listed}
        return json.dumps(graph, indent=2, allow_nan=False) + "\n"


def _single(fact: Any) -> Any:
    return fact[0] if isinstance(fact, list) and len(fact) == 1 else fact


def ref(id: str) -> dict[str, str]:
    """A reference to an entity."""
    return {"@id": id}


def fragment(*steps: object) -> str:
    """The ``@id`` of something that is no file, of any texts. None ends with a slash, which some
    readers leave out."""
    return "#" + "/".join(quote(str(step) or "∅", safe="") for step in steps)


def place(*steps: str) -> str:
    """The ``@id`` of a file in the crate, of the names of its folders and its own."""
    return "/".join(quote(step, safe="") for step in steps)
