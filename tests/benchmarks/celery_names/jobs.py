"""Measures the CPU of a job with Celery's names beside a bare one, in the one process that does everything for both."""

import time
from statistics import median

from tests.benchmarks.throughput.proc import cpu_seconds, read_stats
from tests.support.running.embedded import EmbeddedBureau
from tests.support.waiting import until

ROUNDS, JOBS, AT_ONCE = 8, 1000, 500
INPUTS = {"bare.add": {"a": 1, "b": 2}, "celery.layer.add": {"args": [1, 2], "kwargs": {}}}


def run(bureau: EmbeddedBureau) -> float:
    """Prints the figures, and returns which part of a bare job's CPU the names add."""
    for name in INPUTS:
        milliseconds(bureau, name, AT_ONCE)  # so that everything is imported and prepared
    rounds = []
    for number in range(ROUNDS):  # they take turns at being first
        order = list(INPUTS) if number % 2 else list(reversed(INPUTS))
        rounds.append({name: milliseconds(bureau, name, JOBS) for name in order})
    bare, layer = (median(one[name] for one in rounds) for name in INPUTS)
    added = median(one["celery.layer.add"] / one["bare.add"] - 1 for one in rounds)
    print(f"CPU of a job, in all: bare {bare:.2f} ms, with Celery's names {layer:.2f} ms ({added:+.1%})")
    return added


def milliseconds(bureau: EmbeddedBureau, run: str, count: int) -> float:
    """The process's CPU for each of so many jobs, from their submission to the end of the last one."""
    before = _cpu(bureau)
    began = time.time()
    for _ in range(0, count, AT_ONCE):
        jobs = [{"tasks": [{"name": "add", "run": run, "input": INPUTS[run]}]} for _ in range(AT_ONCE)]
        bureau.api.client.post("/v1/jobs/batch", json={"jobs": jobs}).raise_for_status()
    until(lambda: not _open(bureau, run), 300, f"{count} jobs of {run} since {began}")
    return (_cpu(bureau) - before) / count * 1000


def _open(bureau: EmbeddedBureau, run: str) -> bool:
    (queue,) = [one for one in bureau.api.get("/v1/queues")["items"] if one["name"] == run.partition(".")[0]]
    return bool(queue["queued"] + queue["running"] + queue["scheduled"])


def _cpu(bureau: EmbeddedBureau) -> float:
    return cpu_seconds([bureau.process.pid], read_stats())
