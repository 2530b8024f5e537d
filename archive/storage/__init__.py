"""Bytes: how an archive file is opened, created, read and changed. Knows no model."""

from archive.storage.files import Files
from archive.storage.growing import Growing
from archive.storage.session import Durability, Foreign, Session, create, publish, remove_file
from archive.storage.transaction import Transaction

__all__ = [
    "Durability",
    "Files",
    "Foreign",
    "Growing",
    "Session",
    "Transaction",
    "create",
    "publish",
    "remove_file",
]
