"""A join fires once: its last branches end at the same moment on two workers, every message comes twice, and one of the
workers dies in the middle of a finish."""

import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.faults.accounts import Books
from tests.support.faults.supervised import SERVICES, Supervised
from tests.support.graphs.branches import held_back
from tests.support.servers.postgres import PostgreSQL, drop_database
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.waiting import until

JOBS = 20  # a time: each of their branches has a thread
TIMES = 10
BRANCHES = 4
COMMAND = "dramatiq bureau.worker tests.support.graphs.branches --processes 1 --threads 44"
PUBLISHERS = ("gateway", "scheduler", "chaos", "chaos2")
WORKERS = ("chaos", "chaos2")


@pytest.fixture
def bureau(tmp_path: Path, rabbitmq: RabbitMQ, postgres: PostgreSQL) -> Iterator[Supervised]:
    database_url, broker_url = postgres.fresh_database(), rabbitmq.fresh_vhost()
    with Supervised(
        tmp_path / "bureau",
        broker_url=broker_url,
        database_url=database_url,
        commands=dict.fromkeys(WORKERS, COMMAND),
    ) as bureau:
        yield bureau
    rabbitmq.drop_vhost(broker_url)
    drop_database(postgres.url, database_url)


def a_join(barrier: str) -> dict[str, Any]:
    names = [f"b{number}" for number in range(BRANCHES)]
    half = {"barrier": barrier, "here_at_most": BRANCHES // 2}
    branches = [
        {"name": name, "run": "chaos.branch", "input": {"number": number, **half}} for number, name in enumerate(names)
    ]
    numbers = [{"$result": f"/{name}"} for name in names]
    return {"tasks": [*branches, {"name": "join", "run": "chaos.join", "after": names, "input": {"numbers": numbers}}]}


def both_workers_serve(bureau: Supervised) -> bool:
    rows = bureau.api.get("/v1/workers", params={"limit": 200})["items"]
    pids = {row["pid"] for row in rows if row["service"] == "chaos" and row["live"]}
    return sum(Path(f"/proc/{pid}").exists() for pid in pids) == len(WORKERS)


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_two_hundred_joins_fire_once(bureau: Supervised, capsys: pytest.CaptureFixture[str]) -> None:
    books = Books(bureau.database_url)
    bureau.start("chaos2")
    until(lambda: both_workers_serve(bureau), 60, "both workers serve")
    for program in PUBLISHERS:
        bureau.failpoints.arm(program, "publish", "double")
    job_ids: list[str] = []
    on_both = 0
    for number in range(TIMES):
        accepted, together = _released_together(bureau, books, f"barrier{number}", WORKERS[number % 2])
        job_ids += accepted
        on_both += together
    rows = books.rows("SELECT * FROM tasks WHERE job_id = ANY(%s::uuid[])", job_ids)
    joins = [row for row in rows if row["run"] == "chaos.join"]
    joined = Counter((bureau.folder / "joined").read_text().split())
    crashes = books.recorded(job_ids)["crashed"]
    doubled = bureau.failpoints.messages("doubled")
    with capsys.disabled():
        print(
            f"\n{len(joins)} joins of {BRANCHES} branches, {on_both} with branches on both workers; "
            f"{TIMES} workers killed in a finish, {crashes} claims lost with them; {doubled} messages doubled"
        )
    assert len(joins) == JOBS * TIMES
    assert joined == {str(row["id"]): 1 for row in joins}
    assert {(row["state"], row["claim_no"], row["result"]) for row in joins} == {("succeeded", 1, sum(range(BRANCHES)))}
    ends = books.rows(
        "SELECT count(*) AS n FROM events WHERE type = 'job.finished' AND job_id = ANY(%s::uuid[])", job_ids
    )
    assert ends == [{"n": len(joins)}]
    assert on_both == len(joins)
    assert crashes >= TIMES
    assert doubled >= len(rows)


def _released_together(bureau: Supervised, books: Books, barrier: str, victim: str) -> tuple[list[str], int]:
    """The jobs, and how many of them had branches on both workers when all were let go; one worker dies of it."""
    arrived = bureau.folder / f"{barrier}.arrived"
    with held_back(bureau.folder, barrier):
        body = {"jobs": [a_join(barrier) for _ in range(JOBS)]}
        answer = bureau.api.client.post("/v1/jobs/batch", json=body, headers={"Idempotency-Key": uuid.uuid4().hex})
        assert answer.status_code == 202, answer.text
        job_ids = [item["id"] for item in answer.json()["items"]]
        until(
            lambda: arrived.exists() and len(arrived.read_text().splitlines()) == JOBS * BRANCHES,
            90,
            lambda: f"all branches wait: {books.open_tasks(job_ids)}",
        )
        workers = books.rows(
            "SELECT job_id, count(DISTINCT worker) AS n FROM tasks WHERE run = 'chaos.branch' GROUP BY 1"
        )
        bureau.failpoints.arm(victim, "in_finish")
    until(lambda: books.unfinished(job_ids) == 0, 180, lambda: f"the end of {books.open_tasks(job_ids)}")
    assert not bureau.failpoints.armed(victim, "in_finish")
    bureau.serving(SERVICES)
    until(lambda: both_workers_serve(bureau), 60, "both workers serve")
    return job_ids, sum(row["n"] == len(WORKERS) for row in workers if str(row["job_id"]) in job_ids)
