"""Tests which lines `follow` prints of a job's events, for a few tasks and for many."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bureau.cli.cells import Styled
from bureau.cli.commands.event_printer import FAILURES, MANY, Lines, TaskStates
from bureau.client import Event

BEGIN = datetime(2026, 5, 4, tzinfo=UTC)


class Paper:
    """A session whose lines are kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def parts(self, *parts: Styled) -> None:
        self.lines.append("".join(part.text for part in parts[1:]))


class Printed:
    """Events that are shown one after the other, a quarter of a second apart."""

    def __init__(self, *totals: int) -> None:
        """`totals` are the numbers of tasks that the job has, each time it is asked."""
        self.paper = Paper()
        self.asked = 0
        self._totals = totals
        self._at = BEGIN
        self._lines = Lines(self.paper, TaskStates(self._total))  # type: ignore[arg-type]  # it only prints

    def _total(self) -> int:
        self.asked += 1
        return self._totals[min(self.asked, len(self._totals)) - 1]

    def show(self, kind: str, task: str | None = None, **data: Any) -> None:
        self._at += timedelta(seconds=0.25)
        self._lines.show(Event(1, kind, self._at, "j", task, data))

    def work(self, task: str, end: str = "task.succeeded", **data: Any) -> None:
        self.show("task.started", task, attempt=1)
        self.show("task.logged", task, line="handing over")
        self.show("task.progressed", task, current=1)
        self.show(end, task, **data)


def test_each_event_of_a_few_tasks_has_a_line() -> None:
    printed = Printed(2)
    printed.work("add")
    printed.work("more")
    printed.show("job.finished", state="succeeded")
    # of the progress at most one line in ten seconds
    lines = ["add: started", "add: handing over", "add: 1", "add: succeeded"]
    lines += ["more: started", "more: handing over", "more: succeeded", "The job succeeded"]
    assert printed.paper.lines == lines


def test_three_hundred_tasks_are_summed_up() -> None:
    printed = Printed(301)
    for number in range(301):
        printed.work(f"send-{number}")
    printed.show("job.finished", state="succeeded")
    assert len(printed.paper.lines) < 40  # 301 s of events, a line each ten seconds
    assert printed.paper.lines[0] == "0 of 301 tasks ended: 1 running"
    assert printed.paper.lines[-2:] == ["301 of 301 tasks ended: 301 succeeded", "The job succeeded"]


def test_tasks_that_are_added_later_are_summed_up_too() -> None:
    """A job of certificates begins with one task, which adds a mail for each person."""
    printed = Printed(1, 301)
    printed.work("issue")
    for number in range(300):
        printed.work(f"send-{number}")
    assert printed.asked == 2
    assert printed.paper.lines[:4] == ["issue: started", "issue: handing over", "issue: 1", "issue: succeeded"]
    assert len(printed.paper.lines) < 44


def test_the_first_failures_of_many_tasks_are_shown_and_the_others_counted() -> None:
    printed = Printed(MANY + 30)
    error = {"code": "mailbox_full", "message": "No room."}
    for number in range(MANY + 30):
        printed.work(f"send-{number}", "task.failed", error=error)
    printed.show("job.finished", state="failed")
    failures = [text for text in printed.paper.lines if text.endswith("failed: mailbox_full: No room.")]
    assert len(failures) == FAILURES
    assert printed.paper.lines[-2] == f"{MANY + 30} of {MANY + 30} tasks ended: {MANY + 30} failed"


def test_tasks_that_will_run_again_are_not_counted_as_ended() -> None:
    states = TaskStates(lambda: 1_200)
    for kind, task in (("started", "a"), ("started", "b"), ("retrying", "b"), ("cancelled", "c"), ("logged", "d")):
        states.take(Event(1, f"task.{kind}", BEGIN, "j", task, {}))
    assert states.summary() == "1 of 1,200 tasks ended: 1 cancelled, 1 running, 1 to be retried"
