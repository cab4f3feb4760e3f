"""Runs 400 jobs whose API takes a second each, on 200 threads of one process: Bureau, then Celery on the same broker.

Before them it measures the calls alone, by threads that do nothing else, to show what the machine needs for them
whoever makes them.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.running.processes import ROOT, Process
from tests.support.running.stack import BIN, Stack
from tests.support.servers.ports import free_port
from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.waiting import until

JOBS, THREADS = 400, 200
IDEAL_SECONDS, BAR_SECONDS = 2.0, 2.6
BAR_AT_ONCE, BAR_MB = 180, 250
ROUNDS = 2
CELERY_SECONDS = 90.0


@dataclass(frozen=True)
class Round:
    """Holds a round's figures: `seconds` from the start until all jobs ended, what the API saw, and the peak memory."""

    seconds: float
    at_once: int
    megabytes: float

    def __str__(self) -> str:
        return f"{self.seconds:>8.2f} s{self.at_once:>12}{self.megabytes:>10.0f} MB"


class Api:
    """Runs the slow API in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "tests.benchmarks.certificates.slow_api", self.url.rpartition(":")[2]]
        self.process = Process(command, log=folder / "api.log")
        self.process.wait_for_http(f"{self.url}/seen", seconds=30)
        self._client = httpx.Client(base_url=self.url)  # one: each new one costs 30 ms of what is measured

    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = self._client.get("/seen").json()
        return found

    def reset(self) -> None:
        self._client.get("/reset")


def main() -> int:
    with PostgreSQL() as server, RabbitMQ() as node, tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        api = Api(folder)
        with api.process:
            stack = Stack(
                folder / "stack",
                broker_url=node.fresh_vhost(),
                database_url=server.fresh_database(),
                env={"CERTIFICATES_API": api.url, "RATE_LIMIT_PER_MINUTE": "0", "LOG_LEVEL": "WARNING"},
            )
            print(f"{JOBS} jobs, {THREADS} at once, each a second: ideal {IDEAL_SECONDS} s")
            print(f"{'':<20}{'all ended':>10}{'API saw':>12}{'memory':>13}", flush=True)
            bare = of_bare_threads(folder, api)
            with stack:
                best = of_bureau(stack, api)
            for pool in ("gevent", "threads"):
                of_celery(pool, node.fresh_vhost(), folder, api)
    holds = best.seconds <= BAR_SECONDS and best.at_once >= BAR_AT_ONCE and best.megabytes < BAR_MB
    print(f"Bureau takes {best.seconds / bare:.2f} times as long as the calls alone")
    print(f"bars: {BAR_SECONDS} s, {BAR_AT_ONCE} at once, {BAR_MB} MB: {'holds' if holds else 'does not hold'}")
    return 0 if holds else 1


def of_bare_threads(folder: Path, api: Api) -> float:
    """The best of the rounds, in seconds."""
    kept = folder / "bare"
    kept.mkdir()
    module = "tests.benchmarks.certificates.bare"
    command = [sys.executable, "-m", module, api.url, str(kept), *map(str, (JOBS, THREADS, ROUNDS))]
    api.reset()
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    rounds = [float(line) for line in said.stdout.split()]
    for number, seconds in enumerate(rounds, start=1):
        print(f"{f'The calls alone, {number}':<20}{seconds:>8.2f} s{api.seen()['most']:>12}", flush=True)
    return min(rounds)


def of_bureau(stack: Stack, api: Api) -> Round:
    stack.start("gateway", "scheduler")
    command: list[str | Path] = [
        BIN / "dramatiq",
        "bureau.services.certificates.worker",
        "--processes",
        "1",
        "--threads",
        str(THREADS),
    ]
    worker = Process([*command, "--skip-logging"], log=stack.folder / "worker.log", env=stack.env)
    stack.processes["certificates"] = worker
    until(lambda: stack.api.get("/v1/workers")["items"], 60, "the worker announced itself")
    rounds = [bureau_round(stack, api, worker) for _ in range(ROUNDS)]
    for number, one in enumerate(rounds, start=1):
        print(f"{'Bureau, round ' + str(number):<20}{one}", flush=True)
    return min(rounds, key=lambda one: one.seconds)


def bureau_round(stack: Stack, api: Api, worker: Process) -> Round:
    """The jobs are submitted while the queue is paused, and the time runs from when it goes on."""
    api.reset()
    stack.api.client.post("/v1/queues/certificates/pause").raise_for_status()
    for _ in range(JOBS):
        stack.api.submit("/v1/certificates", files=[("files", ("roster.csv", b"recipient\nAda\n", "text/csv"))])
    started = time.monotonic()
    stack.api.client.post("/v1/queues/certificates/resume").raise_for_status()
    until(lambda: api.seen()["answered"] >= JOBS, 120, lambda: str(api.seen()))
    states = {"state": ["queued", "running", "scheduled"], "limit": 1}
    until(lambda: not stack.api.get("/v1/jobs", params=states)["items"], 120, "all have ended")
    return Round(time.monotonic() - started, api.seen()["most"], peak_megabytes(worker.pid))


def of_celery(pool: str, broker_url: str, folder: Path, api: Api) -> None:
    kept = folder / f"celery-{pool}"
    kept.mkdir()
    env = {
        "BENCH_BROKER_URL": broker_url,
        "BENCH_API": api.url,
        "BENCH_FOLDER": str(kept),
        "PYTHONPATH": str(ROOT),
    }
    module = "tests.benchmarks.certificates.celery_tasks"
    command: list[str | Path] = [
        BIN / "celery",
        "-A",
        module,
        "worker",
        "-P",
        pool,
        "-c",
        str(THREADS),
        "-l",
        "WARNING",
    ]
    with Process([*command, "--without-gossip", "--without-mingle"], log=folder / f"{pool}.log", env=env) as worker:
        publish = [sys.executable, "-m", "tests.benchmarks.certificates.publish"]
        for number in range(ROUNDS + 1):
            api.reset()
            jobs = 1 if number == 0 else JOBS  # the first one waits until the worker is there
            with publishing([*publish, str(jobs)], folder, env) as started:
                try:
                    until(lambda: len(list(kept.iterdir())) >= jobs, CELERY_SECONDS, "all are done")  # noqa: B023
                    took = str(Round(time.monotonic() - started, api.seen()["most"], peak_megabytes(worker.pid)))
                except AssertionError:
                    took = f"  not all done after {CELERY_SECONDS:.0f} s"
            for file in kept.iterdir():
                file.unlink()
            if number:
                print(f"{f'Celery {pool}, {number}':<20}{took}", flush=True)


@contextmanager
def publishing(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[float]:
    """The time at which the first message goes out: the publisher has started and waits for a file to begin."""
    begin = folder / "begin"
    begin.unlink(missing_ok=True)
    with Process([*command, str(begin)], log=folder / "publish.log", env=env) as publisher:
        publisher.wait_for_line("ready", seconds=30)
        publisher.log.unlink()
        begin.touch()
        yield time.monotonic()


def peak_megabytes(pid: int) -> float:
    """The most of any process of the tree: a command's own, or the child that does the work."""
    tree = [pid, *children(pid)]
    return max(float(status(one)["VmHWM"].split()[0]) / 1024 for one in tree)


def children(pid: int) -> list[int]:
    found = [
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdecimal() and status(int(path.name)).get("PPid") == str(pid)
    ]
    return [*found, *(below for child in found for below in children(child))]


def status(pid: int) -> dict[str, str]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}  # it has ended
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


if __name__ == "__main__":
    sys.exit(main())
