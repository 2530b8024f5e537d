"""What NixIO cannot say of an experiment: documents in a section of the file, that point to the
blocks, segments and objects by their names in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import schemas
from archive.errors import ArchiveError, FormatError

SECTION, CONTRACT, EXPERIMENT = "neuroarchive", "contract", "experiment"


class Documents:
    """The documents of one file."""

    def __init__(self, nix_file: Any) -> None:
        """Raises FormatError for documents of a newer contract, or that are damaged."""
        self._texts: dict[str, str] = {}
        self._contract = schemas.CONTRACT
        if SECTION in nix_file.sections:
            section = nix_file.sections[SECTION]
            self._texts = {one.name: str(one.values[0]) for one in section.props}
            try:
                self._contract = schemas.parse_contract(self._texts[CONTRACT])
            except (KeyError, ValueError) as error:
                raise FormatError(f"its documents name no contract: {error}") from error

    def experiment(self) -> tuple[schemas.Model, list[dict[str, Any]]] | None:
        """The experiment, and what lay in it: blocks by name, and documents."""
        if EXPERIMENT not in self._texts:
            return None
        found = self._parsed(EXPERIMENT)
        return self.model(found["document"]), found["parts"]

    def block(self, nix_name: str) -> dict[str, Any] | None:
        """What the documents say of a block, if they name it."""
        return self._parsed(nix_name) if nix_name in self._texts else None

    def model(self, document: Mapping[str, Any]) -> Any:
        """The model of a document. Raises FormatError."""
        try:
            return schemas.load(document, contract=self._contract)
        except (ValueError, TypeError, ArchiveError) as error:
            raise FormatError(f"a document in it is damaged: {error!s:.200}") from error

    def _parsed(self, name: str) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._texts[name])
        except (ValueError, RecursionError) as error:
            raise FormatError(f"a document in it is damaged: {error!s:.200}") from error
        return found
