"""Measures all services in one process: time until ready, memory, and the speed of 500 mails into the outbox."""

import shutil
import tempfile
import time
from pathlib import Path

from tests.benchmarks.throughput.load import post
from tests.benchmarks.throughput.options import Options
from tests.benchmarks.throughput.proc import cpu_seconds, read_memory, read_stats
from tests.benchmarks.throughput.programs.load import Plan
from tests.benchmarks.throughput.results import BUREAU, CPU, Results, Sample
from tests.benchmarks.throughput.stacks.servers import Servers
from tests.support.running.embedded import EmbeddedBureau
from tests.support.waiting import until

PHASE = "embedded"
READY, RESIDENT, SECONDS = "ready after, s", "resident when ready, MB", "500 mails to the outbox, s"
BAR_READY_SECONDS, BAR_MB = 1.5, 120.0
MAILS, WARM_UP = 500, 20


def run(servers: Servers, options: Options, results: Results) -> None:
    for number in range(1, options.rounds + 1):
        print(f"Round {number} of {options.rounds}, all in one process", flush=True)
        folder = Path(tempfile.mkdtemp(prefix="embedded-", dir=servers.folder))
        with EmbeddedBureau(folder, env={"RATE_LIMIT_PER_MINUTE": "0"}) as bureau:
            results.add(PHASE, BUREAU, _sample(bureau, options.clients))
        shutil.rmtree(folder)


def _sample(bureau: EmbeddedBureau, clients: int) -> Sample:
    began = time.monotonic()
    bureau.start()
    ready = time.monotonic() - began
    pids = [bureau.process.pid]
    resident = read_memory({PHASE: pids})[PHASE].rss
    _posted(bureau, WARM_UP, WARM_UP, clients)
    used = cpu_seconds(pids, read_stats())
    seconds = _posted(bureau, MAILS, WARM_UP + MAILS, clients)
    cpu = (cpu_seconds(pids, read_stats()) - used) * 1000 / MAILS
    return Sample({READY: ready, RESIDENT: resident, SECONDS: seconds, CPU: cpu})


def _posted(bureau: EmbeddedBureau, count: int, files: int, clients: int) -> float:
    """Returns the seconds from the first request until the outbox holds so many files."""
    load = post(Plan(bureau.port, "none", "embedded", count, clients))
    until(lambda: len(list(bureau.outbox.glob("*.eml"))) >= files, 300, f"{files} mails in the outbox")
    newest = max(file.stat().st_mtime for file in bureau.outbox.glob("*.eml"))
    return newest - (load.began + time.time() - time.monotonic())
