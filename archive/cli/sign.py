"""``neuroarchive sign``: somebody stands for what an archive holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import archive
from archive.cli.arguments import File, Json, examples
from archive.cli.console import print_json, say
from archive.cli.tables import counted
from archive.provenance.ssh_signatures import fingerprint

EPILOG = examples(
    "neuroarchive sign fi.nix --key ~/.ssh/id_ed25519",
    "neuroarchive sign fi.nix --key ~/.ssh/id_ed25519.pub --signer ada@example.org",
)


def sign(
    file: File,
    key: Annotated[
        Path,
        typer.Option(
            help="A private SSH key, or the public half of one in ssh-agent.", show_default=False
        ),
    ],
    signer: Annotated[
        str | None,
        typer.Option(help="Who signs; else the comment of the key.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Sign all that an archive holds now, with an SSH key.

    The signature lies in the archive; 'neuroarchive check' verifies it. What is added later is
    not covered. Everything is read. It needs ssh-keygen of OpenSSH.

    --json: file, signer, key (its fingerprint), at, runs, segments (how many are covered).
    """
    with archive.open(file, "a") as experiment:
        made = experiment.sign(key, signer=signer)
    covered = {name: made.covers[name] for name in ("runs", "segments")}
    print_ = fingerprint(made.signature)
    if as_json:
        print_json({"file": file, "signer": made.signer, "key": print_, "at": made.at, **covered})
        return
    what = " and ".join(counted(covered[f"{one}s"], one) for one in ("run", "segment"))
    say(f"{file}: {what} signed by {made.signer or 'nobody named'} ({print_})")
