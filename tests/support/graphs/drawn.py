"""Draws random jobs: an acyclic graph, and for each task the outcomes of its claims, in order."""

from dataclasses import dataclass
from enum import StrEnum

from hypothesis import strategies as st

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.jobs.states import When
from bureau.ledger.jobs.submit import NewTask
from tests.support.ledger.book import task

TASKS_AT_MOST = 30
LIVES = 2  # as it was submitted, and once more after a person asked for it


class Comes(StrEnum):
    """Names the outcome of a claim of a task."""

    RESULT = "result"
    ERROR = "error"  # one that may pass: it costs an attempt
    REFUSAL = "refusal"  # one that will not pass
    PUT_OFF = "put off"  # it costs no attempt
    HANDED_BACK = "handed back"  # the worker is going down
    CRASH = "crash"  # the worker falls silent; its thread may come back when nobody expects it any more


_MISHAPS = (Comes.ERROR, Comes.ERROR, Comes.CRASH, Comes.CRASH, Comes.PUT_OFF, Comes.HANDED_BACK)


@dataclass(frozen=True)
class DrawnTask:
    """Describes a task. `scripts` holds, for each life, the outcomes of the task's claims in turn."""

    name: str
    after: tuple[str, ...]
    when: When
    optional: bool
    attempts: int
    scripts: tuple[tuple[Comes, ...], ...]

    def submitted(self) -> NewTask:
        policy = RetryPolicy(max_attempts=self.attempts)
        return task(self.name, " ".join(self.after), when=self.when, optional=self.optional, retry=policy)


@dataclass(frozen=True)
class DrawnJob:
    """Describes a job.

    `cancelled_after` is, for each life, the number of steps after which somebody cancels it; None if nobody does.
    """

    tasks: tuple[DrawnTask, ...]
    cancelled_after: tuple[int | None, ...]


@st.composite
def _scripts(draw: st.DrawFn) -> tuple[Comes, ...]:
    mishaps = draw(st.lists(st.sampled_from(_MISHAPS), max_size=6)) if draw(st.booleans()) else []
    return (*mishaps, draw(st.sampled_from([Comes.RESULT, Comes.RESULT, Comes.RESULT, Comes.REFUSAL])))


@st.composite
def drawn_jobs(draw: st.DrawFn, at_most: int = TASKS_AT_MOST) -> DrawnJob:
    """Tasks come after some of those before them: chains, groups, joins, diamonds, all at once."""
    count = draw(st.integers(1, min(6, at_most)) | st.integers(1, at_most))  # small ones more often: they are quicker
    tasks: list[DrawnTask] = []
    for number in range(count):
        before = st.sampled_from([task.name for task in tasks]) if tasks else st.nothing()
        after = sorted(draw(st.sets(before, max_size=min(number, 4)))) if tasks else []
        tasks.append(
            DrawnTask(
                f"t{number}",
                tuple(after),
                draw(st.sampled_from(When)) if after else When.SUCCEEDED,
                draw(st.booleans()),
                draw(st.integers(1, 3)),
                tuple(draw(_scripts()) for _ in range(LIVES)),
            )
        )
    cancelled = st.none() | st.integers(1, 3 * count)
    return DrawnJob(tuple(tasks), tuple(draw(cancelled) for _ in range(LIVES)))
