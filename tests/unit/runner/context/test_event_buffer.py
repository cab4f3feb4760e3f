"""What a running task says: lines and progress reach the ledger in order, once, through its outages."""

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.catalog import Catalog
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.workers import NewWorker
from bureau.ledger.jobs import progress as running
from bureau.ledger.jobs.events import TaskEvent
from bureau.runtime.reporter import Reporter, ServedQueue
from bureau.task import Context
from tests.support.waiting import until
from tests.unit.runner.conftest import Bench


class Halted:
    """A task that says something, waits to be let go, and says something more."""

    def __init__(self, bench: Bench, *, lines_before: int = 1) -> None:
        self._lines_before = lines_before
        self.said, self.go_on = threading.Event(), threading.Event()
        bench.serve(self.work)
        self.job_id = bench.book.submit()
        self._thread = threading.Thread(target=bench.give, args=[self.job_id], daemon=True)

    def work(self, ctx: Context) -> None:
        for _ in range(self._lines_before):
            ctx.log("before")
        ctx.progress(1, 4, "rows")
        self.said.set()
        self.go_on.wait(20)
        ctx.log("after")
        ctx.progress(4, 4, "rows")

    def start(self) -> "Halted":
        self._thread.start()
        assert self.said.wait(10)
        return self

    def end(self) -> None:
        self.go_on.set()
        self._thread.join(10)


def lines(bench: Bench, job_id: UUID) -> list[str]:
    return [event.data["line"] for event in bench.book.events(job_id) if event.type == "task.logged"]


def reporter_of(bench: Bench, db: Database) -> Reporter:
    worker = NewWorker(id="w", service="shop", queue="shop", version="1", host="h", pid=1, threads=4, catalog=Catalog())
    return Reporter(db, bench.heartbeat, [ServedQueue(worker, [bench.runner.pace], lambda: ())])


@pytest.fixture
def reporter(bench: Bench) -> Iterator[Reporter]:
    made = reporter_of(bench, bench.db)
    made.register()
    yield made
    made.stop()


def test_lines_and_progress_are_there_while_the_task_runs(bench: Bench, reporter: Reporter) -> None:
    task = Halted(bench).start()
    reporter.start()
    until(lambda: lines(bench, task.job_id) == ["before"], message="the line")
    until(lambda: bench.book.task(task.job_id).progress is not None, message="the progress")
    assert bench.book.task(task.job_id).progress == {"current": 1, "total": 4, "note": "rows"}
    assert bench.book.task(task.job_id).state == "running"
    task.end()
    assert lines(bench, task.job_id) == ["before", "after"]
    assert bench.book.task(task.job_id).progress == {"current": 4, "total": 4, "note": "rows"}


def test_without_a_reporter_all_is_there_at_the_end(bench: Bench) -> None:
    task = Halted(bench).start()
    task.end()
    assert bench.book.story(task.job_id) == [
        "task.started only",
        "task.logged only",
        "task.logged only",
        "task.progressed only",
        "task.succeeded only",
        "job.finished",
    ]
    assert bench.book.task(task.job_id).progress == {"current": 4, "total": 4, "note": "rows"}


def test_the_last_lines_of_a_failure_are_kept(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        ctx.log("on the way")
        raise ValueError

    job_id = bench.run(work)
    assert bench.book.story(job_id) == ["task.started only", "task.logged only", "task.retrying only"]


def test_a_write_that_is_slow_keeps_its_place_before_the_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reporter holds lines in its hands when the task ends: they come before the end, not after."""
    writing, write_on = threading.Event(), threading.Event()
    write = running.write_events

    def slow(db: Database, by_job: Mapping[UUID, Sequence[TaskEvent]], progress: Any) -> None:
        if by_job:
            writing.set()
            write_on.wait(10)
        write(db, by_job, progress)

    monkeypatch.setattr(running, "write_events", slow)
    reporter = reporter_of(bench, bench.db)
    task = Halted(bench).start()
    reporter.start()
    assert writing.wait(10)
    ending = threading.Thread(target=task.end)
    ending.start()
    ending.join(0.2)  # it would have ended by now, were it not waiting for the lines
    write_on.set()
    ending.join(10)
    reporter.stop()
    assert lines(bench, task.job_id) == ["before", "after"]
    assert bench.book.story(task.job_id)[-2:] == ["task.succeeded only", "job.finished"]


def test_an_outage_loses_neither_lines_nor_progress(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[Any] = []
    write = running.write_events

    def away_once(db: Database, by_job: Any, progress: Any) -> None:
        if progress and not failed:
            failed.append(progress)
            raise LedgerUnavailable("away")
        write(db, by_job, progress)

    monkeypatch.setattr(running, "write_events", away_once)
    task = Halted(bench).start()
    reporter = reporter_of(bench, bench.db)
    reporter.start()
    until(lambda: lines(bench, task.job_id) == ["before"], message="the line")
    until(lambda: bench.book.task(task.job_id).progress is not None, message="the progress")
    assert failed
    task.end()
    reporter.stop()
    assert lines(bench, task.job_id) == ["before", "after"]


def test_lines_left_out_that_may_not_be_told_yet_hold_nothing_up(bench: Bench) -> None:
    task = Halted(bench, lines_before=29).start()
    reporter = reporter_of(bench, bench.db)
    reporter._write(bench.heartbeat.executions())
    reporter._write(bench.heartbeat.executions())  # four were left out: there is news, and none of it may pass
    assert lines(bench, task.job_id) == ["before"] * 25
    task.end()


def test_the_worker_lives_on_though_what_its_tasks_say_cannot_be_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any) -> None:
        raise ValueError("no database takes this")

    monkeypatch.setattr(running, "write_events", refuse)
    monkeypatch.setattr("bureau.runtime.reporter.SEEN_SECONDS", 0.0)
    task = Halted(bench).start()
    reporter = reporter_of(bench, bench.db)
    reporter.start()
    until(lambda: [row.busy for row in workers.workers(bench.db)] == [1], message="the worker's row")
    task.end()
    reporter.stop()


def test_a_worker_whose_row_was_deleted_registers_again(bench: Bench, reporter: Reporter) -> None:
    with bench.db.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM workers")
    reporter.start()
    until(lambda: [row.id for row in workers.workers(bench.db)] == ["w"], message="the worker's row")


def test_a_reporter_that_stops_says_goodbye(bench: Bench) -> None:
    reporter = reporter_of(bench, bench.db)
    reporter.register()
    reporter.start()
    reporter.stop()
    assert [row.live for row in workers.workers(bench.db)] == [False]


def test_a_reporter_stops_though_the_ledger_is_away(bench: Bench) -> None:
    gone = Database("postgresql+psycopg://bureau:x@127.0.0.1:9/ledger")
    reporter = reporter_of(bench, gone)
    reporter.start()
    reporter.stop()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ((1, 4, "rows"), (1, 4, "rows")),
        ((0.5, None, None), (0.5, None, None)),
        ((Decimal("2.5"), Decimal(10), None), (2.5, 10.0, None)),
        ((3, math.inf, None), (3, None, None)),
        ((3, math.nan, None), (3, None, None)),
        ((math.nan, 4, None), None),
        ((-math.inf, 4, None), None),
        ((3, 4, "a\x00b\ud800"), (3, 4, "ab\ufffd")),
        ((3, 4, "x" * 5000), (3, 4, "x" * 200)),
    ],
)
def test_progress_is_such_as_any_database_takes(bench: Bench, given: Any, kept: Any) -> None:
    def work(ctx: Context) -> None:
        ctx.progress(*given)

    job_id = bench.run(work)
    row = bench.book.task(job_id)
    assert row.state == "succeeded"
    expected = None if kept is None else dict(zip(("current", "total", "note"), kept, strict=True))
    assert row.progress == expected


def test_progress_that_is_no_number_is_the_tasks_own_error(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        ctx.progress("half")  # type: ignore[arg-type]

    assert bench.book.task(bench.run(work)).error["code"] == "unexpected_error"


def test_lines_are_cut_and_cleaned(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        ctx.log("a\x00b\ud800" + "x" * 5000)
        ctx.log("")

    said = lines(bench, bench.run(work))
    assert said[0].startswith("ab\ufffdx")
    assert [len(line) for line in said] == [1000, 0]


def test_a_task_that_says_too_much_is_told_how_much_was_left_out(bench: Bench) -> None:
    def work(ctx: Context) -> None:
        for number in range(125):
            ctx.log(str(number))

    said = lines(bench, bench.run(work))
    assert said[:5] == ["0", "1", "2", "3", "4"]
    assert said[-1].endswith(" log lines left out")


def test_a_start_that_was_written_meanwhile_is_not_written_again(bench: Bench, reporter: Reporter) -> None:
    task = Halted(bench).start()
    reporter.start()
    until(lambda: "task.started only" in bench.book.story(task.job_id), message="the start")
    task.end()
    assert bench.book.story(task.job_id).count("task.started only") == 1
    started = bench.book.events(task.job_id)[0]
    assert (started.type, started.data) == ("task.started", {"attempt": 1, "worker": "w"})


def test_an_event_bears_the_time_it_was_said_at(bench: Bench) -> None:
    """Lines are written in batches, and long after an outage."""

    def work(ctx: Context) -> None:
        ctx.log("first")
        ctx.stop.wait(0.2)
        ctx.log("second")

    times = {event.data.get("line", event.type): event.at for event in bench.book.events(bench.run(work))}
    assert times["second"] - times["first"] >= timedelta(seconds=0.19)
    assert times["task.started"] <= times["first"]
    assert times["second"] <= times["task.succeeded"] <= times["job.finished"]
