"""Measures one submission at a time on an idle machine, which is what a single user waits for."""

from tests.benchmarks.throughput.figures import percentile
from tests.benchmarks.throughput.load import post
from tests.benchmarks.throughput.results import Results, Sample
from tests.benchmarks.throughput.stacks.contender import Contender

SINGLE = "one submission alone"
MEDIAN, P90 = "median, ms", "p90, ms"
TIMES = 50
PAUSE_SECONDS = 0.1  # in which the job before is done


def single(contender: Contender, results: Results) -> None:
    load = post(contender.plan("alone", TIMES, clients=1, pause_seconds=PAUSE_SECONDS))
    figures = {MEDIAN: percentile(load.seconds, 0.5) * 1000, P90: percentile(load.seconds, 0.9) * 1000}
    results.add(SINGLE, contender.name, Sample(figures))
