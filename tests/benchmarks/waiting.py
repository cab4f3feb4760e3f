"""Measures what 10,000 jobs that wait an hour ahead add to the memory of each process: `make bench-ledger`, part two.

It runs a whole stack on private servers. Jobs are run before and after, so that each process has done all its kinds of
work.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.support.running.stack import Stack
from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.waiting import until

WAITING = 10_000
AHEAD_SECONDS = 3600
A_BATCH = 1_000
WARM_UP, AFTERWARDS = 1_000, 200
BAR_MB = 1.0
WORKERS = ("shop", "mailer", "reports")
OTHERS = ("gateway", "scheduler")


def main() -> int:
    with PostgreSQL() as server, RabbitMQ() as node, tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), broker_url=node.fresh_vhost(), database_url=server.fresh_database())
        with stack:
            stack.start(*OTHERS, *WORKERS)
            before, after = measured(stack)
    print(f"\n{'resident memory':<22}{'before':>10}{f'{WAITING:,} wait':>15}{'added':>13} (bar {BAR_MB:g} MB a worker)")
    for name in before:
        print(f"{name:<22}{before[name]:>7.2f} MB{after[name]:>12.2f} MB{after[name] - before[name]:>10.2f} MB")
    holds = all(after[name] - before[name] < BAR_MB for name in WORKERS)
    print("holds" if holds else "does not hold")
    return 0 if holds else 1


def measured(stack: Stack) -> tuple[dict[str, float], dict[str, float]]:
    """Megabytes of each process without and with the jobs that wait."""
    run(stack, WARM_UP)
    before = resident(stack)
    submit(stack, WAITING, delay_seconds=AHEAD_SECONDS)
    scheduled = sum(queue["scheduled"] for queue in stack.api.get("/v1/queues")["items"])
    assert scheduled == WAITING, scheduled
    run(stack, AFTERWARDS)
    return before, resident(stack)


def run(stack: Stack, count: int) -> None:
    """So many jobs, to their ends."""
    ids = submit(stack, count)
    until(lambda: not stack.api.get("/v1/jobs", params={"state": ["queued", "running"]})["items"], 300, "their ends")
    assert stack.api.job(ids[-1])["state"] == "succeeded"


def submit(stack: Stack, count: int, **terms: int) -> list[str]:
    job = {"tasks": [{"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}], **terms}
    ids: list[str] = []
    while len(ids) < count:
        answer = stack.api.client.post("/v1/jobs/batch", json={"jobs": [job] * min(A_BATCH, count - len(ids))})
        ids += [item["id"] for item in answer.raise_for_status().json()["items"]]
    return ids


def resident(stack: Stack) -> dict[str, float]:
    """RSS, of the largest of the processes that each program has: the one that works."""
    return {name: max(megabytes([process.pid, *process.children()])) for name, process in stack.processes.items()}


def megabytes(pids: Iterable[int]) -> list[float]:
    return [_resident_kb(pid) / 1024 for pid in pids]


def _resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1])


if __name__ == "__main__":
    raise SystemExit(main())
