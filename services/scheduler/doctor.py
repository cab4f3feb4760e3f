"""Prints what the scheduler sees, and acts on demand: `python -m bureau.services.scheduler doctor`.

`hint-again` publishes every hint again. `expire-leases` requeues tasks whose leases have expired, without waiting for a
scheduler. The exit status is 1 while there is a problem. It works beside the embedded process too: the messages in that
process's own broker cannot be seen from outside, and its relay publishes what `hint-again` marks.
"""

from collections.abc import Iterable, Iterator

from dramatiq.errors import BrokerError

from bureau.ledger.access import audit
from bureau.ledger.access.audit import COMMAND, EVERYBODY, Act
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.migrate import is_migrated
from bureau.ledger.jobs import leases
from bureau.ledger.reads.queue_stats import QueueSurvey, hint_again, survey
from bureau.ledger.reads.queue_trouble import BEHIND_SECONDS, QueueTrouble
from bureau.ledger.schedules import health
from bureau.ledger.schedules.health import ScheduleSurvey, TroubledSchedule
from bureau.messaging.broker import HintPublisher, make_broker
from bureau.services.scheduler.scheduler import jitter
from bureau.settings import PlatformSettings

ACTIONS = frozenset({"hint-again", "expire-leases"})


def doctor(settings: PlatformSettings, actions: set[str]) -> int:
    """Runs the actions, prints the report and returns the exit status."""
    db = Database(settings.database_url.get_secret_value())
    broker = make_broker(settings.broker_url.get_secret_value(), [])
    try:
        if not is_migrated(db):
            print(f"! There is no ledger in {db!r}: run this where Bureau runs, with the same DATABASE_URL.")
            return 1
        return _report(db, broker, actions)
    except LedgerUnavailable as error:
        print(f"! The ledger does not answer ({error}): {db!r}. Nothing else can be checked.")
        return 1
    finally:
        broker.close_thread()
        db.close()


def _report(db: Database, broker: HintPublisher, actions: set[str]) -> int:
    if "expire-leases" in actions:
        requeued = _audited(db, "leases.expire", leases.expire(db, jitter).tasks)
        print(f"Requeued from workers that stopped renewing leases: {requeued} tasks.")
    if "hint-again" in actions:
        print(f"Hints to publish again: {_audited(db, 'hints.again', hint_again(db))}.")
    queues = survey(db)
    depths, broker_error = _depths(broker, queues)
    schedules = health.survey(db)
    problems = [*findings(queues, depths, broker_error), *schedule_findings(schedules.troubled)]
    for queue in queues:
        print(_line(queue, depths))
    print(_schedules_line(schedules))
    for problem in problems:
        print(f"! {problem}")
    if not problems:
        print("All is well.")
    return 1 if problems else 0


def _audited(db: Database, action: str, count: int) -> int:
    """Writes the action to the audit and returns `count`."""
    with db.transaction() as connection:
        audit.note(connection, Act(action, EVERYBODY, COMMAND), count)
    return count


Depths = dict[str, int | None]
"""The messages in each queue; None for a queue that RabbitMQ lacks."""


def _depths(broker: HintPublisher, queues: Iterable[QueueSurvey]) -> tuple[Depths | None, str | None]:
    """Returns the messages in each queue, and RabbitMQ's error; None for the broker of an embedded process."""
    if broker.kind == "memory":
        return None, None
    try:
        broker.ensure_open()
        return {queue.queue: broker.depth(queue.queue) for queue in queues}, None
    except BrokerError as error:
        return {}, str(error)


def findings(queues: Iterable[QueueSurvey], depths: Depths | None, broker_error: str | None) -> Iterator[str]:
    """Yields the problems of queues and what to do about them. It has no side effects.

    `depths` is None for the broker of an embedded process, which only that process sees.
    """
    if broker_error is not None:
        yield f"RabbitMQ does not answer ({broker_error}): submissions are accepted; their hints are published later."
    for queue in queues:
        depth = depths.get(queue.queue) if depths is not None else None
        for problem in _queue_findings(queue, depth):
            yield f"{queue.queue}: {problem}"
        if depths is not None and broker_error is None and depth is None and queue.served.workers:
            yield f"{queue.queue}: a live worker announced it, but RabbitMQ has no such queue."


def _queue_findings(queue: QueueSurvey, depth: int | None) -> Iterator[str]:
    match queue.trouble:
        case QueueTrouble.PAUSED:
            yield f"paused since {queue.paused_at:%Y-%m-%d %H:%M} UTC with {queue.due} due (resume it over HTTP)."
        case QueueTrouble.NO_WORKER:
            yield f"{queue.due} due, {queue.running} running, and no live worker: start one."
        case QueueTrouble.STALLED:
            yield f"the oldest due task has waited {queue.oldest_due_seconds:.0f} s, and nothing runs."
        case QueueTrouble.BEHIND:
            yield f"the oldest due task has waited {queue.oldest_due_seconds:.0f} s: add workers, or wait."
    if queue.expired:
        yield f"{queue.expired} leases expired and their tasks are not requeued: start a scheduler (expire-leases)."
    if depth == 0 and queue.hinted and queue.oldest_hint_seconds >= BEHIND_SECONDS:
        yield f"{queue.hinted} hints were published, but none is in RabbitMQ: they are lost (hint-again)."


def schedule_findings(troubled: Iterable[TroubledSchedule]) -> Iterator[str]:
    """Yields the problems of schedules and what to do about them. It has no side effects."""
    for one in troubled:
        name = f"schedule {one.name} of {one.owner}"
        if one.late_seconds:
            yield f"{name}: its next job is {one.late_seconds:.0f} s late; check that a scheduler runs."
        if one.problem is not None and one.problem_at is not None:
            yield f"{name}: its last run, {one.problem_at:%Y-%m-%d %H:%M} UTC, has no job: {one.problem}"
        if one.failed_job is not None:
            yield f"{name}: its last job failed; GET /v1/jobs/{one.failed_job} says why."


def _schedules_line(schedules: ScheduleSurvey) -> str:
    following = f" (next {schedules.next_at:%Y-%m-%d %H:%M:%S} UTC)" if schedules.next_at else ""
    return f"{'schedules':<14} coming {schedules.coming}{following}, disabled {schedules.disabled}"


def _line(queue: QueueSurvey, depths: Depths | None) -> str:
    depth = depths.get(queue.queue) if depths is not None else None
    messages = "" if depths is None else f"in RabbitMQ {'?' if depth is None else depth}, "
    return (
        f"{queue.queue:<14} due {queue.due} (oldest {queue.oldest_due_seconds:.0f} s), hinted {queue.hinted}, "
        f"{messages}workers {queue.served.workers}, running {queue.running}, later {queue.later}, "
        f"waiting {queue.waiting}"
    )
