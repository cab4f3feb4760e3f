"""What differs between a folder and a bucket. Nothing here is touched before the first use in a process."""

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
    part_bytes: int  # of a streamed file; smaller files go in one request
    parts_at_once: int

    def connect(self) -> ObjectStore:
        """A store for this process."""

    def present(self, store: ObjectStore) -> bool:
        """Whether the storage itself is there, so that a missing file is really missing."""

    def size(self, store: ObjectStore, key: str) -> int:
        """Bytes of a complete file. Raises `FileNotFoundError`."""

    def settle(self, key: str) -> None:
        """After a complete write: makes it survive a power cut."""

    def delete(self, store: ObjectStore, keys: Iterable[str]) -> None:
        """Removes what is there of `keys`."""

    def list(self, store: ObjectStore, folder: str) -> Iterator[tuple[str, datetime]]:
        """Every key under `folder` and when its file was written, in no order."""

    def used_share(self) -> float | None:
        """Of the room there is, from 0 to 1; None where there is no end of it."""


class FolderBackend:
    """A folder on a disk, marked by a file so that an unmounted disk is not taken for an empty storage."""

    part_bytes = 1024 * 1024
    parts_at_once = 1

    def __init__(self, path: str) -> None:
        self._root = Path(os.path.abspath(path))
        self._listed: set[Path] = set()  # folders of the root, which is known to be on disk with them

    def connect(self) -> ObjectStore:
        self._root.mkdir(parents=True, exist_ok=True)
        (self._root / MARKER).touch()
        return LocalStore(self._root)

    def present(self, store: ObjectStore) -> bool:  # noqa: ARG002
        return (self._root / MARKER).exists()

    def size(self, store: ObjectStore, key: str) -> int:  # noqa: ARG002
        """A look of our own: obstore's waits for a thread of its runtime."""
        found = (self._root / key).stat()
        if not stat.S_ISREG(found.st_mode):
            raise FileNotFoundError(key)  # a folder is no file of that key
        return found.st_size

    def _check_present(self) -> None:
        (self._root / MARKER).stat()  # FileNotFoundError; a walk over a missing folder would just be empty

    def settle(self, key: str) -> None:
        """obstore does not sync, the commit that comes next does. Folders hold the names of what is in them."""
        path = self._root / key
        _sync(path)
        while (folder := path.parent) != self._root:
            _sync(folder)
            path = folder
        if path not in self._listed:  # the root's own folders are never pruned
            _sync(self._root)
            self._listed.add(path)

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
            except OSError:  # not empty, or gone already
                return
            folder = folder.parent

    def list(self, store: ObjectStore, folder: str) -> Iterator[tuple[str, datetime]]:  # noqa: ARG002
        """Includes what a killed process left unfinished (`key#1`), which obstore would hide."""
        self._check_present()
        for place, _, names in os.walk(self._root / folder):
            for name in names:
                path = Path(place, name)
                if path != self._root / MARKER:
                    with suppress(FileNotFoundError):  # deleted, or completed, since the folder was read
                        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                        yield path.relative_to(self._root).as_posix(), written

    def used_share(self) -> float | None:
        """As `df` says it: what is kept back for root counts as none."""
        _, used, free = shutil.disk_usage(self._root)
        return used / (used + free) if used + free else 1.0


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class BucketBackend:
    """An S3 bucket, or anything that speaks its protocol.

    Credentials come from AWS_* variables, files that AWS_*_FILE name, or the machine's role.

    Uploads that a killed process left unfinished are invisible; let the bucket's lifecycle rule abort them.
    """

    part_bytes = 5 * 1024 * 1024  # S3's least; its 10,000 parts then make 48 GiB
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
            config=cast(Any, self._config()),  # its TypedDict is not there at run time
            client_options={
                "allow_http": True,  # an endpoint given as http:// is meant
                "connect_timeout": "5s",
                "timeout": "60s",  # a part of 5 MiB on a slow line
            },
            # The task's own retries go on from here; a thread should not hang in this one for minutes.
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        )

    def _config(self) -> dict[str, str]:
        """What differs from obstore's own reading of AWS_* variables. It takes no None."""
        from_files, _ = read_secret_files(os.environ, S3_SECRETS)
        region = self._region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        endpoint = {"endpoint": self._endpoint} if self._endpoint else {}
        return {"region": region, **endpoint, **{name.lower(): value for name, value in from_files.items()}}

    def present(self, store: ObjectStore) -> bool:
        """HEAD answers 404 for a missing file and a missing bucket alike; listing tells them apart."""
        try:
            obstore.list_with_delimiter(store)
        except FileNotFoundError:
            return False
        return True

    def size(self, store: ObjectStore, key: str) -> int:
        return obstore.head(store, key)["size"]

    def settle(self, key: str) -> None:
        """S3 has stored what it acknowledged."""

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
    """`file://relative/path`, `file:///absolute/path` or `s3://bucket/prefix?endpoint=…&region=…`; else ValueError."""
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
            "s3:// is followed by the bucket's name alone; "
            "give credentials as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, another server as ?endpoint=https://host"
        )
    query = dict(parse_qsl(parts.query))
    if unknown := sorted(query.keys() - {"endpoint", "region"}):
        raise ValueError(f"s3:// knows no parameter {', '.join(unknown)}; only endpoint and region")
    return BucketBackend(parts.netloc, parts.path.strip("/"), query.get("endpoint"), query.get("region"))
