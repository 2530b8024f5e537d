"""The page around the data: markup, style and script, which are files beside this one."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files

STYLES = ("report.css",)
SCRIPTS = ("data.js", "table.js", "cards.js", "pictures.js", "start.js")


def _joined(*names: str) -> str:
    folder = files("archive.report") / "page"
    return "\n".join((folder / name).read_text("utf-8") for name in names)


def _hash(text: str) -> str:
    return "'sha256-" + b64encode(sha256(text.encode()).digest()).decode("ascii") + "'"


def policy() -> str:
    """The Content-Security-Policy of the page: nothing is fetched or sent, and no script and no
    style but ours takes effect, whatever has come into the page."""
    script, style = _hash(_script()), _hash(_joined(*STYLES))
    return (
        f"default-src 'none'; script-src {script}; style-src {style}; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _script() -> str:
    return '"use strict";\n(() => {\n' + _joined(*SCRIPTS) + "\n})();\n"


def page_start(title: str) -> str:
    """All before the data."""
    return (
        _joined("start.html")
        .replace("{{policy}}", policy())
        .replace("{{style}}", _joined(*STYLES))
        .replace("{{title}}", escape(title))
    )


def page_end(lineage: str) -> str:
    """All after the data; `lineage` is markup, with what comes from the archive escaped."""
    before, after = _joined("end.html").split("{{lineage}}")
    return before + lineage + after.replace("{{script}}", _script())
