"""Bytes: how an archive file is opened, created, read and changed. Knows no model."""

from archive.storage.files import Files
from archive.storage.growing import Growing
from archive.storage.guarded import Foreign
from archive.storage.session import Durability, Session, create, remove_file
from archive.storage.transaction import Transaction

__all__ = [
    "Durability",
    "Files",
    "Foreign",
    "Growing",
    "Session",
    "Transaction",
    "create",
    "remove_file",
]
