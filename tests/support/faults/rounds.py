"""Runs one round: load, a fault during it, its healing, the end of all jobs, the audit."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg

from tests.support.faults.accounts import Account, Auditor, Books
from tests.support.faults.counting import CountingApi, CountingMail
from tests.support.faults.disk import Disk
from tests.support.faults.load import EVERYTHING, Load, mixed
from tests.support.faults.patience import ROUNDS
from tests.support.faults.supervised import SERVICES, Supervised
from tests.support.faults.table import measured
from tests.support.servers.postgres import PostgreSQL
from tests.support.servers.proxies.proxy import Proxy
from tests.support.servers.rabbitmq import RabbitMQ
from tests.support.waiting import until

JOBS = 500 if ROUNDS else 320  # more than enough to strike
STRUCK_AT_LEAST = 200
LATE = 30  # submissions that come while the fault strikes
RUNNING_AT_LEAST = 8
ENDS_WITHIN_SECONDS = 120.0
DOUBT_WITHIN_SECONDS = 200.0  # 180 s after its intent, a mail in doubt is decided on
TRIES = 3

_SEEN_IN_LOGS = {
    "reconnect": "Restarting consumer",
    "discarded": "a finish was discarded",
    "outage": "the loop failed and tries again",
    "lost hint": "published lost hints again",
    "expired": "expired leases",
}


@dataclass
class World:
    """Holds Bureau and everything around it, for one round after another."""

    bureau: Supervised
    books: Books
    mail: CountingMail
    api: CountingApi
    rabbitmq: RabbitMQ
    postgres: PostgreSQL
    proxy: Proxy | None = None  # between PostgreSQL and the workers of certificates and reports
    disk: Disk | None = None  # under the storage

    @property
    def auditor(self) -> Auditor:
        return Auditor(
            self.books,
            mail=self.mail,
            api=self.api,
            effects=self.bureau.folder / "effects",
            gateway=self.bureau.api.url,
        )


Fault = Callable[[World], None]  # strikes, lasts, and heals itself before it returns


def hold(seconds: float) -> None:
    """A fault lasts so long: nothing is waited for."""
    threading.Event().wait(seconds)


class Missed(Exception):
    """Says that the fault met too little work, or that nothing showed that it hit."""


def run_round(
    world: World,
    name: str,
    fault: Fault,
    *,
    jobs: int = JOBS,
    kinds: dict[str, int] = EVERYTHING,
    seed: int = 0,
    seconds: float = 1.0,
    sees: Sequence[str] = (),
    ends_within: float = ENDS_WITHIN_SECONDS,
) -> Account:
    """A round that hit; one that missed is repeated. Raises AssertionError where something was lost or doubled.

    Its queues are paused until enough waits in them, so that a fault meets as much work on a fast machine as on a slow
    one; what is submitted after that meets the fault on its way in.
    """
    for attempt in range(TRIES):
        try:
            return _round(world, name, fault, mixed(jobs, kinds, seed + attempt), seconds, sees, ends_within)
        except Missed as missed:
            measured(name).missed += 1
            last = missed
    raise AssertionError(f"{name} missed {TRIES} times: {last}")


def _round(
    world: World,
    name: str,
    fault: Fault,
    kinds: Sequence[str],
    seconds: float,
    sees: Sequence[str],
    ends_within: float,
) -> Account:
    load = Load(world.bureau.api.url)
    submitting = threading.Thread(
        target=load.submit, args=(kinds,), kwargs={"seconds": seconds, "late": LATE}, daemon=True
    )
    before = _seen(world)
    _pause(world, "pause")
    submitting.start()
    try:
        until(lambda: _enough(world, load, submitting), 120, "enough jobs to strike")
        _pause(world, "resume")
        until(lambda: world.books.running(load.job_ids) >= RUNNING_AT_LEAST, 60, "work has begun")
        struck = world.books.unfinished(load.job_ids)
        load.struck.set()
        fault(world)
        load.healed.set()
        healed_at = time.monotonic()
    except BaseException:
        load.stop()
        raise
    finally:
        world.bureau.failpoints.disarm_all()
        world.mail.recover()
        world.api.recover()
        if world.proxy:
            world.proxy.cut = None
    submitting.join(ends_within)
    assert not submitting.is_alive(), f"{name}: only {len(load.job_ids)} of {len(kinds)} jobs were accepted"
    recovery, doubt = _ended(world, load.job_ids, healed_at, ends_within)
    world.bureau.serving()
    hits = Counter(world.books.recorded(load.job_ids)) + (_seen(world) - before) + Counter(refused=load.refused)
    hits["put off"] = hits["retry"] + hits["postponed"]  # by a breaker, an outage costs no attempt
    account = world.auditor.account(load.job_ids)
    row = measured(name)
    if struck < STRUCK_AT_LEAST:
        raise Missed(f"{struck} jobs were unfinished when it struck")
    if not hits or any(not hits[wanted] for wanted in sees):
        raise Missed(f"what it should have left behind is not there: {sees} in {hits}")
    row.rounds += 1
    row.jobs += account.submitted
    row.struck.append(struck)
    row.hits += hits.total() - hits["put off"]
    row.lost += len(account.lost)
    row.doubled += len(account.doubled)
    row.failed += len(account.failed)
    row.unknown_mails += account.unknown_mails
    row.recovery.append(recovery)
    if doubt is not None:
        row.doubt.append(doubt)
    print(f"{name}: {struck} struck, {dict(hits)}, {dict(account.states)}, {recovery:.0f} s, doubt {doubt}")
    assert account.balanced, account
    assert not account.lost, account.lost
    assert not account.doubled, account.doubled
    assert not account.states["open"], account.states
    return account


def _enough(world: World, load: Load, submitting: threading.Thread) -> bool:
    """Whether so many wait that the ones wanted are left when the fault strikes, or nothing more is coming."""
    return world.books.unfinished(load.job_ids) >= STRUCK_AT_LEAST * 1.4 or not submitting.is_alive()


def _pause(world: World, verb: str) -> None:
    for queue in SERVICES:
        world.bureau.api.client.post(f"/v1/queues/{queue}/{verb}").raise_for_status()


def _ended(world: World, job_ids: Sequence[str], healed_at: float, ends_within: float) -> tuple[float, float | None]:
    """Seconds from the healing to the last end, without and with the mails that were in doubt."""

    def left() -> float:
        return ends_within - (time.monotonic() - healed_at)

    def only_doubt() -> bool:
        return world.books.unfinished(job_ids) == world.books.in_doubt(job_ids)

    def unfinished() -> str:
        world.bureau.dump_stacks()
        return f"the end of {world.books.unfinished(job_ids)} jobs: {world.books.open_tasks(job_ids)}"

    until(only_doubt, max(left(), 1), unfinished, ignoring=psycopg.OperationalError)
    recovery = max(time.monotonic() - healed_at, 0.0)
    if not world.books.in_doubt(job_ids):
        return recovery, None
    until(
        lambda: world.books.unfinished(job_ids) == 0,
        DOUBT_WITHIN_SECONDS,
        unfinished,
    )
    return recovery, time.monotonic() - healed_at


def _seen(world: World) -> Counter[str]:
    """What the logs say of hits so far, and how often supervisor started a program again."""
    text = world.bureau.logs()
    seen = Counter({name: text.count(words) for name, words in _SEEN_IN_LOGS.items()})
    for what in ("doubled", "dropped"):
        seen[what] = world.bureau.failpoints.messages(what)
    supervisor = world.bureau.supervisord.output()
    seen["restart"] = sum(supervisor.count(f"exited: {program} ") for program in ("gateway", "scheduler", *SERVICES))
    return seen
