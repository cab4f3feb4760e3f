"""Claims tasks: one conditional update decides which worker runs a task. Only the claiming worker runs it."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ColumnElement,
    Float,
    Row,
    Select,
    String,
    Update,
    Uuid,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.jobs.references import reference
from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.deferred import Deferred
from bureau.ledger.db.json_rows import JsonRows
from bureau.ledger.db.sql_time import age, later, now
from bureau.ledger.db.tables import jobs, paused_queues, tasks
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import StoredArtifact

LEASE_SECONDS = 30.0
FILES_AT_MOST = 50

_its_job = jobs.c.id == tasks.c.job_id
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
    select(jobs.c.owner).where(_its_job).scalar_subquery().label("owner"),
    select(jobs.c.total_tasks).where(_its_job).scalar_subquery().label("total_tasks"),
    age(tasks.c.postponed_since).label("postponed"),
)


@dataclass(frozen=True)
class Claim:
    """Represents the right to run a task until its lease ends; `claim_no` fences everything written under it."""

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
    postponed_seconds: float  # how long the task has been postponed so far
    token: UUID = field(repr=False)  # ends the claim; claims of one transaction share it
    lone: bool = False  # the task was the only one of its job when it was claimed
    files: Mapping[UUID, StoredArtifact] = field(
        default_factory=dict
    )  # the owner's files that the input names (see `_named`)


class NotClaimable(Enum):
    """Answers a hint that can be dropped: its task is claimed elsewhere, ended, not due, paused or in another queue.

    The losing worker learns nothing more and needs nothing more: the winner carries on.
    """

    GONE = "gone"


def claim(
    db: Database,
    task_id: UUID,
    *,
    queue: str,
    worker: str,
    run: str | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> Claim | None:
    """Claims a task, or returns None if it cannot be claimed. Waits for a row that another transaction has locked.

    `run` is the actor that the hint names for the task: a forged hint that names another one claims nothing.
    """
    return _claim(db, _WAITING, [(task_id, run)], queue, worker, lease_seconds).get(task_id)


def claim_batch(
    db: Database, wanted: Sequence[tuple[UUID, str]], *, queue: str, worker: str, lease_seconds: float = LEASE_SECONDS
) -> list[Claim | NotClaimable | Deferred]:
    """Claims several tasks, each with its `run`, by one statement; a task named twice is claimed once.

    A task whose row is locked at the moment is deferred: `claim` waits for the lock and then gets an answer.
    """
    claims = _claim(db, _FREE, wanted, queue, worker, lease_seconds)
    locked = _locked(db, [(task_id, run) for task_id, run in wanted if task_id not in claims], queue)
    answers: list[Claim | NotClaimable | Deferred] = []
    for task_id, _ in wanted:
        refusal = Deferred.LOCKED if task_id in locked else NotClaimable.GONE
        answers.append(claims.pop(task_id) if task_id in claims else refusal)
    return answers


def _locked(db: Database, missing: Sequence[tuple[UUID, str]], queue: str) -> Collection[UUID]:
    """Returns those of the tasks that were not claimed that could have been.

    The others of the group are claimed by now, so an outage may not cost their answers: `claim` asks again.
    """
    if not missing:
        return ()
    try:
        with db.hot.read() as connection:
            return {row.id for row in _HINTED.query(connection, _THERE, _rows(missing, queue))}
    except LedgerUnavailable:
        return {task_id for task_id, _ in missing}


def ready(db: Database, task_ids: Collection[UUID], queue: str) -> set[UUID]:
    """Returns those tasks that could be claimed now. It only reads."""
    with db.read() as connection:
        return {row.id for row in _HINTED.query(connection, _THERE, _rows([(one, None) for one in task_ids], queue))}


def _claim(
    db: Database,
    statement: Update,
    wanted: Sequence[tuple[UUID, str | None]],
    queue: str,
    worker: str,
    lease_seconds: float,
) -> dict[UUID, Claim]:
    token = uuid4()
    given = {"by": worker, "lease": lease_seconds, "seal": seal(token)}
    rows = _HINTED.commit(db.hot, statement, _rows(wanted, queue), **given)
    named = {row.id: _named(row.input) for row in rows}
    there = _files(db, set[UUID]().union(*named.values()))
    return {
        row.id: _claim_of(row, worker, token, [there[file] for file in named[row.id] & there.keys()]) for row in rows
    }


def _files(db: Database, ids: Collection[UUID]) -> Mapping[UUID, StoredArtifact]:
    """Returns the files that inputs name; none during an outage, because they are also found when they are opened."""
    if not ids:
        return {}
    try:
        with db.read() as connection:
            return artifacts.kept(connection, ids)
    except LedgerUnavailable:
        return {}


def seal(token: UUID) -> UUID:
    """Returns the hash of a claim's token, as `worker_role.rules` computes it."""
    return UUID(bytes=hashlib.sha256(token.bytes).digest()[:16])


def _rows(wanted: Sequence[tuple[UUID, str | None]], queue: str) -> list[dict[str, Any]]:
    return [{"task": task_id, "run": run, "on": queue} for task_id, run in dict.fromkeys(wanted)]


def _named(task_input: dict[str, Any]) -> set[UUID]:
    """Returns the files that the input names as services do: in a field, or in a list that is a field's value.

    It reads a limited part of the input, because others wait for their claims and an input may have megabytes; the
    other files are found when they are opened.
    """
    fields = islice(task_input.values(), FILES_AT_MOST)
    beside = (item for value in fields for item in (value[:FILES_AT_MOST] if isinstance(value, list) else [value]))
    return {artifact for item in beside if (artifact := reference(item)) is not None}


_HINTED = JsonRows(task=Uuid(), run=String(), on=String())
_candidate = tasks.alias("candidate")
_sibling = tasks.alias("sibling")
_job_started = exists().where(_sibling.c.job_id == _candidate.c.job_id, _sibling.c.claim_no > 0)
_paused = exists().where(paused_queues.c.queue == _candidate.c.queue)
_THERE = select(_candidate.c.id).where(
    _HINTED.matches(_candidate.c.id),
    _candidate.c.run == func.coalesce(_HINTED["run"], _candidate.c.run),
    _candidate.c.state == TaskState.READY,
    _candidate.c.queue == _HINTED["on"],
    _candidate.c.due_at <= now(),
    ~_paused,
    or_(_candidate.c.expires_at.is_(None), _candidate.c.expires_at > now(), _job_started),
)


def _claiming(locked: Select[Any]) -> Update:
    """Builds the statement that claims the tasks that its subquery `locked` finds and locks."""
    return (
        update(tasks)
        .where(_HINTED.matches_any(tasks.c.id), tasks.c.id.in_(locked))
        .values(
            state=TaskState.RUNNING,
            claim_no=tasks.c.claim_no + 1,
            claim_seal=bindparam("seal", type_=Uuid(), required=True),
            worker=bindparam("by", type_=String(), required=True),
            claimed_at=now(),
            started_at=func.coalesce(tasks.c.started_at, now()),
            lease_until=later(bindparam("lease", type_=Float(), required=True)),
            progress=None,
        )
        .returning(*_CLAIMED)
    )


_FREE = _claiming(_THERE.with_for_update(skip_locked=True, key_share=True, of=_candidate))
_WAITING = _claiming(_THERE.with_for_update(key_share=True, of=_candidate))


def _claim_of(row: Row[Any], worker: str, token: UUID, files: Sequence[StoredArtifact]) -> Claim:
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
        token=token,
        lone=row.total_tasks == 1,
        files={file.id: file for file in files if file.owner == row.owner},
    )


def results(db: Database, job_id: UUID, names: Sequence[str]) -> dict[str, Any]:
    """Returns the results of the job's tasks `names`, by name; None for a task that did not succeed."""
    if not names:
        return {}
    with db.read() as connection:
        rows = connection.execute(
            select(tasks.c.name, tasks.c.result).where(tasks.c.job_id == job_id, tasks.c.name.in_(names))
        )
        return {row.name: row.result for row in rows}


def inputs_were_checked(db: Database, job_id: UUID) -> bool:
    """Returns whether the inputs of a job's tasks were checked when it was submitted: `bureau.submit` checks none."""
    with db.read() as connection:
        return connection.execute(select(jobs.c.submitted_by).where(jobs.c.id == job_id)).scalar() is None
