"""Measures what the processes use while idle, as they are shipped, one process each."""

import time
from collections.abc import Callable

from tests.benchmarks.throughput.meter import Meter
from tests.benchmarks.throughput.options import Options
from tests.benchmarks.throughput.results import Results, Sample
from tests.benchmarks.throughput.stacks.bureau_stack import BureauStack
from tests.benchmarks.throughput.stacks.celery_stack import CeleryStack
from tests.benchmarks.throughput.stacks.contender import GROUPS, SCHEDULER, WEB, WORKER, Contender, Shape
from tests.benchmarks.throughput.stacks.servers import Servers

PHASE = "idle"
PERCENT = "% of a core, own processes"
BAR_PERCENT = 1.0
SETTLE_SECONDS, SECONDS = 15.0, 30.0
SHIPPED = Shape(processes=1, web_threads=32)


def run(servers: Servers, options: Options, results: Results) -> None:
    stacks: tuple[Callable[[], Contender], ...] = (
        lambda: BureauStack(servers, SHIPPED),
        lambda: CeleryStack(servers, SHIPPED, options.celery),
    )
    for number in range(1, options.rounds + 1):
        for made in stacks:
            with made() as contender:
                print(f"Round {number} of {options.rounds}, {contender.name} has nothing to do", flush=True)
                contender.start_web()
                contender.start_mail_workers()
                time.sleep(SETTLE_SECONDS)
                results.add(PHASE, contender.name, _sample(contender))


def _sample(contender: Contender) -> Sample:
    meter, began = Meter(contender), time.monotonic()
    time.sleep(SECONDS)
    used, seconds = meter.seconds(), time.monotonic() - began
    percent = {group: 100 * used.get(group, 0.0) / seconds for group in GROUPS}
    own = percent[WEB] + percent[WORKER] + percent[SCHEDULER]
    return Sample({PERCENT: own, **{f"% of a core, {group}": share for group, share in percent.items()}})
