"""Says plainly when Python finds somebody else's ``schemas`` in place of ours.

The name is a common one: a ``schemas.py`` beside a user's script comes first on Python's path.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def check() -> None:
    """Raise ImportError, with the offending file, unless ``schemas`` lies beside ``archive``.

    The other ``schemas`` is only looked for, never run, unless the caller has imported it already.
    """
    ours = Path(__file__).resolve().parent.parent / "schemas"
    found = _location("schemas")
    if found == ours / "__init__.py":
        return
    if found in (None, ours):
        raise ImportError(
            f"the package 'schemas' of neuroarchive is missing from {ours.parent}; "
            "install neuroarchive again",
            name="schemas",
        )
    raise ImportError(
        f"neuroarchive needs its own package 'schemas', but Python finds {found} first; "
        "rename that, or run Python with -P, which does not search the folder of the script",
        name="schemas",
        path=str(found),
    )


def _location(name: str) -> Path | None:
    """The file of a module, or the folder of a package without ``__init__.py``."""
    spec = find_spec(name)
    if spec is None:
        return None
    return Path(spec.origin or next(iter(spec.submodule_search_locations or ()))).resolve()


check()
