"""Summarises the health in one sentence: whether all is well; if not, what is wrong, and since when. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from bureau.formatting import count
from bureau.ledger.reads.queue_trouble import QueueTrouble, queue_trouble
from bureau.services.gateway.console.state.dependency import Dependency, DependencyStatus
from bureau.services.gateway.console.text.words import duration


class Tone(IntEnum):
    """The severity; the summary names the gravest finding."""

    WELL = 0
    WARNING = 1
    WRONG = 2


@dataclass(frozen=True)
class QueueState:
    """The numbers of a queue. `last_done` is within the last hour, or None."""

    name: str
    due: int = 0
    oldest_seconds: float = 0.0
    running: int = 0
    retrying: int = 0
    failed: int = 0
    workers: int = 0
    paused_at: datetime | None = None
    last_done: datetime | None = None

    @property
    def trouble(self) -> QueueTrouble | None:
        """What is wrong with the queue, or None."""
        return queue_trouble(
            paused=self.paused_at is not None,
            due=self.due,
            running=self.running,
            workers=self.workers,
            oldest_due_seconds=self.oldest_seconds,
        )


@dataclass(frozen=True)
class State:
    """The input of the summary."""

    now: datetime
    queues: Sequence[QueueState] = ()
    dependencies: Sequence[Dependency] = ()


@dataclass(frozen=True)
class HealthSummary:
    """The summary: `detail` continues `text`; `more` holds the other findings, each with its detail."""

    tone: Tone
    text: str
    detail: str = ""
    more: tuple[str, ...] = field(default=())


Found = tuple[Tone, str, str]  # tone, text and detail, as in `HealthSummary`


def health_summary(state: State) -> HealthSummary:
    """Returns the summary, with the gravest finding first."""
    found = [finding for one in state.dependencies if (finding := _dependency(one, state.now))]
    longest_first = sorted(state.queues, key=lambda queue: -queue.due)
    found += [finding for queue in longest_first if (finding := _queue(queue, state.now))]
    found.sort(key=lambda finding: -finding[0])
    if found:
        first, *others = found
        return HealthSummary(*first, more=tuple(f"{text} {detail}".rstrip() for _, text, detail in others))
    return _calm(state.queues)


def _dependency(one: Dependency, now: datetime) -> Found | None:
    """Returns what is wrong with a dependency; None where no fault is known."""
    if one.standing is DependencyStatus.WARNS:
        what, stop, rest = (one.detail or "").partition(". ")
        return Tone.WARNING, f"{one.name}: {what[:1].lower()}{what[1:]}{stop.rstrip()}", rest
    if one.standing is not DependencyStatus.AWAY:
        return None
    since = f" since {one.since:%H:%M:%S} ({duration(now - one.since)})" if one.since else ""
    return Tone.WRONG, f"{one.name} is away{since}.", one.detail or ""


def _queue(queue: QueueState, now: datetime) -> Found | None:
    """Returns what is wrong with a queue; None where nothing is."""
    waiting = f"{queue.due:,} waiting"
    match queue.trouble:
        case QueueTrouble.PAUSED:
            since = f" for {duration(now - queue.paused_at)}" if queue.paused_at else ""
            return Tone.WARNING, f"{queue.name}: paused{since}{f', {waiting}' if queue.due else ''}.", ""
        case QueueTrouble.NO_WORKER:
            return Tone.WRONG, f"{queue.name}: {_silence(queue, now)}, {waiting}, no worker.", ""
        case QueueTrouble.STALLED:
            workers = count(queue.workers, "worker")
            return Tone.WRONG, f"{queue.name}: {_silence(queue, now)}, {waiting}, {workers}.", ""
        case QueueTrouble.BEHIND:
            oldest = duration(queue.oldest_seconds)
            return Tone.WARNING, f"{queue.name}: behind, {waiting}, the oldest for {oldest}.", ""
        case None:
            return None


def _silence(queue: QueueState, now: datetime) -> str:
    if queue.last_done is None:
        return "nothing finished in the last hour"
    return f"nothing finished for {duration(now - queue.last_done)}"


def _calm(queues: Sequence[QueueState]) -> HealthSummary:
    running, due = sum(queue.running for queue in queues), sum(queue.due for queue in queues)
    failed = sum(queue.failed for queue in queues)
    if not queues:
        detail = "Jobs are accepted once a worker has started."
        return HealthSummary(Tone.WARNING, "No worker has started yet.", detail)
    if failed:
        return HealthSummary(Tone.WARNING, f"{count(failed, 'task')} failed in the last hour. Everything else works.")
    if running or due:
        return HealthSummary(Tone.WELL, f"All is well: {running:,} running, {due:,} waiting.")
    return HealthSummary(Tone.WELL, "All is well. Nothing is waiting.")
