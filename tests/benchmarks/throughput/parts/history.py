"""Measures acceptance with 1,000,000 ended jobs in the ledger against none.

Bureau's gateway runs alone, on two databases in turn.
"""

from contextlib import ExitStack

from sqlalchemy import delete

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import jobs
from tests.benchmarks.filled_ledger import fill, multiply
from tests.benchmarks.throughput.load import post
from tests.benchmarks.throughput.meter import Meter
from tests.benchmarks.throughput.options import Options
from tests.benchmarks.throughput.parts.mail import RATE, waits
from tests.benchmarks.throughput.results import CPU, Results, Sample, of_groups
from tests.benchmarks.throughput.stacks.bureau_stack import BureauStack
from tests.benchmarks.throughput.stacks.contender import Shape
from tests.benchmarks.throughput.stacks.servers import Servers

PHASE = "accepting into a ledger"
NONE, MANY = "empty", "1,000,000 ended jobs"
FIRST, TIMES = 20_000, 50
WARM_UP_JOBS = 100


def run(servers: Servers, options: Options, results: Results) -> None:
    with ExitStack() as opened:
        stacks = {name: opened.enter_context(BureauStack(servers, Shape())) for name in (MANY, NONE)}
        print(f"Writing {FIRST * TIMES:,} ended jobs, with their tasks, events and deliveries", flush=True)
        fill_with_ended(stacks[MANY].database_url)
        stacks[MANY].settle()
        for number in range(1, options.rounds + 1):
            for name, stack in stacks.items():
                print(f"Round {number} of {options.rounds}, {name}", flush=True)
                stack.start_gateway()
                post(stack.plan("warm-up", WARM_UP_JOBS, options.clients))
                meter = Meter(stack)
                load = post(stack.plan("measured", options.jobs, options.clients))
                cpu = meter.ms_a_job(options.jobs)
                rate = options.jobs / (load.ended - load.began)
                results.add(PHASE, name, Sample({RATE: rate, **waits(load), CPU: of_groups(cpu)}, cpu))
                stack.stop()


def fill_with_ended(database_url: str) -> None:
    """Writes a month of jobs of all kinds, as `make bench-console` has them, without those that are under way."""
    db = Database(database_url)
    fill(db, FIRST)
    with db.transaction() as connection:
        connection.execute(delete(jobs).where(jobs.c.state == JobState.OPEN))
    multiply(db, TIMES)
    db.close()
