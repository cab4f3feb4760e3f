"""Runs Bureau as its documents start it: gunicorn with the shipped configuration, scheduler, workers."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, LiteralString

from psycopg.sql import SQL

from tests.benchmarks.throughput.stacks.contender import (
    POSTGRESQL,
    RABBITMQ,
    SCHEDULER,
    WEB,
    WORKER,
    Contender,
    Shape,
)
from tests.benchmarks.throughput.stacks.servers import Servers
from tests.support.running.processes import ROOT
from tests.support.running.stack import Stack
from tests.support.servers.postgres import connect, drop_database
from tests.support.waiting import until

TASK_WORKERS = "bench"
MAIL_WORKERS = "mailer"
OWNER = "local"


class SeveralProcesses(Stack):
    """Extends the tests' stack with workers of several processes."""

    processes_of_workers = 1

    def worker_processes(self, _name: str) -> int:
        return self.processes_of_workers


class BureauStack(Contender):
    """Starts on a database and a virtual host of its own. A key identifies the client; its rate and quota count."""

    name = "Bureau"

    def __init__(self, servers: Servers, shape: Shape, env: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._servers = servers
        self._folder = Path(tempfile.mkdtemp(prefix="bureau-", dir=servers.folder))
        self._broker_url = servers.rabbitmq.fresh_vhost()
        self.database_url = servers.postgres.fresh_database()
        self.authorization = f"Bearer {_made_key(self.database_url)}"
        self._stack = SeveralProcesses(
            self._folder / "stack",
            broker_url=self._broker_url,
            database_url=self.database_url,
            env={
                "RATE_LIMIT_PER_MINUTE": "1000000",  # counted all the same, and never reached
                "MAIL_URL": f"smtp://127.0.0.1:{servers.sink.port}",
                "WEB_CONCURRENCY": str(shape.processes),
                "WEB_THREADS": str(shape.web_threads),
                "LOG_FORMAT": "json",
                **(env or {}),
            },
        )
        self._stack.processes_of_workers = shape.processes
        self._stack.api.client.headers["Authorization"] = self.authorization
        self.port = self._stack.port
        self.processes = self._stack.processes
        self._ledger = connect(self.database_url)

    def close(self) -> None:
        self._ledger.close()
        self._stack.__exit__()
        self._servers.rabbitmq.drop_vhost(self._broker_url)
        drop_database(self._servers.postgres.url, self.database_url)
        with connect(self._servers.postgres.url) as connection:
            connection.execute("CHECKPOINT")  # what is left to write must not slow the next stack

    def start_web(self) -> None:
        self._stack.start("gateway", "scheduler")

    def start_gateway(self) -> None:
        """Starts the gateway alone, so that no scheduler looks after old jobs."""
        self._stack.start("gateway")

    def start_mail_workers(self) -> None:
        self._stack.start(MAIL_WORKERS)

    def start_task_workers(self) -> None:
        self.stop_workers()
        self._stack.start(TASK_WORKERS)

    def stop_workers(self) -> None:
        for name in (MAIL_WORKERS, TASK_WORKERS):
            if name in self.processes:
                self._stack.stop(name)
                del self.processes[name]

    def stop(self) -> None:
        """Stops all its processes; the ledger stays, and each may be started again."""
        self._stack.stop(*self.processes)
        self.processes.clear()

    def pause_mail(self) -> None:
        """Returns when no mail is under way any more."""
        self._stack.api.client.post(f"/v1/queues/{MAIL_WORKERS}/pause").raise_for_status()
        until(lambda: not self._count("tasks WHERE state = 'running'"), 60, "the end of the mails under way")

    def resume_mail(self) -> None:
        self._stack.api.client.post(f"/v1/queues/{MAIL_WORKERS}/resume").raise_for_status()

    def open_jobs(self) -> int:
        return self._count("jobs WHERE state = 'open'")

    def settle(self) -> None:
        """Does now what autovacuum and checkpoints do within minutes of much writing."""
        self._ledger.execute("VACUUM ANALYZE")
        self._ledger.execute("CHECKPOINT")

    def roots(self) -> Mapping[str, list[int]]:
        roles = {"gateway": WEB, "scheduler": SCHEDULER, MAIL_WORKERS: WORKER, TASK_WORKERS: WORKER}
        own = {roles[name]: [process.pid] for name, process in self.processes.items()}
        return {**own, POSTGRESQL: self._servers.postgres.pids, RABBITMQ: self._servers.rabbitmq.pids}

    def ended(self) -> int:
        return self._count("jobs WHERE state = 'succeeded' AND kind = 'email'")

    def chain(self, links: int) -> Mapping[str, Any]:
        return self.posted("/v1/jobs", {"tasks": [_link(number) for number in range(links)]})

    def group(self, members: int) -> Mapping[str, Any]:
        names = [f"add-{number}" for number in range(members)]
        tasks = [
            {"name": name, "run": "bench.add", "input": {"a": number, "b": 1}} for number, name in enumerate(names)
        ]
        numbers = [{"$result": f"/{name}"} for name in names]
        join = {"name": "total", "run": "bench.total", "input": {"numbers": numbers}, "after": names}
        return self.posted("/v1/jobs", {"tasks": [*tasks, join]})

    def result(self, answer: Mapping[str, Any]) -> Any:
        last = (
            "SELECT jobs.state, tasks.result FROM jobs JOIN tasks ON tasks.job_id = jobs.id"
            " WHERE jobs.id = %s AND tasks.position = jobs.total_tasks - 1"
        )
        row = self._ledger.execute(last, (answer["id"],)).fetchone()
        if row is None or row[0] == "open":
            return None
        if row[0] != "succeeded":
            raise RuntimeError(f"the job {answer['id']} ended as {row[0]}")
        return row[1]

    def _count(self, what: LiteralString) -> int:
        found = self._ledger.execute(SQL("SELECT count(*) FROM {}").format(SQL(what))).fetchone()
        return int((found or (0,))[0])


def _made_key(database_url: str) -> str:
    """Returns a key of the ledger, made as an operator makes it; the schema is made on the way."""
    command = [sys.executable, "-m", "bureau.services.gateway.keys", "make", "--owner", OWNER, "--role", "operate"]
    environment = {**os.environ, "DATABASE_URL": database_url}
    made = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment)
    return made.stdout.strip()


def _link(number: int) -> dict[str, Any]:
    """Returns a task that adds 1 to the result of the link before."""
    task = {"name": f"add-{number}", "run": "bench.add", "input": {"a": 0, "b": 1}}
    if number:
        before = f"add-{number - 1}"
        task |= {"input": {"a": {"$result": f"/{before}"}, "b": 1}, "after": [before]}
    return task
