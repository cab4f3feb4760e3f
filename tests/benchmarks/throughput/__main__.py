"""`make bench-throughput` runs this. The environment chooses the parts; README.md says what is measured and how."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.throughput import machine, options, report
from tests.benchmarks.throughput.bars import bars
from tests.benchmarks.throughput.options import BESIDE_CELERY, Options
from tests.benchmarks.throughput.parts import backlog, beside_celery, embedded, history, idle
from tests.benchmarks.throughput.results import Results
from tests.benchmarks.throughput.stacks.servers import Servers, servers

ALONE = {"backlog": backlog.run, "history": history.run, "idle": idle.run, "embedded": embedded.run}


def main(environment: Mapping[str, str]) -> int:
    try:
        asked = options.read(environment)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped too
    began, results = time.monotonic(), Results()
    folder = tempfile.TemporaryDirectory(prefix="bureau-throughput-", dir="/var/tmp")  # on a disk, not in memory
    with folder as path, servers(Path(path)) as running:
        about = machine.describe(running)
        print("\n".join(about), flush=True)
        measure(running, asked, results)
    print(f"\n{'=' * 100}\n" + "\n".join(about))
    for line in report.tables(results):
        print(line)
    found = bars(results)
    for line in report.bar_lines(found):
        print(line)
    print(f"\nIt took {(time.monotonic() - began) / 60:.0f} minutes.")
    return 0 if all(bar.holds for bar in found) else 1


def measure(running: Servers, asked: Options, results: Results) -> None:
    if set(BESIDE_CELERY) & set(asked.parts):
        beside_celery.run(running, asked, results)
    for part, run in ALONE.items():
        if part in asked.parts:
            run(running, asked, results)


if __name__ == "__main__":
    sys.exit(main(os.environ))
