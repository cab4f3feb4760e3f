"""Runs Flask and Celery as most applications do: gunicorn, a prefork worker, results in Redis."""

import json
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import redis

from tests.benchmarks.throughput.options import CeleryHabits
from tests.benchmarks.throughput.stacks.contender import RABBITMQ, REDIS, WEB, WORKER, Contender, Shape
from tests.benchmarks.throughput.stacks.servers import Servers
from tests.support.running.processes import Process
from tests.support.running.stack import BIN
from tests.support.servers.ports import free_port

_APP = "tests.benchmarks.throughput.celery_app"
_RESULT = "celery-task-meta-"


class CeleryStack(Contender):
    """Starts on a virtual host of its own, and on an empty Redis."""

    name = "Celery"

    def __init__(self, servers: Servers, shape: Shape, habits: CeleryHabits) -> None:
        super().__init__()
        self._servers = servers
        self._shape = shape
        self._folder = Path(tempfile.mkdtemp(prefix="celery-", dir=servers.folder))
        self._broker_url = servers.rabbitmq.fresh_vhost()
        self._results = redis.Redis.from_url(servers.redis.url)
        self._results.flushall()
        self.port = free_port()
        self.authorization = f"Bearer {secrets.token_urlsafe(32)}"
        self._env = {
            "CELERY_BROKER_URL": self._broker_url,
            "CELERY_RESULT_BACKEND": servers.redis.url,
            "CELERY_CONFIRMS": str(int(habits.confirms)),
            "CELERY_CONNECTS": str(int(habits.connects)),
            "SMTP_PORT": str(servers.sink.port),
            "AUTHORIZATION": self.authorization,
        }

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
        self._results.close()
        self._servers.rabbitmq.drop_vhost(self._broker_url)

    def start_web(self) -> None:
        self._start(
            WEB,
            *("gunicorn", "--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread", "--keep-alive", "75"),
            *("--workers", str(self._shape.processes), "--threads", str(self._shape.web_threads), f"{_APP}.web:app"),
        )
        self.processes[WEB].wait_for_http(f"http://127.0.0.1:{self.port}/healthz", seconds=60)

    def start_mail_workers(self) -> None:
        if WORKER not in self.processes:
            self._start(
                WORKER,
                *("celery", "-A", f"{_APP}.app", "worker", "--pool", "prefork"),
                *("--concurrency", str(self._shape.processes), "--without-gossip", "--without-mingle"),
            )

    def start_task_workers(self) -> None:
        self.start_mail_workers()  # one worker does both

    def stop_workers(self) -> None:
        if worker := self.processes.pop(WORKER, None):
            worker.stop()

    def roots(self) -> Mapping[str, list[int]]:
        own = {name: [process.pid] for name, process in self.processes.items()}
        return {**own, RABBITMQ: self._servers.rabbitmq.pids, REDIS: self._servers.redis.pids}

    def ended(self) -> int:
        """Counts the keys, one a result. Those of chains and groups come after mails were counted."""
        return int(self._results.dbsize())

    def chain(self, links: int) -> Mapping[str, Any]:
        return self.posted("/chains", {"tasks": links})

    def group(self, members: int) -> Mapping[str, Any]:
        return self.posted("/groups", {"tasks": members})

    def result(self, answer: Mapping[str, Any]) -> Any:
        found = self._results.get(f"{_RESULT}{answer['id']}")
        if not isinstance(found, bytes):
            return None
        task: dict[str, Any] = json.loads(found)
        if task["status"] != "SUCCESS":
            raise RuntimeError(f"the task {answer['id']} ended as {task['status']}: {task['result']}")
        return task["result"]

    def _start(self, group: str, command: str, *arguments: str) -> None:
        log = self._folder / f"{group}.log"
        self.processes[group] = Process([BIN / command, *arguments], log=log, env=self._env)
