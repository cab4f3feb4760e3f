"""Where files are: a folder (`file://`) or a bucket (`s3://`), behind one interface.

Files are written once, streamed both ways, and visible only when complete. Who owns a file, what it is called
and what type it has stands in the ledger; here are only keys and bytes.
"""

from bureau.storage.errors import TooLarge
from bureau.storage.storage import Storage, StoredFile
from bureau.storage.writer import StorageWriter

__all__ = ["Storage", "StorageWriter", "StoredFile", "TooLarge"]
