"""People and the licence of a crate."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from archive.adapters.crate_graph import Graph, fragment
from archive.adapters.people import Somebody

ORCID: Final = "https://orcid.org/"
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


def person(graph: Graph, one: Somebody) -> dict[str, str]:
    """The entity of a person, and of the affiliation."""
    id = ORCID + one.orcid if one.orcid else fragment("person", one.name)
    where = None
    if one.affiliation:
        organization = fragment("organization", one.affiliation)
        where = graph.entity(organization, "Organization", name=one.affiliation)
    return graph.entity(id, "Person", name=one.name, email=one.email, affiliation=where)


def licence(graph: Graph, given: str | None) -> dict[str, str]:
    """The entity of a licence: an address, an identifier of SPDX, or any text. Without one the
    entity says so, as a crate should not leave it open."""
    if not given:
        return graph.entity(
            fragment("no-licence"),
            "CreativeWork",
            name="no licence",
            description="No licence was given: ask the people who made it before you use it.",
        )
    if re.match(r"https?://", given):
        id = quote(given, safe=":/?#[]@!$&'()*+,;=%~")
        return graph.entity(id, "CreativeWork", name=given)
    if _SPDX.fullmatch(given):
        url = f"https://spdx.org/licenses/{given}"
        return graph.entity(
            f"http://spdx.org/licenses/{given}", "CreativeWork", name=given, url=url
        )
    return graph.entity(fragment("licence"), "CreativeWork", name=given, description=given)
