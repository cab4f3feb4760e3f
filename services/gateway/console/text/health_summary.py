"""The one sentence on the state of things: is all well; if not, what is wrong, since when. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from bureau.formatting import count
from bureau.services.gateway.console.state.dependency import Dependency, DependencyStatus
from bureau.services.gateway.console.text.words import duration

SILENT = timedelta(minutes=2)  # a queue with due work and workers that finishes nothing for so long is stuck
BEHIND_SECONDS = 60.0  # work that waits longer is worth a word


class Tone(IntEnum):
    """How much it matters; the sentence is about what matters most."""

    WELL = 0
    BUSY = 1
    WARNING = 2
    WRONG = 3


@dataclass(frozen=True)
class QueueState:
    """A queue in numbers. `last_done` is within the last hour, or None."""

    name: str
    due: int = 0
    oldest_seconds: float = 0.0
    running: int = 0
    retrying: int = 0
    failed: int = 0
    workers: int = 0
    paused_at: datetime | None = None
    last_done: datetime | None = None


@dataclass(frozen=True)
class State:
    """All the sentence is made from."""

    now: datetime
    queues: Sequence[QueueState] = ()
    dependencies: Sequence[Dependency] = ()


@dataclass(frozen=True)
class Sentence:
    """`detail` goes on where `text` ends; `more` are the other things that are wrong, each with its detail."""

    tone: Tone
    text: str
    detail: str = ""
    more: tuple[str, ...] = field(default=())


Found = tuple[Tone, str, str]  # as in `Sentence`: its tone, text and detail


def sentence(state: State) -> Sentence:
    """What matters most first."""
    found = [said for one in state.dependencies if (said := _dependency(one, state.now))]
    longest_first = sorted(state.queues, key=lambda queue: -queue.due)
    found += [said for queue in longest_first if (said := _queue(queue, state.now))]
    found.sort(key=lambda said: -said[0])
    if found:
        first, *others = found
        return Sentence(*first, more=tuple(f"{text} {detail}".rstrip() for _, text, detail in others))
    return _calm(state.queues)


def _dependency(one: Dependency, now: datetime) -> Found | None:
    """What is wrong with it; None where nothing is known to be."""
    if one.standing is DependencyStatus.WARNS:
        what, stop, rest = (one.detail or "").partition(". ")
        return Tone.WARNING, f"{one.name}: {what[:1].lower()}{what[1:]}{stop.rstrip()}", rest
    if one.standing is not DependencyStatus.AWAY:
        return None
    since = f" since {one.since:%H:%M:%S} ({duration(now - one.since)})" if one.since else ""
    return Tone.WRONG, f"{one.name} is away{since}.", one.detail or ""


def _queue(queue: QueueState, now: datetime) -> Found | None:
    """What is wrong with a queue; None where nothing is."""
    waiting = f"{queue.due:,} waiting"
    if queue.paused_at:
        held = f", {waiting}" if queue.due else ""
        return Tone.WARNING, f"{queue.name}: paused for {duration(now - queue.paused_at)}{held}.", ""
    if queue.due and not queue.workers:
        return Tone.WRONG, f"{queue.name}: {_silence(queue, now)}, {waiting}, no worker.", ""
    if queue.due and _is_silent(queue, now):
        workers = count(queue.workers, "worker")
        return Tone.WRONG, f"{queue.name}: {_silence(queue, now)}, {waiting}, {workers}.", ""
    if queue.oldest_seconds >= BEHIND_SECONDS:
        return Tone.WARNING, f"{queue.name}: behind, {waiting}, the oldest for {duration(queue.oldest_seconds)}.", ""
    return None


def _is_silent(queue: QueueState, now: datetime) -> bool:
    """Due work has waited for long and nothing was finished all the while. What runs may just be long."""
    if queue.running or queue.oldest_seconds < SILENT.total_seconds():
        return False
    return queue.last_done is None or now - queue.last_done >= SILENT


def _silence(queue: QueueState, now: datetime) -> str:
    if queue.last_done is None:
        return "nothing finished in the last hour"
    return f"nothing finished for {duration(now - queue.last_done)}"


def _calm(queues: Sequence[QueueState]) -> Sentence:
    running, due = sum(queue.running for queue in queues), sum(queue.due for queue in queues)
    failed = sum(queue.failed for queue in queues)
    if not queues:
        detail = "Jobs are accepted when the first one does."
        return Sentence(Tone.WARNING, "No worker has announced itself yet.", detail)
    if failed:
        return Sentence(Tone.BUSY, f"Everything runs; {count(failed, 'task')} failed in the last hour.")
    if running or due:
        return Sentence(Tone.WELL, f"All is well: {running:,} running, {due:,} waiting.")
    return Sentence(Tone.WELL, "All is well. Nothing is waiting.")
