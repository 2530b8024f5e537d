"""Signatures by SSH keys, made and verified by OpenSSH's ``ssh-keygen``.

Their form is SSHSIG (PROTOCOL.sshsig of OpenSSH). Keys are read by ssh-keygen alone, or lie in
the user's agent; none is seen here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from archive.errors import FormatError, MissingPackage, NotFound

NAMESPACE: Final = "neuroarchive"
_BEGIN: Final = "-----BEGIN SSH SIGNATURE-----"
_END: Final = "-----END SSH SIGNATURE-----"
_LONGEST: Final = 1 << 16  # characters of a signature; one of RSA with 16384 bits has 6000
_MAGIC: Final = b"SSHSIG\0\0\0\1"
_SECONDS: Final = 30
_TYPE: Final = re.compile(rb"[a-z0-9@.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of a signature. `good` is None where nobody could verify it."""

    good: bool | None
    why: str
    principal: str | None = None
    """Who, by the file of allowed signers, has the key."""


def sign(message: bytes, key: Path) -> str:
    """The signature of a message by a key, or by the one in the agent whose public half `key` is.
    ssh-keygen asks the terminal for a passphrase.

    Raises NotFound where there is no such file, MissingPackage without ssh-keygen, and FormatError
    where it cannot sign.
    """
    key = key.expanduser().absolute()  # so that no path looks like an option
    if not key.is_file():
        raise NotFound("there is no such key", path=key, hint="'ssh-keygen -t ed25519' makes one")
    done = _run(["sign", "-n", NAMESPACE, "-f", str(key)], message, seconds=None)
    made = done.stdout.decode("ascii", "replace")
    if done.returncode or _BEGIN not in made:
        raise FormatError(
            f"ssh-keygen could not sign: {_said(done)}",
            path=key,
            hint="a key with a passphrase needs a terminal, or ssh-agent: give its .pub file then",
        )
    return made


def public_key(signature: str) -> str:
    """The public key in a signature, as OpenSSH writes it, without comment. Raises ValueError."""
    blob = _blob(signature)
    kind = _text(blob, 0)
    if not _TYPE.fullmatch(kind):
        raise ValueError("its key is of no type that there is")
    return f"{kind.decode('ascii')} {base64.b64encode(blob).decode('ascii')}"


def fingerprint(signature: str) -> str:
    """That of the public key in a signature, as OpenSSH shows it: ``SHA256:…``. Raises
    ValueError."""
    digest = hashlib.sha256(_blob(signature)).digest()
    return f"SHA256:{base64.b64encode(digest).decode('ascii').rstrip('=')}"


def comment(key: Path) -> str | None:
    """What the file beside a key says of whose it is; None if it says nothing."""
    key = key.expanduser()
    public = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    try:
        words = public.read_text("utf-8")[:4096].split(maxsplit=2)
    except (OSError, ValueError):
        return None
    return words[2].strip() or None if len(words) == 3 else None


def verify(message: bytes, signature: str, at: datetime, allowed: Path | None = None) -> Verdict:
    """Whether a signature is one of that message; with a file of allowed signers, by one of these
    at that time. Raises NotFound where there is no such file."""
    if allowed is not None and not allowed.is_file():
        raise NotFound("there is no such file of allowed signers", path=allowed)
    try:
        public_key(signature)
    except ValueError as error:
        return Verdict(False, str(error))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "signature"
        path.write_text(signature, "ascii", newline="\n")
        try:
            return _verified(message, path, at, allowed)
        except MissingPackage as error:
            return Verdict(None, f"{error.message}: it could not be verified")
        except subprocess.TimeoutExpired:
            return Verdict(None, "ssh-keygen did not answer: it could not be verified")


def _verified(message: bytes, path: Path, at: datetime, allowed: Path | None) -> Verdict:
    named = ["-n", NAMESPACE, "-s", str(path)]
    done = _run(["check-novalidate", *named], message)
    if done.returncode:
        return Verdict(False, "it is not a signature of this content")
    if allowed is None:
        return Verdict(True, "it is good; whose key that is has to be known from elsewhere")
    try:
        when = f"{at.astimezone():%Y%m%d%H%M%S}".rjust(14, "0")
    except (OverflowError, ValueError, OSError):
        return Verdict(False, "its time makes no sense")
    file = ["-f", str(allowed.absolute())]
    time = [f"-Overify-time={when}"]
    found = _run(["find-principals", *time, "-s", str(path), *file], b"")
    for principal in found.stdout.decode("utf-8", "replace").splitlines()[:20]:
        done = _run(["verify", *time, *file, "-I", principal, *named], message)
        if not done.returncode:
            return Verdict(True, "it is good, and the key is one of those allowed", principal)
    return Verdict(True, "it is good, but its key is none of those allowed")


def _run(
    arguments: list[str], message: bytes, seconds: float | None = _SECONDS
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["ssh-keygen", "-Y", *arguments],
            input=message,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError as error:
        raise MissingPackage(
            "ssh-keygen is not there", hint="install OpenSSH, 8.9 or newer"
        ) from error


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else f"exit code {done.returncode}"


def _blob(signature: str) -> bytes:
    """The public key in a signature, as it is sent."""
    text = signature.strip()
    if len(text) > _LONGEST or not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise ValueError("it is no signature of SSH")
    try:
        content = base64.b64decode("".join(text[len(_BEGIN) : -len(_END)].split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is no signature of SSH") from error
    if not content.startswith(_MAGIC):
        raise ValueError("it is no signature of SSH")
    return _text(content, len(_MAGIC))


def _text(content: bytes, at: int) -> bytes:
    """A string as SSH has it: its length in four bytes, then its bytes."""
    length = int.from_bytes(content[at : at + 4], "big")
    found = content[at + 4 : at + 4 + length]
    if len(content) < at + 4 or len(found) != length:
        raise ValueError("it is cut off")
    return found
