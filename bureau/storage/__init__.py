"""Stores files in a folder (`file://`) or a bucket (`s3://`) behind one interface.

Files are written once, streamed both ways, and visible only when complete. This package handles only keys and bytes;
the ledger holds a file's owner, name and type.
"""

from bureau.storage.errors import TooLarge
from bureau.storage.storage import Storage, StoredFile
from bureau.storage.writer import StorageWriter

__all__ = ["Storage", "StorageWriter", "StoredFile", "TooLarge"]
