"""The program that a run was made by."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.v1.model import Digest, Facts, Model
from schemas.v1.payload import Bytes


class Source(Facts):
    """A file of source text."""

    path: str = Field(description="Where it lies: within its repository, or absolute.")
    digest: Digest = Field(description="SHA-256 of its bytes, in hexadecimal.")
    size: Annotated[int, Field(ge=0)] = Field(description="Its bytes.")
    content: Bytes | None = Field(
        default=None, description="Its bytes, in the format of zlib (RFC 1950), if they are kept."
    )


class Repository(Facts):
    """The state of a repository of git."""

    root: str | None = Field(default=None, description="Its folder, absolute.")
    commit: str | None = Field(default=None, description="The full name of the commit.")
    branch: str | None = Field(default=None, description="The branch; null: none is checked out.")
    remote: str | None = Field(
        default=None, description="Where it comes from, without user name and password."
    )
    dirty: bool | None = Field(
        default=None, description="Whether files that it follows differ from the commit."
    )
    diff: Bytes | None = Field(
        default=None,
        description="How they differ, as `git diff --binary HEAD` says it, in the format of zlib.",
    )
    diff_size: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="Bytes of that, before they were compressed."
    )
    untracked: tuple[str, ...] = Field(
        default=(), description="Files that it neither follows nor ignores."
    )


class Code(Model):
    """The program: equal for all runs of one script in one state."""

    kind: Literal["code"] = "code"
    program: Literal["script", "notebook", "module", "command", "interactive"] | None = Field(
        default=None,
        description="What was started: a file, a notebook, `python -m`, `python -c`, or a prompt.",
    )
    script: Source | None = Field(default=None, description="The file that was started.")
    modules: dict[str, Source] = Field(
        default_factory=dict,
        description="The imported modules that are of no installed distribution, by name.",
    )
    repository: Repository | None = Field(
        default=None, description="The repository that the script lies in, or the process runs in."
    )
    missing: dict[str, str] = Field(
        default_factory=dict, description="What could not be found out, and why."
    )
