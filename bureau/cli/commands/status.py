"""Shows the status of Bureau: `bureau status` prints problems, since when they last, and what can be done."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import click

from bureau.cli.exits import NOT_ALLOWED, UNREACHABLE
from bureau.cli.formatting import age, clock, one_line
from bureau.cli.session import Session, json_option
from bureau.client import Counted, Problem
from bureau.client.shapes import CheckData, QueueData, ReadinessData, TaskSummaryData, WorkerData, WorkerOutageData
from bureau.formatting import count

FAILED_WITHIN = timedelta(hours=1)
RETRYING_LIMIT = 200  # retried tasks that are read; if there are more, the line says "at least"

# The names that operators use for these systems.
NAMES = {"ledger": "database", "smtp": "SMTP", "sendgrid": "SendGrid"}
BROKERS = {"amqp": "RabbitMQ", "memory": "in-process broker"}

Line = tuple[bool, str]  # whether it is a problem, and the text


@click.command()
@json_option
@click.pass_obj
def status(session: Session) -> None:
    """Check status: queues, workers and what Bureau needs."""
    bureau, now = session.bureau, session.now
    readiness = bureau.readiness()
    ledger = readiness.get("checks", {}).get("ledger")
    if ledger is not None and ledger["status"] == "failing":
        _show_readiness(session, readiness)
        session.note("Queues and jobs cannot be shown until the database answers.")
        raise click.exceptions.Exit(UNREACHABLE)
    try:
        queues, workers = bureau.queues(), bureau.workers()
        retrying = list(bureau.tasks(state="retrying", limit=RETRYING_LIMIT))
        failed = bureau.retry(dry_run=True, state="failed", created_after=now - FAILED_WITHIN)
    except Problem as error:
        if error.status != 403:
            raise
        _show_readiness(session, readiness)
        session.note("Only keys whose role is operate may see queues and workers.")
        raise click.exceptions.Exit(NOT_ALLOWED) from None
    if session.as_json:
        recent = {"count": failed.count, "by_error": failed.by_error}
        session.json({"ready": readiness, "queues": queues, "workers": workers, "failed_last_hour": recent})
        return
    problems = [*retrying_lines(retrying), *failure_lines(failed)]
    _show(
        session, [*queue_lines(queues, workers, now), *problems, *outage_lines(workers, now), *check_lines(readiness)]
    )


def _show_readiness(session: Session, readiness: ReadinessData) -> None:
    """Shows the readiness alone, where queues and workers cannot be shown."""
    if session.as_json:
        session.json({"ready": readiness})
    else:
        _show(session, check_lines(readiness))


def _show(session: Session, lines: Sequence[Line]) -> None:
    for problem, text in lines:
        session.line(("! " if problem else "  ") + one_line_keeping_gaps(text), "bold red" if problem else "")


def one_line_keeping_gaps(text: str) -> str:
    """Replaces control characters and keeps the blanks that align columns."""
    return " ".join(one_line(part) if part else "" for part in text.split(" "))


def queue_lines(queues: Sequence[QueueData], workers: Sequence[WorkerData], now: datetime) -> list[Line]:
    """Returns a line for each queue, aligned in columns."""
    if not queues:
        return [(True, "No queues: no worker has started, and no task waits.")]
    names = max(len(queue["name"]) for queue in queues)
    waits = [f"{queue['queued']:,} waiting" for queue in queues]
    oldest = [f", oldest {age(queue['oldest_queued_seconds'])}" if queue["queued"] else "" for queue in queues]
    width, old = max(map(len, waits)), max(map(len, oldest))
    lines = []
    for queue, wait, oldest_wait in zip(queues, waits, oldest, strict=True):
        running = f", {queue['running']:,} running" if queue["running"] else ""
        text = f"{queue['name']:{names}}  {wait:>{width}}{oldest_wait + ',':{old + 1}} "
        in_trouble = bool(queue.get("trouble"))
        lines.append((in_trouble, f"{text}{_served(queue, workers, now)}{running}{_paused(queue, now)}"))
    return lines


def retrying_lines(retrying: Sequence[TaskSummaryData]) -> list[Line]:
    """Returns a line for each queue with the error codes of its retried tasks.

    Tasks of one queue are often retried for the same cause, such as a server that is down.
    """
    lines = []
    for queue in sorted({task["queue"] for task in retrying}):
        codes = Counter(task["error"]["code"] for task in retrying if task["queue"] == queue and task["error"])
        if codes:
            least = "at least " if len(retrying) == RETRYING_LIMIT else ""
            lines.append((True, f"{queue} retries {least}{count(codes.total(), 'task')}: {_by_code(codes)}"))
    return lines


def failure_lines(failed: Counted) -> list[Line]:
    """Returns a line that counts recent failures by error code, and one with commands to look at and retry them."""
    if not failed.count:
        return []
    text = f"{count(failed.count, 'job')} failed in the last hour: {by_error(failed)}"
    return [(True, text), (False, "bureau jobs --state failed    bureau retry --state failed --since 1h")]


def by_error(counted: Counted) -> str:
    """Formats counts by error code, the most frequent first: `298 smtp_unavailable, 14 mailbox_full`."""
    return _by_code(counted.by_error)


def _by_code(codes: Mapping[str, int]) -> str:
    ordered = sorted(codes.items(), key=lambda item: (-item[1], item[0]))
    more = f", {len(ordered) - 4} more codes" if len(ordered) > 4 else ""
    return ", ".join(f"{number:,} {code}" for code, number in ordered[:4]) + more


def outage_lines(workers: Sequence[WorkerData], now: datetime) -> list[Line]:
    """Returns a line for each system that workers cannot use.

    Each worker detects an outage by itself, so the line shows the time of the first worker that reported it.
    """
    reported: dict[tuple[str, str], list[WorkerOutageData]] = defaultdict(list)
    for worker in workers:
        for one in worker.get("trouble", ()):  # the answer of an older gateway has no such field
            reported[worker["queue"], one["name"]].append(one)
    live = Counter(worker["queue"] for worker in workers if worker["live"])
    lines = []
    for (queue, name), outages in sorted(reported.items()):
        first = min(outages, key=lambda one: datetime.fromisoformat(one["since"]))
        some = f" ({len(outages)} of {live[queue]} workers)" if len(outages) < live[queue] else ""
        text = f"{NAMES.get(name, name)} {first['how']} since {clock(first['since'], now)}{some}: {first['why']}"
        lines.append((True, text))
    return lines


def check_lines(readiness: ReadinessData) -> list[Line]:
    """Returns one line for each failing check or warning, and one line for all checks that are well."""
    used = readiness.get("storage_used_percent")
    states = {name: check["status"] for name, check in readiness.get("checks", {}).items()}
    if used is not None and states.get("storage") == "ok":
        states["storage"] = f"{used} %"
    kind = readiness.get("broker_kind", "")  # the answer of an older gateway has no such field
    names = {**NAMES, "broker": BROKERS.get(kind, "broker")}
    shown = [(f"{names.get(name, name)} {state}", readiness["checks"][name]) for name, state in states.items()]
    well = [text for text, check in shown if not _needs_attention(check)]
    lines: list[Line] = [(True, f"{text}: {check['detail'] or ''}") for text, check in shown if _needs_attention(check)]
    return [*lines, *([(False, " · ".join(well))] if well else [])]


def _needs_attention(check: CheckData) -> bool:
    return check["status"] != "ok" or bool(check["detail"])


def _served(queue: QueueData, workers: Sequence[WorkerData], now: datetime) -> str:
    text = count(queue["workers"], "worker")
    if queue["workers"]:
        return text
    of_queue = [worker for worker in workers if worker["queue"] == queue["name"]]
    last = max(of_queue, key=lambda worker: worker["seen_at"], default=None)
    return f"{text} (last: {last['host']}, {clock(last['seen_at'], now)})" if last else text


def _paused(queue: QueueData, now: datetime) -> str:
    return f", paused since {clock(queue['paused_at'], now)}" if queue["paused_at"] else ""
