"""Whether what was signed of an archive is still what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import schemas
from archive.container.check_report import Signed
from archive.container.container import Container
from archive.container.merge_notes import identity
from archive.container.signed_content import covered, data_digest, documents_digest
from archive.errors import ArchiveError
from archive.provenance import ssh_signatures

Fault = tuple[str, str]


def signatures_of(container: Container) -> list[schemas.Signature]:
    """All signatures, the oldest first."""
    changes = container.changes("experiment", 0)
    return [one for one in changes if isinstance(one, schemas.Signature)]


def message(signature: schemas.Signature) -> bytes:
    """What is signed."""
    bare = signature.model_copy(update={"key": "", "signature": ""})
    return schemas.digest(bare).encode()


def sign(container: Container, key: Path, signer: str | None) -> schemas.Signature:
    """Sign all that is there now, and keep the signature. Reads everything. Raises what
    `ssh_signatures.sign` and a session that only reads raise."""
    with container.transaction(held=False):  # ssh-keygen may ask for a passphrase
        covers = covered(container)
        documents, _ = documents_digest(container, covers)
        bare = schemas.Signature(
            experiment=identity(container),
            covers=covers,
            documents=documents,
            data=data_digest(container, covers),
            signer=signer,
            at=datetime.now(UTC),
        )
        made = ssh_signatures.sign(message(bare), key)
        facts = {"key": ssh_signatures.public_key(made), "signature": made}
        signature = bare.model_copy(update=facts)
        container.add_change("experiment", 0, signature)
    return signature


def signatures(
    container: Container,
    allowed: Path | None,
    *,
    deep: bool,
    at: Callable[[str], object],
) -> Iterator[Signed | Fault]:
    """What is to be said of each signature, and what is wrong. With `deep` the arrays are read
    too. With a file of `allowed` signers it is a fault if none of these has a good one."""
    found = signatures_of(container)
    present = documents_digest(container, covered(container))[1] if found else 0
    is_allowed = False
    for number, signature in enumerate(found):
        signed, fault = _judged(container, signature, allowed, deep, at, present)
        is_allowed |= fault is None and signed.principal is not None
        yield signed
        if fault is not None:
            yield f"signature {number}", fault
    if allowed is not None and not is_allowed:
        what = "none is a good one of an allowed signer" if found else "there is none"
        yield "signatures", what


def _judged(
    container: Container,
    signature: schemas.Signature,
    allowed: Path | None,
    deep: bool,
    at: Callable[[str], object],
    present: int,
) -> tuple[Signed, str | None]:
    covers, lines, fault = signature.covers, 0, None
    verdict = ssh_signatures.verify(message(signature), signature.signature, signature.at, allowed)
    if signature.experiment != identity(container):
        fault = "it is one of another archive"
    elif verdict.good is False:
        fault = verdict.why
    elif ssh_signatures.public_key(signature.signature) != signature.key:
        fault = "it is one by another key than it says"
    try:
        documents, lines = documents_digest(container, covers)
        if documents != signature.documents:
            fault = fault or "a document or row that it covers is not what was signed"
        elif deep and data_digest(container, covers, at) != signature.data:
            fault = fault or "an array or payload that it covers is not what was signed"
    except ArchiveError as error:
        fault = fault or error.message
    try:
        key = ssh_signatures.fingerprint(signature.signature)
    except ValueError:
        key = "none"
    signed = Signed(
        signer=signature.signer,
        principal=None if fault else verdict.principal,
        key=key,
        at=signature.at.isoformat(),
        good=False if fault else verdict.good,
        why=fault or verdict.why,
        documents=lines,
        runs=covers.get("runs", 0),
        segments=covers.get("segments", 0),
        later=max(0, present - lines),
        with_data=deep,
    )
    return signed, fault
