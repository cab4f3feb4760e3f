"""Stored files: uploads and the files of tasks. The row decides whether a file exists; storage has its bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    String,
    Uuid,
    bindparam,
    case,
    exists,
    insert,
    or_,
    select,
    update,
)

from bureau.ledger.db.database import Database
from bureau.ledger.db.json_rows import JsonRows
from bureau.ledger.db.sql_time import later, now
from bureau.ledger.db.tables import artifact_uses, artifacts, schedule_uses

UPLOAD_KEPT_SECONDS = 24 * 3600.0  # without a reference, and after the last job that referred to it has ended


@dataclass(frozen=True)
class StoredArtifact:
    """A stored file. `job_id` and `task` name its maker; an upload has neither. `size` is in bytes."""

    id: UUID
    owner: str
    job_id: UUID | None
    task: str | None
    name: str
    media_type: str
    size: int
    sha256: str
    key: str
    created_at: datetime
    expires_at: datetime | None = None


_GIVEN = [name for name in StoredArtifact.__dataclass_fields__ if name not in ("created_at", "expires_at")]
"""The rest the database's clock says."""


class ArtifactGone(Exception):
    """A job refers to artifacts that do not exist or belong to another owner."""

    def __init__(self, missing: Sequence[UUID]) -> None:
        super().__init__(", ".join(str(artifact_id) for artifact_id in missing))
        self.missing = list(missing)


@dataclass(frozen=True)
class Removal:
    """Artifacts that a job releases."""

    job_id: UUID
    owner: str
    artifacts: Sequence[UUID]


def insert_artifacts(connection: Connection, made: Sequence[StoredArtifact]) -> None:
    """Inserts uploads with their expiry time; a file of a job gets one when the job has ended."""
    _MADE.execute(connection, _INSERT, [{name: getattr(artifact, name) for name in _GIVEN} for artifact in made])


_MADE = JsonRows(**{name: artifacts.c[name].type for name in _GIVEN})
_INSERT = insert(artifacts).from_select(
    [*_GIVEN, "created_at", "expires_at"],
    select(
        *(_MADE[name] for name in _GIVEN),
        now(),
        case((_MADE["job_id"].is_(None), later(UPLOAD_KEPT_SECONDS))),
    ),
)


def use(connection: Connection, job_id: UUID, owner: str, used: Iterable[UUID]) -> None:
    """Notes that a job refers to artifacts. Raises `ArtifactGone`."""
    if wanted := lock_used(connection, owner, used):
        connection.execute(insert(artifact_uses), [{"artifact_id": a, "job_id": job_id} for a in wanted])


def lock_used(connection: Connection, owner: str, used: Iterable[UUID]) -> list[UUID]:
    """Locks artifacts, each once, against removal until the transaction ends. Raises `ArtifactGone`."""
    wanted = sorted(set(used))
    if not wanted:
        return []
    there = set(
        connection.execute(
            select(artifacts.c.id)
            .where(artifacts.c.id.in_(wanted), artifacts.c.owner == owner, artifacts.c.removed_at.is_(None))
            .order_by(artifacts.c.id)
            .with_for_update(read=True)
        ).scalars()
    )
    missing = [artifact_id for artifact_id in wanted if artifact_id not in there]
    if missing:
        raise ArtifactGone(missing)
    return wanted


def find(db: Database, artifact_id: UUID, owner: str) -> StoredArtifact | None:
    """Returns the owner's artifact; None where it does not exist, was removed or is another owner's."""
    (found,) = find_all(db, [(artifact_id, owner)])
    return found


def find_all(db: Database, wanted: Sequence[tuple[UUID, str]]) -> list[StoredArtifact | None]:
    """Finds several (id, owner) as `find` does, in one statement."""
    with db.read() as connection:
        found = kept(connection, {artifact_id for artifact_id, _ in wanted})
    return [
        one if (one := found.get(artifact_id)) is not None and one.owner == owner else None
        for artifact_id, owner in wanted
    ]


def kept(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, StoredArtifact]:
    """Returns the artifacts that were not removed, of any owner."""
    return {row.id: stored_artifact(row) for row in connection.execute(_KEPT, {"ids": list(ids)})}


_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_KEPT = select(artifacts).where(artifacts.c.id.in_(_IDS), artifacts.c.removed_at.is_(None))


def of_job(connection: Connection, job_id: UUID) -> list[StoredArtifact]:
    rows = connection.execute(
        select(artifacts)
        .where(artifacts.c.job_id == job_id, artifacts.c.removed_at.is_(None))
        .order_by(artifacts.c.created_at, artifacts.c.id)
    )
    return [stored_artifact(row) for row in rows]


def stored_artifact(row: Row[Any]) -> StoredArtifact:
    return StoredArtifact(**{name: getattr(row, name) for name in StoredArtifact.__dataclass_fields__})


def mark_removed(connection: Connection, removals: Sequence[Removal]) -> None:
    """Ends the download of files that the job made or alone uses; the scheduler deletes their bytes."""
    given = [
        {"id": artifact_id, "job": removal.job_id, "by": removal.owner}
        for removal in removals
        for artifact_id in removal.artifacts
    ]
    if given:
        # A separate statement locks them: a submission that was about to refer to one has committed and is seen.
        connection.execute(_LOCK, {"ids": [one["id"] for one in given]})
        _GIVEN_UP.execute(connection, _REMOVE, given)


_LOCK = (
    select(artifacts.c.id)
    .where(artifacts.c.id.in_(_IDS), artifacts.c.removed_at.is_(None))
    .order_by(artifacts.c.id)
    .with_for_update()
)
_GIVEN_UP = JsonRows(id=Uuid(), job=Uuid(), by=String())
_use_of_it = exists().where(artifact_uses.c.artifact_id == artifacts.c.id)
_REMOVE = (
    update(artifacts)
    .where(
        artifacts.c.id == _GIVEN_UP["id"],
        artifacts.c.owner == _GIVEN_UP["by"],
        artifacts.c.removed_at.is_(None),
        or_(artifacts.c.job_id == _GIVEN_UP["job"], _use_of_it.where(artifact_uses.c.job_id == _GIVEN_UP["job"])),
        ~_use_of_it.where(artifact_uses.c.job_id != _GIVEN_UP["job"]),
        ~exists().where(schedule_uses.c.artifact_id == artifacts.c.id),
    )
    .values(removed_at=now())
)


def used_elsewhere(job_id: UUID) -> ColumnElement[bool]:
    """Tests whether another job or a schedule refers to an artifact."""
    return or_(
        exists().where(artifact_uses.c.artifact_id == artifacts.c.id, artifact_uses.c.job_id != job_id),
        exists().where(schedule_uses.c.artifact_id == artifacts.c.id),
    )


def kept_keys(db: Database, keys: Sequence[str]) -> set[str]:
    """Returns those of the storage keys that belong to a row."""
    if not keys:
        return set()
    with db.read() as connection:
        return set(connection.execute(select(artifacts.c.key).where(artifacts.c.key.in_(keys))).scalars())


def removed(db: Database, limit: int = 100) -> list[tuple[UUID, str]]:
    """Returns (id, key) of files whose bytes are to be deleted."""
    with db.read() as connection:
        rows = connection.execute(
            select(artifacts.c.id, artifacts.c.key)
            .where(artifacts.c.removed_at.is_not(None), artifacts.c.deleted_at.is_(None))
            .order_by(artifacts.c.removed_at)
            .limit(limit)
        )
        return [(row.id, row.key) for row in rows]


def mark_deleted(db: Database, ids: Sequence[UUID]) -> None:
    if ids:
        with db.transaction() as connection:
            connection.execute(update(artifacts).where(artifacts.c.id.in_(ids)).values(deleted_at=now()))
