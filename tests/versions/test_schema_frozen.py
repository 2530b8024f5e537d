"""The JSON Schema of a released version of the contract never changes."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

import schemas

COMMITTED = Path(schemas.__file__).parent / "v1" / "schema.json"


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    if isinstance(node, list):
        return set().union(*map(references, node))
    return set()


def test_committed_schema_is_what_the_models_say() -> None:
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert schemas.json_schema() == committed, (
        "the models no longer say what schemas/v1/schema.json says. Of a version that is out,"
        " only a new minor version may differ; else: python -m schemas > schemas/v1/schema.json"
    )


def test_module_prints_the_committed_schema(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("schemas", run_name="__main__")
    assert capsys.readouterr().out == COMMITTED.read_text(encoding="utf-8")


def test_schema_names_every_kind_and_leads_nowhere_unknown() -> None:
    schema = schemas.json_schema()
    assert schema["discriminator"]["mapping"].keys() == schemas.KINDS.keys()
    assert references(schema) == {f"#/$defs/{name}" for name in schema["$defs"]}
