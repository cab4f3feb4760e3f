"""Prints a job's events as lines, with a progress bar on a terminal, and sums up those of many tasks."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bureau.cli import states
from bureau.cli.cells import Styled
from bureau.cli.formatting import one_line
from bureau.cli.session import Session
from bureau.client import Event, Job
from bureau.client.events import progress_line
from bureau.formatting import count

if TYPE_CHECKING:
    from rich.progress import Progress

PROGRESS_EVERY = timedelta(seconds=10)  # without a terminal, at most one progress line in this time
MANY = 10  # tasks: the events of more are summed up
FAILURES = 10  # of many tasks, those that failed first are shown one by one
_ENDS = ("succeeded", "failed", "cancelled")
_WORDS = {"started": "running", "retrying": "to be retried"}


class TaskStates:
    """Keeps the state of each task of a job, read from its events."""

    def __init__(self, count_tasks: Callable[[], int]) -> None:
        """`count_tasks` returns how many tasks the job has. It is called again when more tasks than that are seen."""
        self._count_tasks = count_tasks
        self._states: dict[str, str] = {}
        self.total = count_tasks()

    def take(self, event: Event) -> None:
        state = event.type.rpartition(".")[2]
        if event.task is None or state not in (*_WORDS, *_ENDS):
            return
        self._states[event.task] = state
        if len(self._states) > self.total:  # tasks add others
            self.total = max(self._count_tasks(), len(self._states))

    @property
    def many(self) -> bool:
        return self.total > MANY

    @property
    def ended(self) -> int:
        return sum(state in _ENDS for state in self._states.values())

    def summary(self) -> str:
        """Formats the states: `120 of 301 tasks: 117 succeeded, 3 failed, 8 running`."""
        counted = Counter(self._states.values())
        parts = [f"{counted[state]:,} {_WORDS.get(state, state)}" for state in (*_ENDS, *_WORDS) if counted[state]]
        return f"{self.ended:,} of {count(self.total, 'task')} ended: {', '.join(parts) or 'none has started'}"


class Lines:
    """Prints a line for each event, and a line for progress at most every `PROGRESS_EVERY`.

    Of many tasks it prints the first failures, and the summary as progress.
    """

    def __init__(self, session: Session, tasks: TaskStates) -> None:
        self._session = session
        self._tasks = tasks
        self._progress_at: datetime | None = None
        self._failures = 0

    def show(self, event: Event) -> None:
        self._tasks.take(event)
        if not self._tasks.many:
            self._show_event(event)
        elif event.task is None:
            self._print_summary(event)
            self._session.parts(*line(event))
        else:
            self._show_one_of_many(event)

    def _show_event(self, event: Event) -> None:
        if event.type != "task.progressed" or self._progress_is_due(event.at):
            self._session.parts(*line(event))

    def _show_one_of_many(self, event: Event) -> None:
        if event.type == "task.failed" and self._failures < FAILURES:
            self._failures += 1
            self._session.parts(*line(event))
        self._show_progress(event)

    def _show_progress(self, event: Event) -> None:
        if self._progress_is_due(event.at):
            self._print_summary(event)

    def _print_summary(self, event: Event) -> None:
        self._session.parts(_time(event), Styled(self._tasks.summary(), "dim"))

    def _progress_is_due(self, at: datetime) -> bool:
        if self._progress_at and at - self._progress_at < PROGRESS_EVERY:
            return False
        self._progress_at = at
        return True


class LiveLines(Lines):
    """Prints the same lines on a terminal, with a progress bar below them instead of progress lines."""

    def __init__(self, session: Session, tasks: TaskStates, bar: "Progress") -> None:
        super().__init__(session, tasks)
        self._bar = bar
        self._bar_id = bar.add_task("waiting", total=None, note="")

    def _show_event(self, event: Event) -> None:
        if event.type == "task.progressed":
            data = event.data
            total, current = data.get("total"), data.get("current") or 0
            note = one_line(progress_line({**data, "percent": None}))
            self._bar.update(self._bar_id, description=event.task or "", completed=current, total=total, note=note)
            return
        if event.type == "task.started":
            self._bar.reset(self._bar_id, description=event.task or "", total=None, note="")
        super()._show_event(event)

    def _show_progress(self, event: Event) -> None:  # noqa: ARG002 - the bar shows the state of now
        tasks = self._tasks
        self._bar.update(
            self._bar_id, description="tasks", completed=tasks.ended, total=tasks.total, note=tasks.summary()
        )


@contextmanager
def event_printer(session: Session, job: Job) -> Iterator[Lines]:
    """Returns the printer for this output."""
    tasks = TaskStates(lambda: sum(job.refresh().data["counts"].values()))
    if not session.out.is_terminal:
        yield Lines(session, tasks)
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, console=session.out, transient=True) as bar:
        yield LiveLines(session, tasks, bar)


def line(event: Event) -> tuple[Styled, Styled]:
    """Returns an event's time and its text."""
    state = event.data.get("state", "") if event.type == "job.finished" else event.type.rpartition(".")[2]
    style = "dim" if event.type in ("task.logged", "task.progressed") else states.style(state)
    return _time(event), Styled(one_line(event.line()), style or "default")


def _time(event: Event) -> Styled:
    return Styled(f"{event.at.astimezone():%H:%M:%S %Z}  ", "dim")
