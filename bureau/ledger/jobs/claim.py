"""Claim: one conditional update decides which worker runs a task. Only who claimed it works."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Float,
    Row,
    bindparam,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.jobs.references import reference
from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import age, later, now
from bureau.ledger.db.tables import jobs, paused_queues, tasks
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact

LEASE_SECONDS = 30.0
FILES_AT_MOST = 50

_sibling = tasks.alias("sibling")
_job_started = exists().where(_sibling.c.job_id == tasks.c.job_id, _sibling.c.claim_no > 0)
_paused = exists().where(paused_queues.c.queue == tasks.c.queue)
_owner = select(jobs.c.owner).where(jobs.c.id == tasks.c.job_id).scalar_subquery()
_CLAIMED: Sequence[ColumnElement[Any]] = (
    tasks.c.id,
    tasks.c.job_id,
    tasks.c.name,
    tasks.c.run,
    tasks.c.claim_no,
    tasks.c.input,
    tasks.c.after,
    tasks.c.failures,
    tasks.c.crashes,
    tasks.c.max_attempts,
    tasks.c.base_seconds,
    tasks.c.cap_seconds,
    tasks.c.time_limit_seconds,
    _owner.label("owner"),
    age(tasks.c.postponed_since).label("postponed"),
)


@dataclass(frozen=True)
class Claim:
    """The right to run a task until its lease ends; `claim_no` fences everything that is written under it."""

    task_id: UUID
    job_id: UUID
    owner: str
    name: str
    run: str
    claim_no: int
    worker: str
    input: dict[str, Any]
    after: tuple[str, ...]
    failures: int
    crashes: int
    retry: RetryPolicy
    time_limit_seconds: float
    postponed_seconds: float  # how long it has been put off already
    files: Mapping[UUID, StoredArtifact] = field(
        default_factory=dict
    )  # its owner's, which its input names (see `_named`)


def claim(
    db: Database,
    task_id: UUID,
    *,
    queue: str,
    worker: str,
    run: str | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> Claim | None:
    """The claim, or None: somebody else has the task, it ended, it is not due, its queue is paused or another.

    `run` is what the hint says that the task runs: a hint that says it wrongly, by malice, claims nothing either.
    The losing side learns nothing and needs nothing: whoever won carries on.
    """
    with db.transaction() as connection:
        claims = _claim(connection, [task_id], queue=queue, worker=worker, run=run, lease_seconds=lease_seconds)
    return claims.get(task_id)


def claim_batch(
    db: Database, wanted: Sequence[tuple[UUID, str]], *, queue: str, worker: str, lease_seconds: float = LEASE_SECONDS
) -> list[Claim | None]:
    """Claims of several tasks, each with its `run`, in one transaction; a task named twice is claimed once.

    None: not to be had, or its row was locked just now. `claim` waits for the lock, and knows.
    """
    with db.transaction() as connection:
        free = connection.execute(_FREE, {"wanted": wanted, "on": queue}).scalars().all()
        claims = _claim(connection, free, queue=queue, worker=worker, lease_seconds=lease_seconds)
    return [claims.pop(task_id, None) for task_id, _ in wanted]


def _claim(
    connection: Connection,
    task_ids: Sequence[UUID],
    *,
    queue: str,
    worker: str,
    lease_seconds: float,
    run: str | None = None,
) -> dict[UUID, Claim]:
    given = {"wanted": task_ids, "on": queue, "by": worker, "lease": lease_seconds}
    statement = _CLAIM if run is None else _CLAIM.where(tasks.c.run == run)
    rows = connection.execute(statement, given).all()
    named = {row.id: _named(row.input) for row in rows}
    every = set[UUID]().union(*named.values())
    there = artifacts.kept(connection, every) if every else {}
    return {row.id: _claim_of(row, worker, [there[file] for file in named[row.id] & there.keys()]) for row in rows}


def _named(task_input: dict[str, Any]) -> set[UUID]:
    """The files that the input names as services do: in a field, or in the list that a field is. Only so much of an
    input is looked at while rows are locked, it may have megabytes; others are found when they are opened."""
    fields = islice(task_input.values(), FILES_AT_MOST)
    beside = (item for value in fields for item in (value[:FILES_AT_MOST] if isinstance(value, list) else [value]))
    return {artifact for item in beside if (artifact := reference(item)) is not None}


# Built once: building them takes longer than sending them.
_WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)
_CLAIMABLE: Sequence[ColumnElement[bool]] = (
    tasks.c.state == TaskState.READY,
    tasks.c.queue == bindparam("on"),
    tasks.c.due_at <= now(),
    ~_paused,
    or_(tasks.c.expires_at.is_(None), tasks.c.expires_at > now(), _job_started),
)
_FREE = (
    select(tasks.c.id)
    .where(tuple_(tasks.c.id, tasks.c.run).in_(_WANTED), *_CLAIMABLE)
    .with_for_update(skip_locked=True, key_share=True)
)
_CLAIM = (
    update(tasks)
    .where(tasks.c.id.in_(_WANTED), *_CLAIMABLE)
    .values(
        state=TaskState.RUNNING,
        claim_no=tasks.c.claim_no + 1,
        worker=bindparam("by"),
        claimed_at=now(),
        started_at=func.coalesce(tasks.c.started_at, now()),
        lease_until=later(bindparam("lease", type_=Float())),
        progress=None,
    )
    .returning(*_CLAIMED)
)


def _claim_of(row: Row[Any], worker: str, files: Sequence[StoredArtifact]) -> Claim:
    return Claim(
        task_id=row.id,
        job_id=row.job_id,
        owner=row.owner,
        name=row.name,
        run=row.run,
        claim_no=row.claim_no,
        worker=worker,
        input=row.input,
        after=tuple(row.after),
        failures=row.failures,
        crashes=row.crashes,
        retry=RetryPolicy(max_attempts=row.max_attempts, base_seconds=row.base_seconds, cap_seconds=row.cap_seconds),
        time_limit_seconds=row.time_limit_seconds,
        postponed_seconds=row.postponed or 0.0,
        files={file.id: file for file in files if file.owner == row.owner},
    )


def results(db: Database, job_id: UUID, names: Sequence[str]) -> dict[str, Any]:
    """The results of the job's tasks of these names, by name; a task without success has None."""
    if not names:
        return {}
    with db.read() as connection:
        rows = connection.execute(
            select(tasks.c.name, tasks.c.result).where(tasks.c.job_id == job_id, tasks.c.name.in_(names))
        )
        return {row.name: row.result for row in rows}
