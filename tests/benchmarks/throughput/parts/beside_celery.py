"""Runs the rounds in turn: Bureau, Celery, Bureau, … each alone, from fresh state, stopped before the other."""

from collections.abc import Callable

from tests.benchmarks.throughput.load import post
from tests.benchmarks.throughput.options import Options
from tests.benchmarks.throughput.parts import canvas, mail, single
from tests.benchmarks.throughput.results import Results
from tests.benchmarks.throughput.stacks.bureau_stack import BureauStack
from tests.benchmarks.throughput.stacks.celery_stack import CeleryStack
from tests.benchmarks.throughput.stacks.contender import Contender, Shape
from tests.benchmarks.throughput.stacks.servers import Servers

WARM_UP_JOBS = 100


def run(servers: Servers, options: Options, results: Results) -> None:
    shape = Shape()
    stacks: tuple[Callable[[], Contender], ...] = (
        lambda: BureauStack(servers, shape),
        lambda: CeleryStack(servers, shape, options.celery),
    )
    for number in range(1, options.rounds + 1):
        for made in stacks:
            with made() as contender:
                print(f"Round {number} of {options.rounds}, {contender.name}", flush=True)
                _round(contender, servers, options, results)


def _round(contender: Contender, servers: Servers, options: Options, results: Results) -> None:
    """Measures one stack once. Unmeasured jobs warm up the web server, and the workers later."""
    sink = servers.sink
    sink.reset()
    contender.start_web()
    post(contender.plan("warm-up", WARM_UP_JOBS, options.clients))
    if "mail" in options.parts:
        mail.accepting(contender, options, results)
        before = WARM_UP_JOBS + options.jobs
        mail.draining(contender, sink, before, results)
        mail.end_to_end(contender, sink, before, options, results)
    else:
        contender.start_mail_workers()
        sink.wait_for(WARM_UP_JOBS)
    if "single" in options.parts:
        single.single(contender, results)
    if {"chain", "group"} & set(options.parts):
        contender.start_task_workers()
        canvas.warm_up(contender)
    if "chain" in options.parts:
        canvas.chain(contender, results)
    if "group" in options.parts:
        canvas.group(contender, results)
