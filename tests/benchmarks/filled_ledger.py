"""Fills a ledger as months of work leave it: jobs of every kind and state, recent failures, workers, the audit log."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    Table,
    Text,
    Uuid,
    cast,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
)

from bureau.contracts.catalog import Catalog
from bureau.contracts.ids import new_id
from bureau.contracts.jobs.states import TaskState
from bureau.ledger.access.audit import Act, note
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import attempts, deliveries, dependencies, events, jobs, tasks
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.workers import NewWorker

OWNER = "local"
PAGE = 5_000
DAYS = 30  # the jobs are spread over
LAST_HOUR = 0.02  # of them
OPEN = 0.02
FAILED = 0.05
# Kind, the tasks of its jobs (name, run, queue), and how many of all.
KINDS = (
    ("email", (("send", "mailer.send", "mailer"),), 0.6),
    ("report", (("generate", "reports.generate", "reports"), ("mail", "mailer.send", "mailer")), 0.2),
    ("certificates", (("issue", "certificates.issue", "certificates"),), 0.1),
    ("job", (("add", "shop.suma", "shop"),), 0.1),
)
ERRORS = {
    "mailer.send": (("smtp_unavailable", "The mail server did not answer."), ("mailbox_full", "Mailbox full.")),
    "reports.generate": (("source_unavailable", "The source orders does not answer."),),
    "certificates.issue": (("upstream_unavailable", "The certificates API answered 503."),),
    "shop.suma": (("task_failed", "ValueError: a is not a number"),),
}
TITLES = ("Welcome", "Monthly sales", "Quarter end", "First aid, spring", "Invoice", "Orders of the north")
_TABLES = (jobs, tasks, dependencies, attempts, events, deliveries)
Rows = dict[Table, list[dict[str, Any]]]


def fill(db: Database, size: int, seed: int = 1) -> None:
    """Writes `size` jobs in pages, the oldest first, and a few workers."""
    dice = random.Random(seed)
    now = datetime.now(UTC)
    for first in range(0, size, PAGE):
        rows: Rows = {table: [] for table in _TABLES}
        for number in range(first, min(first + PAGE, size)):
            _add(rows, dice, now, number / size)
        with db.transaction() as connection:
            for table, found in rows.items():
                if found:
                    connection.execute(insert(table), found)
    _workers(db)


def multiply(db: Database, times: int) -> None:
    """Each job so many times, on PostgreSQL: ids of the copies are made from those of the first."""
    for table in _TABLES:
        copied = [_copied(column).label(column.name) for column in table.columns]
        copies = select(*copied).select_from(table.join(func.generate_series(2, times).alias("nth"), true()))
        with db.transaction() as connection:
            connection.execute(insert(table).from_select(list(table.columns), copies))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _copied(column: Column[Any]) -> ColumnElement[Any]:
    """Times move by seconds: not everything happens at once."""
    nth: ColumnElement[int] = literal_column("nth", Integer)
    if isinstance(column.type, Uuid):
        return cast(func.md5(cast(column, Text).concat(cast(nth, Text))), Uuid)
    if column.name in ("created_at", "finished_at", "due_at"):
        return column + func.make_interval(0, 0, 0, 0, 0, 0, nth * 7919 % 40 - 40)
    return column


def _add(rows: Rows, dice: random.Random, now: datetime, age: float) -> None:
    """A job; `age` is 0 for the first of all and nears 1 for the last."""
    kind, shape, _ = dice.choices(KINDS, [share for _, _, share in KINDS])[0]
    recent = age > 1 - LAST_HOUR
    seconds = 3600 * (1 - age) / LAST_HOUR if recent else 3600 + (1 - age) * DAYS * 86_400
    created = now - timedelta(seconds=seconds)
    fate = dice.random()
    state = "open" if recent and fate < OPEN / LAST_HOUR * 0.4 else "failed" if fate > 1 - FAILED else "succeeded"
    job_id = new_id()
    began = created + timedelta(seconds=dice.expovariate(1))
    ended = min(began + timedelta(seconds=dice.expovariate(1 / 5)), now)
    error = _tasks(rows, dice, job_id, shape, state, began, ended, now)
    title = f"{dice.choice(TITLES)} {dice.randrange(10_000)}"
    rows[jobs].append(
        {
            "id": job_id,
            "owner": OWNER,
            "kind": kind,
            "title": title,
            "tags": [],
            "state": state,
            "priority": 5,
            "total_tasks": len(shape),
            "open_tasks": len(shape) if state == "open" else 0,
            "event_seq": 3,
            "created_at": created,
            "finished_at": None if state == "open" else ended,
            "error": error,
        }
    )


def _tasks(
    rows: Rows,
    dice: random.Random,
    job_id: UUID,
    shape: tuple[tuple[str, str, str], ...],
    state: str,
    began: datetime,
    ended: datetime,
    now: datetime,
) -> dict[str, Any] | None:
    """The job's tasks and what goes with them; the job's error."""
    before: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    for position, (name, run, queue) in enumerate(shape):
        task = _task(job_id, position, name, run, queue, began)
        if before is not None:
            task |= {"after": [before["name"]]}
            rows[dependencies].append({"upstream": before["id"], "downstream": task["id"]})
        if state == "open":
            _open(task, dice, now, waits=before is not None)
        elif state == "failed" and error is None:
            code, message = dice.choice(ERRORS[run])
            error = {"code": code, "message": message, "retryable": True, "task": name}
            task |= {"state": TaskState.FAILED, "finished_at": ended, "error": error, "worker": f"{queue}-1"}
            rows[attempts].append(_attempt(task, error, began, ended))
        else:
            skipped = error is not None
            task |= {"state": TaskState.SKIPPED if skipped else TaskState.SUCCEEDED, "finished_at": ended}
            if queue == "mailer" and not skipped:
                rows[deliveries].append(_delivery(task, began, ended))
        rows[tasks].append(task)
        rows[events] += _events(job_id, position, task, began)
        before = task
    return error


def _task(job_id: UUID, position: int, name: str, run: str, queue: str, began: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "job_id": job_id,
        "position": position,
        "name": name,
        "run": run,
        "queue": queue,
        "state": TaskState.READY,
        "input": {"a": 2, "b": 2},
        "after": [],
        "when": "succeeded",
        "optional": False,
        "priority": 5,
        "max_attempts": 8,
        "base_seconds": 1.0,
        "cap_seconds": 300.0,
        "time_limit_seconds": 1800.0,
        "upstream_open": 0,
        "claim_no": 1,
        "worker": f"{queue}-1",
        "started_at": began,
        "claimed_at": began,
        "finished_at": None,
        "due_at": None,
        "lease_until": None,
        "error": None,
        "progress": None,
        "failures": 0,
    }


def _open(task: dict[str, Any], dice: random.Random, now: datetime, *, waits: bool) -> None:
    """Waiting, due, running or to be tried again."""
    fate = dice.random()
    unclaimed = {"claim_no": 0, "worker": None, "started_at": None, "claimed_at": None}
    if waits:
        task |= {**unclaimed, "state": TaskState.WAITING, "upstream_open": 1}
    elif fate < 0.1:
        progress = {"current": int(dice.random() * 1000), "total": 1000, "note": "rows"}
        lease = now + timedelta(hours=1)
        task |= {"state": TaskState.RUNNING, "lease_until": lease, "progress": progress}
    elif fate < 0.2:
        error = {"code": "upstream_unavailable", "message": "It answered 503.", "retryable": True}
        later = now + timedelta(seconds=dice.random() * 300)
        task |= {"claim_no": 2, "failures": 2, "due_at": later, "error": error}
    else:
        task |= {**unclaimed, "due_at": now - timedelta(seconds=dice.random() * 600)}


def _attempt(task: dict[str, Any], error: dict[str, Any], began: datetime, ended: datetime) -> dict[str, Any]:
    return {
        "task_id": task["id"],
        "claim_no": 1,
        "outcome": "failed",
        "worker": task["worker"],
        "started_at": began,
        "ended_at": ended,
        "error": error,
    }


def _delivery(task: dict[str, Any], began: datetime, ended: datetime) -> dict[str, Any]:
    return {
        "task_id": task["id"],
        "n": 1,
        "message_id": f"<{task['id']}@example.com>",
        "transport": "smtp",
        "state": "sent",
        "recipients": {"ada@example.com": "sent"},
        "opened_at": began,
        "ended_at": ended,
        "response": "250 OK",
    }


def _events(job_id: UUID, position: int, task: dict[str, Any], began: datetime) -> Iterator[dict[str, Any]]:
    if task["claim_no"]:
        data = {"job_id": job_id, "at": began, "task": task["name"], "tx": 1}
        yield {**data, "seq": position * 2 + 1, "type": "task.started", "data": {}}
        yield {**data, "seq": position * 2 + 2, "type": "task.logged", "data": {"line": "connected to the source"}}


def _workers(db: Database) -> None:
    for queue in ("mailer", "reports", "certificates", "shop"):
        for number in (1, 2):
            name = f"{queue}-{number}"
            workers.register(db, NewWorker(name, queue, queue, "0.1.0", f"web-{number}", 100 + number, 8, Catalog()))
    with db.transaction() as connection:
        for number in range(500):
            note(connection, Act("job.retry", OWNER, "local", target=str(number)))
