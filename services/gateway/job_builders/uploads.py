"""Streams the files of a submission to storage before its transaction, and deletes them if it is refused."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from io import BytesIO
from uuid import uuid4

import structlog

from bureau.contracts.errors import TaskError
from bureau.contracts.ids import new_id
from bureau.ledger.db.database import LedgerUnavailable
from bureau.ledger.files.artifacts import StoredArtifact
from bureau.metrics.http import UPLOADED
from bureau.services.gateway.http.parsing.multipart import UploadedFile
from bureau.storage import Storage

log = structlog.get_logger(__name__)

UNKNOWN_TYPE = "application/octet-stream"

Store = Callable[[UploadedFile], StoredArtifact]


@contextmanager
def storing(storage: Storage, owner: str) -> Iterator[Store]:
    """Provides `store`, which puts a file into storage. If the block raises, the stored files are deleted.

    If the ledger became unavailable, the reply to COMMIT may be lost, and a job may refer to the files: they stay, and
    the scheduler later deletes files that no row names.
    """
    keys: list[str] = []

    def store(file: UploadedFile) -> StoredArtifact:
        key = f"uploads/{uuid4()}/{_key_name(file.name)}"
        keys.append(key)
        return _stored(storage, owner, file, key)

    try:
        yield store
    except LedgerUnavailable:
        raise
    except BaseException:  # includes a stop: no row will name these files
        _delete(storage, keys)
        raise


def text_file(name: str, media_type: str, text: str) -> UploadedFile:
    data = text.encode()
    return UploadedFile(name, media_type, len(data), BytesIO(data))


def _key_name(name: str) -> str:
    """Returns a form of a file's name for its storage key, for people who look into storage.

    It is short and plain for any name.
    """
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[-80:]


def _stored(storage: Storage, owner: str, file: UploadedFile, key: str) -> StoredArtifact:
    written = storage.put(key, file.file)
    UPLOADED.inc(written.size)
    return StoredArtifact(
        id=new_id(),
        owner=owner,
        job_id=None,
        task=None,
        name=file.name,
        media_type=file.media_type or UNKNOWN_TYPE,
        size=written.size,
        sha256=written.sha256,
        key=key,
        created_at=datetime.now(UTC),  # the ledger sets the time of its own clock
    )


def _delete(storage: Storage, keys: Sequence[str]) -> None:
    try:
        storage.delete(keys)
    except TaskError:
        log.warning(
            "the files of a refused submission could not be deleted; the scheduler will delete them as orphans",
            files=len(keys),
        )
