"""Defines the bars that Bureau has to reach, each a median of ratios or a figure of this run."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.throughput.parts import backlog, canvas, embedded, history, idle, mail, single
from tests.benchmarks.throughput.results import BUREAU, CELERY, CPU, Results

FASTER = 2.5
CPU_BAR_MS, HALF_MS, CELERY_MS = 5.0, 2.5, 13.0  # where Celery's job takes so much; elsewhere in proportion
CHAIN, GROUP, SINGLE, LATENCY, FILLED = 1.5, 1.0, 2.0, 1.0, 0.9


@dataclass(frozen=True)
class Bar:
    """Holds a value that has to be at least, or at most, `limit`."""

    what: str
    value: float
    limit: float
    at_most: bool

    @property
    def holds(self) -> bool:
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def __str__(self) -> str:
        rule = "at most" if self.at_most else "at least"
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        return f"{self.what:<66}{self.value:>8.2f}   {rule} {self.limit:<8.2f}{verdict}"


def bars(results: Results) -> list[Bar]:
    """Returns the bars of what was measured."""
    return [*_beside_celery(results), *_cpu(results), *_alone(results)]


def _beside_celery(results: Results) -> Iterator[Bar]:
    for what, phase, figure, limit, at_most in (
        ("e-mail end to end, jobs/s against Celery", mail.END_TO_END, mail.RATE, FASTER, False),
        ("e-mail end to end, p99 of acceptance against Celery", mail.END_TO_END, mail.P99, LATENCY, True),
        ("one submission alone, time against Celery", single.SINGLE, single.MEDIAN, SINGLE, True),
        ("chain, time against Celery", canvas.CHAIN, canvas.SECONDS, CHAIN, True),
        ("group with a join, time against Celery's chord", canvas.GROUP, canvas.SECONDS, GROUP, True),
    ):
        if (ratio := results.ratio(phase, figure)) is not None:
            yield Bar(what, ratio, limit, at_most)


def _cpu(results: Results) -> Iterator[Bar]:
    """Scales the bars to this machine: Celery's job takes 13 ms on the one they were written for."""
    theirs = results.values(mail.END_TO_END, CELERY, CPU)
    if not theirs:
        return
    scale = statistics.median(theirs) / CELERY_MS
    for phase, limit in ((mail.END_TO_END, CPU_BAR_MS), (mail.ACCEPT, HALF_MS), (mail.DRAIN, HALF_MS)):
        ours = statistics.median(results.values(phase, BUREAU, CPU))
        yield Bar(f"CPU of a job in all processes, {phase}, ms", ours, limit * scale, at_most=True)


def _alone(results: Results) -> Iterator[Bar]:
    for what, phase, variants in (
        ("drain, 100,000 waiting against 1,000", backlog.PHASE, (backlog.MANY, backlog.FEW)),
        ("acceptance, 1,000,000 ended jobs against none", history.PHASE, (history.MANY, history.NONE)),
    ):
        if (ratio := results.ratio(phase, mail.RATE, *variants)) is not None:
            yield Bar(what, ratio, FILLED, at_most=False)
    for what, phase, figure, limit in (
        ("idle gateway, scheduler and worker, % of a core", idle.PHASE, idle.PERCENT, idle.BAR_PERCENT),
        ("embedded: ready after, s", embedded.PHASE, embedded.READY, embedded.BAR_READY_SECONDS),
        ("embedded: resident memory when ready, MB", embedded.PHASE, embedded.RESIDENT, embedded.BAR_MB),
    ):
        if found := results.values(phase, BUREAU, figure):
            yield Bar(what, statistics.median(found), limit, at_most=True)
