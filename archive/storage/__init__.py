"""Bytes: how an archive file is opened, created, read and changed. Knows no model."""

from archive.storage.creation import create, publish, remove_file
from archive.storage.files import Files
from archive.storage.growing import Growing
from archive.storage.guarded import Foreign
from archive.storage.probing import probe
from archive.storage.session import Durability, Session
from archive.storage.transaction import Transaction

__all__ = [
    "Durability",
    "Files",
    "Foreign",
    "Growing",
    "Session",
    "Transaction",
    "create",
    "probe",
    "publish",
    "remove_file",
]
