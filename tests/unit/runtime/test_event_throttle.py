"""An event buffer lets five lines a second pass, counts the others, and keeps the last progress."""

import pytest

from bureau.ledger.jobs.events import TaskEvent
from bureau.runtime.execution.event_buffer import FIRST_LINES, LINES_A_SECOND, LINES_HELD, EventBuffer
from bureau.runtime.execution.throttle import Throttle


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def said(clock: Clock) -> EventBuffer:
    """Of a task whose start and first lines were written."""
    made = EventBuffer("work", 1, "w", clock=clock, first_lines=0)
    made.rest()
    return made


def lines(events: list[TaskEvent]) -> list[str]:
    return [event.data["line"] for event in events if event.type == "task.logged"]


def say(said: EventBuffer, first: int, last: int) -> None:
    for number in range(first, last + 1):
        said.line(str(number))


def test_in_any_second_no_more_pass_than_allowed() -> None:
    throttle = Throttle(2)
    passed = [now for now in (0.0, 0.6, 0.9, 1.0, 1.5, 1.6, 1.9, 2.0) if throttle.passes(now)]
    assert passed == [0.0, 0.6, 1.0, 1.6, 2.0]


def test_the_first_thing_said_is_the_start(clock: Clock) -> None:
    made = EventBuffer("work", 3, "w-1", clock=clock)
    said = TaskEvent("task.started", "work", {"attempt": 3, "worker": "w-1"})
    assert made.has_news
    assert made.rest() == [said]
    assert not made.has_news


def test_five_lines_pass_in_a_second_and_the_count_of_the_others_at_the_end(said: EventBuffer) -> None:
    say(said, 1, 125)
    assert lines(said.rest()) == ["1", "2", "3", "4", "5", "… 120 log lines left out"]


def test_the_first_lines_of_a_task_all_pass(clock: Clock) -> None:
    made = EventBuffer("work", 1, "w", clock=clock)
    say(made, 1, 125)
    first = FIRST_LINES + LINES_A_SECOND
    assert lines(made.rest()) == [*(str(n) for n in range(1, first + 1)), f"… {125 - first} log lines left out"]


def test_one_line_left_out_is_one_line(said: EventBuffer) -> None:
    say(said, 1, 6)
    assert lines(said.rest())[-1] == "… 1 log line left out"


def test_the_count_is_said_before_the_next_line_that_passes(said: EventBuffer, clock: Clock) -> None:
    say(said, 1, 7)
    clock.now += 1
    say(said, 8, 12)
    assert lines(said.rest()) == [
        "1",
        "2",
        "3",
        "4",
        "5",
        "… 2 log lines left out",
        "8",
        "9",
        "10",
        "11",
        "… 1 log line left out",
    ]


def test_a_task_that_falls_silent_leaves_no_count_unsaid(said: EventBuffer, clock: Clock) -> None:
    say(said, 1, 7)
    with said.writing() as first:
        assert lines(first.events) == ["1", "2", "3", "4", "5"]
    assert said.has_news
    clock.now += 1
    with said.writing() as second:
        assert lines(second.events) == ["… 2 log lines left out"]
    assert not said.has_news


def test_a_chatty_task_says_five_things_a_second(said: EventBuffer, clock: Clock) -> None:
    for _ in range(100):
        say(said, 1, 10)
        clock.now += 0.1
    written = lines(said.rest())
    assert len(written) <= 51  # ten seconds, and the count at the end
    left_out = sum(int(line.split()[1]) for line in written if line.startswith("…"))
    assert left_out + len([line for line in written if not line.startswith("…")]) == 1000


def test_while_nothing_can_be_written_what_is_held_has_a_limit(said: EventBuffer, clock: Clock) -> None:
    for number in range(LINES_HELD + 10):
        said.line(str(number))
        clock.now += 1
    written = lines(said.rest())
    assert len(written) == LINES_HELD + 1
    assert written[-1] == "… 10 log lines left out"


def test_only_the_last_progress_is_written(said: EventBuffer) -> None:
    for done in range(100):
        said.progress(done, 100, "rows")
    assert said.rest() == [
        TaskEvent("task.progressed", "work", {"current": 99, "total": 100, "percent": 99.0, "note": "rows"})
    ]
    assert said.rest() == []


def test_progress_that_did_not_change_is_not_said_again(said: EventBuffer) -> None:
    said.progress(1, 2, None)
    with said.writing() as first:
        assert len(first.events) == 1
    said.progress(1, 2, None)
    assert not said.has_news
    said.progress(2, 2, None)
    assert [event.data["current"] for event in said.rest()] == [2]


def test_unwritten_events_come_first_next_time_and_progress_once(said: EventBuffer) -> None:
    said.line("first")
    said.progress(1, 4, None)

    def fail() -> None:
        with said.writing():
            said.line("second")
            said.progress(2, 4, None)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail()
    written = said.rest()
    assert lines(written) == ["first", "second"]
    assert [event.data["current"] for event in written if event.type == "task.progressed"] == [2]


def test_progress_that_could_not_be_written_and_did_not_change_comes_again(said: EventBuffer) -> None:
    said.progress(1, 4, None)
    with pytest.raises(ConnectionError), said.writing():
        raise ConnectionError
    assert [event.type for event in said.rest()] == ["task.progressed"]


def test_a_progress_of_nan_is_dropped(said: EventBuffer) -> None:
    said.progress(float("nan"), 4, None)
    assert said.last_progress is None
    assert not said.has_news
