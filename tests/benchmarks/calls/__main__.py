"""Compares 1,000 slow calls as async tasks with the calls alone, and 400 with Celery; cancels 10,000 that sleep."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.certificates.calls import Api, Round, of_celery, peak_megabytes
from tests.support.running.processes import ROOT, Process
from tests.support.running.stack import BIN, Stack
from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.waiting import until

ROUNDS = 2
BAR_RATIO, BAR_AT_ONCE, BAR_MB, BAR_KB, BAR_CANCEL_SECONDS = 1.5, 0.95, 250, 20.0, 5.0
SLEEPERS, IN_A_JOB = 10_000, 1000  # a job holds 1,000 tasks at most


class Worker:
    """A worker process of one service, with all it takes at once."""

    def __init__(self, stack: Stack, name: str, *command: str) -> None:
        base: list[str | Path] = [BIN / "dramatiq", *command, "--processes", "1", "--threads", "8", "--skip-logging"]
        self.process = Process(base, log=stack.folder / f"{name}.log", env={**stack.env, "CONCURRENCY": str(SLEEPERS)})
        stack.processes[name] = self.process
        until(lambda: name in [one["queue"] for one in stack.api.get("/v1/workers")["items"]], 120, "the worker")

    def megabytes(self) -> float:
        return peak_megabytes(self.process.pid)


def main() -> int:
    held = True
    with PostgreSQL() as server, RabbitMQ() as node, tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        folder = Path(name)
        api = Api(folder)
        with api.process:
            settings = {"CERTIFICATES_API": api.url, "BENCH_API": api.url, "RATE_LIMIT_PER_MINUTE": "0"}
            stack = Stack(
                folder / "stack",
                broker_url=node.fresh_vhost(),
                database_url=server.fresh_database(),
                env={**settings, "LOG_LEVEL": "WARNING", "PYTHONPATH": str(ROOT)},
            )
            print(f"load {os.getloadavg()[0]:.0f}; each call takes a second", flush=True)
            print(f"{'':<28}{'all ended':>10}{'API saw':>12}{'memory':>13}", flush=True)
            with stack:
                stack.start("gateway", "scheduler")
                own = Worker(stack, "calls", "bureau.worker", "tests.benchmarks.calls.tasks")
                certificates = Worker(stack, "certificates", "bureau.services.certificates.worker")
                for calls in (400, 1000):
                    alone = min(of_calls_alone(folder, api, calls))
                    for title, round_of, worker in (
                        ("own tasks", own_round, own),
                        ("certificates", certificates_round, certificates),
                    ):
                        measure = partial(round_of, stack, api, worker, calls)
                        held &= compared(f"{calls:,} {title}", calls, alone, measure)
                held &= sleepers(stack, own)
            for pool in ("gevent", "threads"):
                of_celery(pool, node.fresh_vhost(), folder, api)
    print("holds" if held else "does not hold")
    return 0 if held else 1


def of_calls_alone(folder: Path, api: Api, calls: int) -> list[float]:
    kept = folder / f"alone-{calls}"
    kept.mkdir()
    command = [sys.executable, "-m", "tests.benchmarks.calls.alone", str(kept), str(calls), str(ROUNDS)]
    environment = {**os.environ, "BENCH_API": api.url}
    api.reset()
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment)
    rounds = [float(line) for line in said.stdout.split()]
    for seconds in rounds:
        print(f"{f'{calls:,} calls alone':<28}{seconds:>8.2f} s{api.seen()['most']:>12}", flush=True)
    return rounds


def compared(title: str, calls: int, alone: float, measure: Callable[[], Round]) -> bool:
    """Prints the rounds; returns whether the best one holds the bars."""
    rounds = [measure() for _ in range(ROUNDS)]
    for one in rounds:
        print(f"{title:<28}{one}", flush=True)
    best = min(rounds, key=lambda one: one.seconds)
    ratio = best.seconds / alone
    holds = ratio <= BAR_RATIO and best.at_once >= BAR_AT_ONCE * calls and best.megabytes < BAR_MB
    verdict = "holds" if holds else "does not hold"
    print(f"{'':<28}{ratio:.2f} of the calls alone (bar {BAR_RATIO}): {verdict}", flush=True)
    return holds


def own_round(stack: Stack, api: Api, worker: Worker, calls: int) -> Round:
    tasks = [{"name": f"t{number}", "run": "calls.post", "input": {}} for number in range(calls)]
    return timed_round(stack, api, worker, "calls", calls, lambda: stack.api.submit("/v1/jobs", json={"tasks": tasks}))


def certificates_round(stack: Stack, api: Api, worker: Worker, calls: int) -> Round:
    def upload(_number: int) -> None:
        stack.api.submit("/v1/certificates", files=[("files", ("roster.csv", b"recipient\nAda\n", "text/csv"))])

    def submit() -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(upload, range(calls)))

    return timed_round(stack, api, worker, "certificates", calls, submit)


def timed_round(stack: Stack, api: Api, worker: Worker, queue: str, calls: int, submit: Callable[[], object]) -> Round:
    """The tasks are submitted while the queue is paused, and the time runs from when it goes on."""
    api.reset()
    act(stack, queue, "pause")
    submit()
    began = time.monotonic()
    act(stack, queue, "resume")
    until(lambda: api.seen()["answered"] >= calls, 300, lambda: str(api.seen()))
    until(lambda: not open_jobs(stack), 300, "all have ended")
    return Round(time.monotonic() - began, api.seen()["most"], worker.megabytes())


def sleepers(stack: Stack, worker: Worker) -> bool:
    """Returns whether 10,000 coroutines that sleep take little memory and are cancelled soon."""
    before = worker.megabytes()
    tasks = [{"name": f"t{number}", "run": "calls.sleep", "input": {"seconds": 600}} for number in range(IN_A_JOB)]
    jobs = [stack.api.submit("/v1/jobs", json={"tasks": tasks})["id"] for _ in range(SLEEPERS // IN_A_JOB)]
    until(lambda: busy(stack, "calls") == SLEEPERS, 600, lambda: f"all run: {busy(stack, 'calls')}")
    kilobytes = (worker.megabytes() - before) * 1000 / SLEEPERS
    began = time.monotonic()
    for job in jobs:
        stack.api.client.post(f"/v1/jobs/{job}/cancel").raise_for_status()
    until(lambda: not open_jobs(stack), 300, "all are cancelled")
    seconds = time.monotonic() - began
    holds = kilobytes < BAR_KB and seconds <= BAR_CANCEL_SECONDS
    bars = f"(bars {BAR_KB:g} kB and {BAR_CANCEL_SECONDS:g} s)"
    print(f"{SLEEPERS:,} that sleep: {kilobytes:.1f} kB each, cancelled in {seconds:.1f} s {bars}", flush=True)
    return holds


def act(stack: Stack, queue: str, verb: str) -> None:
    stack.api.client.post(f"/v1/queues/{queue}/{verb}").raise_for_status()


def open_jobs(stack: Stack) -> list[Any]:
    open_ones = {"state": ["queued", "running", "scheduled"], "limit": 1}
    found: list[Any] = stack.api.get("/v1/jobs", params=open_ones)["items"]
    return found


def busy(stack: Stack, queue: str) -> int:
    return sum(one["busy"] for one in stack.api.get("/v1/workers")["items"] if one["queue"] == queue)


if __name__ == "__main__":
    sys.exit(main())
