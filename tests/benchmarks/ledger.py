"""Measures what the ledger's operations cost with many jobs in it, against their cost with few: `make bench-ledger`.

The jobs are of three kinds, a third each: succeeded, failed, waiting an hour ahead. PostgreSQL is private, with fsync.
"""

import statistics
import time
from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import func, insert, select, text

from bureau.contracts.ids import new_id
from bureau.contracts.jobs.states import JobState, TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import jobs, tasks
from bureau.ledger.dispatch import hints
from bureau.ledger.jobs.claim import Claim, claim
from bureau.ledger.jobs.finish import finish
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.jobs.submit import NewJob, NewTask, submit
from bureau.observability import logs
from bureau.settings import LogSettings
from tests.benchmarks.client import listing_client
from tests.support.servers.postgres import PostgreSQL

FEW, MANY = 1_000, 100_000
ROUNDS = 300
BAR = 1.5
QUEUE = "shop"
PAGE = 10_000


def main() -> int:
    logs.configure(LogSettings(log_level="WARNING"))
    with PostgreSQL() as server:
        few, many = (measured(server.fresh_database(), size) for size in (FEW, MANY))
    print(f"\n{'median of ' + str(ROUNDS):<22}{FEW:>10,} jobs{MANY:>10,} jobs    ratio (bar {BAR})")
    worst = 0.0
    for act in few:
        ratio = many[act] / few[act]
        worst = max(worst, ratio)
        print(f"{act:<22}{few[act] * 1000:>12.2f} ms{many[act] * 1000:>12.2f} ms    {ratio:.2f}")
    print("holds" if worst <= BAR else "does not hold")
    return 0 if worst <= BAR else 1


def measured(url: str, size: int) -> dict[str, float]:
    """Median seconds of each act in a ledger of `size` jobs."""
    db = Database(url.replace("postgresql://", "postgresql+psycopg://"))
    migrate(db)
    fill(db, size)
    print(f"{size:,} jobs are in the ledger", flush=True)
    client = listing_client(db)
    seconds: dict[str, list[float]] = {}
    for number in range(ROUNDS):
        round_of_acts(db, client, number, seconds)
    db.close()
    return {act: statistics.median(found) for act, found in seconds.items()}


def round_of_acts(db: Database, client: FlaskClient, number: int, seconds: dict[str, list[float]]) -> None:
    job = NewJob(
        new_id(), "local", "job", f"measured {number}", (NewTask("add", "shop.suma", QUEUE, {"a": 2, "b": 2}),)
    )

    def timed(act: str, do: Callable[[], object]) -> object:
        begun = time.perf_counter()
        result = do()
        seconds.setdefault(act, []).append(time.perf_counter() - begun)
        return result

    timed("submit", lambda: submit(db, [job]))
    batch = timed("relay", lambda: hints.reserve_due(db, QUEUE, 16))
    assert isinstance(batch, hints.HintBatch)
    claimed = timed("claim", lambda: claim(db, batch.hints[0].task_id, queue=QUEUE, worker="w"))
    assert isinstance(claimed, Claim)
    timed("finish", lambda: finish(db, claimed, Succeeded(4)))
    timed("GET /v1/jobs", lambda: client.get("/v1/jobs").get_json())


def fill(db: Database, size: int) -> None:
    """Jobs as they would have been left, written in pages."""
    states = [
        (JobState.SUCCEEDED, TaskState.SUCCEEDED),
        (JobState.FAILED, TaskState.FAILED),
        (JobState.OPEN, TaskState.READY),
    ]
    for first in range(0, size, PAGE):
        numbers = range(first, min(first + PAGE, size))
        rows = [(new_id(), *states[number % 3]) for number in numbers]
        with db.transaction() as connection:
            connection.execute(
                insert(jobs).values(created_at=later(-3600)),
                [_job(job_id, job_state) for job_id, job_state, _ in rows],
            )
            connection.execute(
                insert(tasks).values(due_at=later(3600)), [_task(job_id, task_state) for job_id, _, task_state in rows]
            )
    with db.transaction() as connection:
        connection.execute(text("ANALYZE"))
        assert connection.execute(select(func.count()).select_from(jobs)).scalar_one() == size


def _job(job_id: object, state: JobState) -> dict[str, object]:
    open_tasks = int(state is JobState.OPEN)
    return {
        "id": job_id,
        "owner": "local",
        "kind": "job",
        "title": "filler",
        "tags": [],
        "state": state,
        "priority": 5,
        "total_tasks": 1,
        "open_tasks": open_tasks,
    }


def _task(job_id: object, state: TaskState) -> dict[str, object]:
    return {
        "id": new_id(),
        "job_id": job_id,
        "position": 0,
        "name": "add",
        "run": "shop.suma",
        "queue": QUEUE,
        "state": state,
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
    }


if __name__ == "__main__":
    raise SystemExit(main())
