"""Implements storage in a folder and in a bucket. Nothing connects before the first use in a process."""

import os
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, cast
from urllib.parse import parse_qsl, urlsplit

import obstore
from obstore.store import LocalStore, ObjectStore, S3Store

from bureau.secrets.secret_files import read_secret_files

MARKER = ".bureau-storage"
S3_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class Backend(Protocol):
    """Defines the interface of a storage."""

    part_bytes: int  # the size of the parts of a streamed file; smaller files go in one request
    parts_at_once: int

    def connect(self) -> ObjectStore:
        """Returns a store for this process."""

    def present(self, store: ObjectStore) -> bool:
        """Tells whether the storage itself can be reached, so that a missing file is really missing."""

    def size(self, store: ObjectStore, key: str) -> int:
        """Returns the size of a complete file in bytes. Raises `FileNotFoundError`."""

    def settle(self, key: str) -> None:
        """Makes a completely written file survive a power cut."""

    def delete(self, store: ObjectStore, keys: Iterable[str]) -> None:
        """Deletes the files of `keys` that exist."""

    def list(self, store: ObjectStore, folder: str) -> Iterator[tuple[str, datetime]]:
        """Yields every key under `folder` with the time its file was written, in no order."""

    def used_share(self) -> float | None:
        """Returns the used share of the space, from 0 to 1; None if the space is unlimited."""


class FolderBackend:
    """Stores files in a folder. A marker file in it distinguishes an unmounted disk from an empty storage."""

    part_bytes = 1024 * 1024
    parts_at_once = 1

    def __init__(self, path: str) -> None:
        self._root = Path(os.path.abspath(path))
        self._known_folders: set[Path] = set()  # folders of the root that are known to be synced to disk

    def connect(self) -> ObjectStore:
        self._root.mkdir(parents=True, exist_ok=True)
        (self._root / MARKER).touch()
        return LocalStore(self._root)

    def present(self, store: ObjectStore) -> bool:  # noqa: ARG002
        return (self._root / MARKER).exists()

    def size(self, store: ObjectStore, key: str) -> int:  # noqa: ARG002
        """Returns the size of a file from the file system, because obstore would wait for a thread of its runtime."""
        status = (self._root / key).stat()
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(key)  # a folder is not a file
        return status.st_size

    def _check_present(self) -> None:
        (self._root / MARKER).stat()  # raises FileNotFoundError; a walk over a missing folder would be empty

    def settle(self, key: str) -> None:
        """Syncs the file and its folders to disk, because obstore does not.

        The commit that comes next is synced, so the file that it names must be on disk too. Folders are synced because
        they hold the names of their files.
        """
        path = self._root / key
        _sync(path)
        while (folder := path.parent) != self._root:
            _sync(folder)
            path = folder
        if path not in self._known_folders:  # the root's own folders are never pruned
            _sync(self._root)
            self._known_folders.add(path)

    def delete(self, store: ObjectStore, keys: Iterable[str]) -> None:  # noqa: ARG002
        self._check_present()
        for key in keys:
            path = self._root / key
            path.unlink(missing_ok=True)
            self._prune(path.parent)

    def _prune(self, folder: Path) -> None:
        while self._root not in (folder, folder.parent):
            try:
                folder.rmdir()
            except OSError:  # not empty, or already deleted
                return
            folder = folder.parent

    def list(self, store: ObjectStore, folder: str) -> Iterator[tuple[str, datetime]]:  # noqa: ARG002
        """Yields all keys, also those of files that a killed process left unfinished (`key#1`).

        obstore would hide these.
        """
        self._check_present()
        for directory, _, names in os.walk(self._root / folder):
            for name in names:
                path = Path(directory, name)
                if path != self._root / MARKER:
                    with suppress(FileNotFoundError):  # the file was deleted or completed after the folder was read
                        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                        yield path.relative_to(self._root).as_posix(), written

    def used_share(self) -> float | None:
        """Returns the used share as `df` shows it, without the space that is reserved for root."""
        _, used, free = shutil.disk_usage(self._root)
        return used / (used + free) if used + free else 1.0


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class BucketBackend:
    """Stores files in an S3 bucket, or in any server with the same protocol.

    Credentials come from AWS_* variables, files that AWS_*_FILE name, or the machine's role.

    Uploads that a killed process left unfinished are invisible; a lifecycle rule of the bucket should abort them.
    """

    part_bytes = 5 * 1024 * 1024  # the smallest part of S3; its limit of 10,000 parts then allows 48 GiB
    parts_at_once = 2

    def __init__(self, bucket: str, prefix: str, endpoint: str | None, region: str | None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._endpoint = endpoint
        self._region = region

    def connect(self) -> ObjectStore:
        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            config=cast(Any, self._config()),  # its TypedDict does not exist at run time
            client_options={
                "allow_http": True,  # an http:// endpoint is taken as given
                "connect_timeout": "5s",
                "timeout": "60s",  # enough for a part of 5 MiB on a slow line
            },
            # The task is retried after this; a thread should not hang in a single call for minutes.
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        )

    def _config(self) -> dict[str, str]:
        """Returns the options that differ from obstore's own reading of AWS_* variables; None is not a valid value."""
        from_files, _ = read_secret_files(os.environ, S3_SECRETS)
        region = self._region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        endpoint = {"endpoint": self._endpoint} if self._endpoint else {}
        return {"region": region, **endpoint, **{name.lower(): value for name, value in from_files.items()}}

    def present(self, store: ObjectStore) -> bool:
        """Lists the bucket, because HEAD answers 404 both for a missing file and for a missing bucket."""
        try:
            obstore.list_with_delimiter(store)
        except FileNotFoundError:
            return False
        return True

    def size(self, store: ObjectStore, key: str) -> int:
        return obstore.head(store, key)["size"]

    def settle(self, key: str) -> None:
        """Does nothing, because S3 has stored what it acknowledged."""

    def delete(self, store: ObjectStore, keys: Iterable[str]) -> None:
        if batch := list(keys):
            obstore.delete(store, batch)

    def list(self, store: ObjectStore, folder: str) -> Iterator[tuple[str, datetime]]:
        for page in obstore.list(store, prefix=folder or None):
            for meta in page:
                yield meta["path"], meta["last_modified"]

    def used_share(self) -> float | None:
        return None


def backend_from_url(url: str) -> Backend:
    """Returns the backend of a storage URL. Raises ValueError for an invalid URL.

    The forms are `file://relative/path`, `file:///absolute/path` and `s3://bucket/prefix?endpoint=…&region=…`.
    """
    if url.startswith("file://") and len(url) > len("file://"):
        path = url.removeprefix("file://")
        return FolderBackend("/" + path.lstrip("/") if path.startswith("/") else path)
    if url.startswith("s3://"):
        return _bucket(url)
    raise ValueError("use file://path or s3://bucket/prefix?endpoint=https://host")


def _bucket(url: str) -> BucketBackend:
    parts = urlsplit(url)
    if not parts.netloc or "@" in parts.netloc or ":" in parts.netloc:
        raise ValueError(
            "write only the bucket's name after s3://; "
            "set credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, another server as ?endpoint=https://host"
        )
    query = dict(parse_qsl(parts.query))
    if unknown := sorted(query.keys() - {"endpoint", "region"}):
        raise ValueError(f"s3:// has no parameter {', '.join(unknown)}; use only endpoint and region")
    return BucketBackend(parts.netloc, parts.path.strip("/"), query.get("endpoint"), query.get("region"))
