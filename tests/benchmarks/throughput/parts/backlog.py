"""Measures the speed of Bureau's workers with 100,000 waiting jobs against that with 1,000.

Two stacks on databases of their own run in turn, while the other one is stopped. In each round the same number of mails
is measured, and the shorter queue is filled again.
"""

from contextlib import ExitStack

from tests.benchmarks.throughput.mail_sink import MailSink
from tests.benchmarks.throughput.meter import Meter
from tests.benchmarks.throughput.options import Options
from tests.benchmarks.throughput.parts.mail import RATE
from tests.benchmarks.throughput.programs.load import TEXT
from tests.benchmarks.throughput.results import CPU, Results, Sample, of_groups
from tests.benchmarks.throughput.stacks.bureau_stack import BureauStack
from tests.benchmarks.throughput.stacks.contender import Shape
from tests.benchmarks.throughput.stacks.servers import Servers

PHASE = "working off a queue"
FEW, MANY = "1,000 waiting", "100,000 waiting"
SIZES = {MANY: 100_000, FEW: 1_000}
WARM_UP, MEASURED = 200, 700  # the last of the 1,000 are left out: the queue is not to run dry meanwhile
A_BATCH = 1_000


def run(servers: Servers, options: Options, results: Results) -> None:
    with ExitStack() as opened:
        # More wait at once than a quota allows.
        env = {"QUOTA_OPEN_JOBS": "0"}
        stacks = {name: opened.enter_context(BureauStack(servers, Shape(), env)) for name in SIZES}
        for number in range(1, options.rounds + 1):
            for name, stack in stacks.items():
                print(f"Round {number} of {options.rounds}, {name}", flush=True)
                _round(stack, servers.sink, name, results)


def _round(stack: BureauStack, sink: MailSink, name: str, results: Results) -> None:
    stack.start_web()
    stack.start_mail_workers()
    stack.pause_mail()
    _fill(stack, SIZES[name] - stack.open_jobs())
    sink.reset()
    stack.resume_mail()
    first = sink.wait_for(WARM_UP)
    meter = Meter(stack)
    last = sink.wait_for(first + MEASURED)
    cpu = meter.ms_a_job(last - first)
    times = sink.mails().times
    stack.pause_mail()
    rate = (last - first) / (times[last - 1] - times[first - 1])
    results.add(PHASE, name, Sample({RATE: rate, CPU: of_groups(cpu)}, cpu))
    stack.stop()


def _fill(stack: BureauStack, missing: int) -> None:
    mail = {"to": ["ada@example.com"], "subject": "Your order", "text": TEXT}
    job = {"tasks": [{"name": "send", "run": "mailer.send", "input": mail}]}
    for done in range(0, missing, A_BATCH):
        stack.posted("/v1/jobs/batch", {"jobs": [job] * min(A_BATCH, missing - done)})
        if (done + A_BATCH) % 20_000 == 0:
            print(f"    {done + A_BATCH:,} jobs wait", flush=True)
    stack.settle()
