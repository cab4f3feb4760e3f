"""Measures tasks that follow each other: a chain, and a group with a join, beside Celery's chain and chord.

The tasks add two numbers, so that only the handover is measured. Each link takes the result of the one before, and the
join takes all results of its group.
"""

import time
from collections.abc import Mapping
from typing import Any

from bureau.contracts.jobs.jobs import MAX_TASKS
from tests.benchmarks.throughput.meter import Meter
from tests.benchmarks.throughput.results import CPU, Results, Sample, of_groups
from tests.benchmarks.throughput.stacks.contender import Contender

LINKS = 200
MEMBERS = min(1_000, MAX_TASKS - 1)  # with the join they are one job, and a job has so many tasks at most
CHAIN, GROUP = f"chain of {LINKS}", f"group of {MEMBERS:,} with a join"
SECONDS = "seconds"
LOOK_SECONDS = 0.01
AT_MOST_SECONDS = 900.0


def warm_up(contender: Contender) -> None:
    for _ in range(3):
        _expect(_ended(contender, contender.chain(4)), 4)
        _expect(_ended(contender, contender.group(8)), sum(range(1, 9)))


def chain(contender: Contender, results: Results) -> None:
    meter, began = Meter(contender), time.monotonic()
    _expect(_ended(contender, contender.chain(LINKS)), LINKS)
    _add(CHAIN, contender, results, meter, time.monotonic() - began, LINKS)


def group(contender: Contender, results: Results) -> None:
    meter, began = Meter(contender), time.monotonic()
    _expect(_ended(contender, contender.group(MEMBERS)), sum(range(1, MEMBERS + 1)))
    _add(GROUP, contender, results, meter, time.monotonic() - began, MEMBERS + 1)


def _add(phase: str, contender: Contender, results: Results, meter: Meter, seconds: float, tasks: int) -> None:
    cpu = meter.ms_a_job(tasks)
    results.add(phase, contender.name, Sample({SECONDS: seconds, CPU: of_groups(cpu)}, cpu))


def _ended(contender: Contender, answer: Mapping[str, Any]) -> Any:
    """Returns the last result, which is looked for a hundred times a second where it is recorded."""
    began = time.monotonic()
    while (found := contender.result(answer)) is None:
        if time.monotonic() - began > AT_MOST_SECONDS:
            raise AssertionError(f"{contender.name} has not ended {answer['id']} after {AT_MOST_SECONDS:.0f} s")
        time.sleep(LOOK_SECONDS)
    return found


def _expect(found: Any, expected: int) -> None:
    if found != expected:
        raise AssertionError(f"the result is {found}, not {expected}")
