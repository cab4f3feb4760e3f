"""Measures e-mail jobs from HTTP to the SMTP sink: acceptance alone, processing alone, and both at once."""

import time

from tests.benchmarks.throughput.figures import percentile
from tests.benchmarks.throughput.load import Load, post
from tests.benchmarks.throughput.mail_sink import MailSink
from tests.benchmarks.throughput.meter import Meter
from tests.benchmarks.throughput.options import Options
from tests.benchmarks.throughput.proc import read_memory
from tests.benchmarks.throughput.results import CPU, Results, Sample, of_groups
from tests.benchmarks.throughput.stacks.contender import Contender

ACCEPT, DRAIN, END_TO_END = "e-mails, accepting alone", "e-mails, working alone", "e-mails, end to end"
RATE, P50, P99 = "jobs/s", "acceptance p50, ms", "acceptance p99, ms"
RECORDED_SECONDS = 60.0


def accepting(contender: Contender, options: Options, results: Results) -> None:
    """Measures acceptance while no worker runs: what comes is stored, and waits."""
    meter = Meter(contender)
    load = post(contender.plan("waiting", options.jobs, options.clients))
    cpu = meter.ms_a_job(options.jobs)
    rate = options.jobs / (load.ended - load.began)
    results.add(ACCEPT, contender.name, Sample({RATE: rate, **waits(load), CPU: of_groups(cpu)}, cpu))


def draining(contender: Contender, sink: MailSink, waiting: int, results: Results) -> None:
    """Measures workers that meet `waiting` jobs. A twentieth of these warms them up and is not measured."""
    contender.start_mail_workers()
    first = sink.wait_for(waiting // 20)
    meter = Meter(contender)
    sink.wait_for(waiting)
    wait_until_recorded(contender, waiting)
    measured = waiting - first
    cpu = meter.ms_a_job(measured)
    times = sink.mails().times
    rate = measured / (times[-1] - times[first - 1])
    results.add(DRAIN, contender.name, Sample({RATE: rate, CPU: of_groups(cpu)}, cpu))


def end_to_end(contender: Contender, sink: MailSink, before: int, options: Options, results: Results) -> None:
    """Measures from the first request to the last mail, and CPU time until the end of each job is recorded too.

    `before` jobs were done by the same stack before.
    """
    sink.reset()
    meter = Meter(contender)
    load = post(contender.plan("measured", options.jobs, options.clients))
    sink.wait_for(options.jobs)
    wait_until_recorded(contender, before + options.jobs)
    cpu = meter.ms_a_job(options.jobs)
    memory = read_memory(contender.roots())
    mails = sink.mails()
    if not len(mails.times) == mails.recipients == options.jobs:
        raise AssertionError(f"{len(mails.times)} mails came, to {mails.recipients} of {options.jobs} people")
    rate = options.jobs / (mails.times[-1] - load.began)
    figures = {RATE: rate, **waits(load), CPU: of_groups(cpu)}
    results.add(END_TO_END, contender.name, Sample(figures, cpu, memory))


def wait_until_recorded(contender: Contender, count: int) -> None:
    began = time.monotonic()
    while (ended := contender.ended()) < count:
        if time.monotonic() - began > RECORDED_SECONDS:
            raise AssertionError(f"{contender.name} has recorded {ended} of {count} jobs as ended")
        time.sleep(0.05)


def waits(load: Load) -> dict[str, float]:
    return {P50: percentile(load.seconds, 0.5) * 1000, P99: percentile(load.seconds, 0.99) * 1000}
