"""`bureau status`: is all well; if not, what, since when, and what can be done."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import click

from bureau.cli.exits import NOT_ALLOWED, UNREACHABLE
from bureau.cli.session import Session, json_option
from bureau.cli.words import age, clock, one_line
from bureau.client import Counted, Problem
from bureau.client.shapes import CheckData, QueueData, ReadinessData, TaskSummaryData, WorkerData, WorkerOutageData
from bureau.formatting import count

FAILED_WITHIN = timedelta(hours=1)
LOOKED_AT = 200  # tasks that are tried again; more is said as so many and more

# As they are called where they are mended.
NAMES = {"ledger": "database", "smtp": "SMTP", "sendgrid": "SendGrid"}
BROKERS = {"amqp": "RabbitMQ", "memory": "in-process broker"}

Line = tuple[bool, str]  # whether something is wrong, and the words


@click.command()
@json_option
@click.pass_obj
def status(session: Session) -> None:
    """Is all well? Queues, workers, and what Bureau needs."""
    bureau, now = session.bureau, session.now
    readiness = bureau.readiness()
    ledger = readiness.get("checks", {}).get("ledger")
    if ledger is not None and ledger["status"] == "failing":
        _alone(session, readiness)
        session.note("Queues and jobs are in the database: nothing can be said of them until it answers.")
        raise click.exceptions.Exit(UNREACHABLE)
    try:
        queues, workers = bureau.queues(), bureau.workers()
        retrying = list(bureau.tasks(state="retrying", limit=LOOKED_AT))
        failed = bureau.retry(dry_run=True, state="failed", created_after=now - FAILED_WITHIN)
    except Problem as problem:
        if problem.status != 403:
            raise
        _alone(session, readiness)
        session.note("How queues and workers stand is shown to keys whose role is operate.")
        raise click.exceptions.Exit(NOT_ALLOWED) from None
    if session.as_json:
        recent = {"count": failed.count, "by_error": failed.by_error}
        session.json({"ready": readiness, "queues": queues, "workers": workers, "failed_last_hour": recent})
        return
    wrong = [*retrying_lines(retrying), *failure_lines(failed)]
    _show(session, [*queue_lines(queues, workers, now), *wrong, *trouble_lines(workers, now), *need_lines(readiness)])


def _alone(session: Session, readiness: ReadinessData) -> None:
    """What is known without the rest."""
    if session.as_json:
        session.json({"ready": readiness})
    else:
        _show(session, need_lines(readiness))


def _show(session: Session, lines: Sequence[Line]) -> None:
    for wrong, words in lines:
        session.line(("! " if wrong else "  ") + one_line_keeping_gaps(words), "bold red" if wrong else "")


def one_line_keeping_gaps(words: str) -> str:
    """Control characters go, the blanks that align columns stay."""
    return " ".join(one_line(part) if part else "" for part in words.split(" "))


def queue_lines(queues: Sequence[QueueData], workers: Sequence[WorkerData], now: datetime) -> list[Line]:
    """A line for each queue, in columns."""
    if not queues:
        return [(True, "No queue yet: no worker has announced itself.")]
    names = max(len(queue["name"]) for queue in queues)
    waits = [f"{queue['queued']:,} waiting" for queue in queues]
    oldest = [f", oldest {age(queue['oldest_queued_seconds'])}" if queue["queued"] else "" for queue in queues]
    width, old = max(map(len, waits)), max(map(len, oldest))
    lines = []
    for queue, wait, oldest_wait in zip(queues, waits, oldest, strict=True):
        running = f", {queue['running']:,} running" if queue["running"] else ""
        words = f"{queue['name']:{names}}  {wait:>{width}}{oldest_wait + ',':{old + 1}} "
        in_trouble = bool(queue.get("trouble"))
        lines.append((in_trouble, f"{words}{_served(queue, workers, now)}{running}{_paused(queue, now)}"))
    return lines


def retrying_lines(retrying: Sequence[TaskSummaryData]) -> list[Line]:
    """What tasks meet that they are tried again for, which is often the same thing away: a line a queue."""
    lines = []
    for queue in sorted({task["queue"] for task in retrying}):
        codes = Counter(task["error"]["code"] for task in retrying if task["queue"] == queue and task["error"])
        if codes:
            more = " and more" if len(retrying) == LOOKED_AT else ""
            lines.append((True, f"{queue} tries again {count(codes.total(), 'task')}{more}: {_by_code(codes)}"))
    return lines


def failure_lines(failed: Counted) -> list[Line]:
    if not failed.count:
        return []
    words = f"{count(failed.count, 'job')} of the last hour failed: {by_error(failed)}"
    return [(True, words), (False, "bureau jobs --state failed    bureau retry --state failed --since 1h")]


def by_error(counted: Counted) -> str:
    """`298 smtp_unavailable, 14 mailbox_full`, the most frequent first."""
    return _by_code(counted.by_error)


def _by_code(codes: Mapping[str, int]) -> str:
    ordered = sorted(codes.items(), key=lambda item: (-item[1], item[0]))
    more = f", {len(ordered) - 4} codes more" if len(ordered) > 4 else ""
    return ", ".join(f"{number:,} {code}" for code, number in ordered[:4]) + more


def trouble_lines(workers: Sequence[WorkerData], now: datetime) -> list[Line]:
    """What workers cannot use, a line each; each of them finds out for itself, so the first to say it dates it."""
    said: dict[tuple[str, str], list[WorkerOutageData]] = defaultdict(list)
    for worker in workers:
        for one in worker.get("trouble", ()):  # an older gateway tells none
            said[worker["queue"], one["name"]].append(one)
    live = Counter(worker["queue"] for worker in workers if worker["live"])
    lines = []
    for (queue, name), found in sorted(said.items()):
        first = min(found, key=lambda one: datetime.fromisoformat(one["since"]))
        some = f" ({len(found)} of {live[queue]} workers)" if len(found) < live[queue] else ""
        words = f"{NAMES.get(name, name)} {first['how']} since {clock(first['since'], now)}{some}: {first['why']}"
        lines.append((True, words))
    return lines


def need_lines(readiness: ReadinessData) -> list[Line]:
    """What is well in one line, what is not, or soon may not be, in one each."""
    used = readiness.get("storage_used_percent")
    states = {name: check["status"] for name, check in readiness.get("checks", {}).items()}
    if used is not None and states.get("storage") == "ok":
        states["storage"] = f"{used} %"
    kind = readiness.get("broker_kind", "")  # an older gateway tells none
    names = {**NAMES, "broker": BROKERS.get(kind, "broker")}
    shown = [(f"{names.get(name, name)} {state}", readiness["checks"][name]) for name, state in states.items()]
    well = [words for words, check in shown if not _needs_words(check)]
    lines: list[Line] = [(True, f"{words}: {check['detail'] or ''}") for words, check in shown if _needs_words(check)]
    return [*lines, *([(False, " · ".join(well))] if well else [])]


def _needs_words(check: CheckData) -> bool:
    return check["status"] != "ok" or bool(check["detail"])


def _served(queue: QueueData, workers: Sequence[WorkerData], now: datetime) -> str:
    words = count(queue["workers"], "worker")
    if queue["workers"]:
        return words
    of_queue = [worker for worker in workers if worker["queue"] == queue["name"]]
    last = max(of_queue, key=lambda worker: worker["seen_at"], default=None)
    return f"{words} (last: {last['host']}, {clock(last['seen_at'], now)})" if last else words


def _paused(queue: QueueData, now: datetime) -> str:
    return f", paused since {clock(queue['paused_at'], now)}" if queue["paused_at"] else ""
