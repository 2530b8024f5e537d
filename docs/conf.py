"""How Sphinx builds the documentation: `make docs`."""

from __future__ import annotations

import importlib.metadata

project = "neuroarchive"
author = "the neuroarchive developers"
copyright = f"2026, {author}"
release = importlib.metadata.version("neuroarchive")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["colon_fence", "deflist"]
# headings can be linked to, as on the pages that show Markdown without Sphinx
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"

html_theme = "furo"
html_title = f"neuroarchive {release}"
