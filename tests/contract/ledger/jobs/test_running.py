"""What a running task says meanwhile: lines become events, the last progress is kept."""

from bureau.contracts.ids import new_id
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.progress import write_events
from bureau.ledger.reads import job_queries
from tests.support.ledger.book import Book, again, task
from tests.support.together import together


def line(text: str, name: str = "only") -> TaskEvent:
    return TaskEvent("task.logged", name, {"line": text})


def test_lines_of_several_jobs_are_written_together_each_numbered_by_itself(book: Book) -> None:
    first, second = book.submit(), book.submit()
    write_events(book.db, {first: [line("a"), line("b")], second: [line("c")]})
    write_events(book.db, {first: [line("d")]})
    assert [(event.seq, event.data["line"]) for event in book.events(first)] == [(1, "a"), (2, "b"), (3, "d")]
    assert [(event.seq, event.data["line"]) for event in book.events(second)] == [(1, "c")]


def test_a_report_without_events_writes_nothing(book: Book) -> None:
    job_id = book.submit()
    write_events(book.db, {})
    write_events(book.db, {job_id: []})
    write_events(book.db, {}, {})
    assert book.events(job_id) == []


def test_lines_for_a_job_that_was_deleted_are_dropped_and_the_others_are_kept(book: Book) -> None:
    job_id = book.submit()
    write_events(book.db, {new_id(): [line("lost")], job_id: [line("kept")]})
    assert [event.data["line"] for event in book.events(job_id)] == ["kept"]


def test_no_event_follows_the_end_of_a_job(book: Book) -> None:
    """A worker that lost its claim goes on talking until it hears of it."""
    job_id = book.submit()
    book.run(job_id)
    write_events(book.db, {job_id: [line("late")]})
    assert book.story(job_id) == ["task.succeeded only", "job.finished"]


def test_many_writers_number_events_without_gaps(book: Book) -> None:
    job_id = book.submit(*(task(f"t{n}") for n in range(4)))
    claims = [book.take(job_id, f"t{n}") for n in range(4)]

    def talk(number: int) -> None:
        for n in range(10):
            write_events(book.db, {job_id: [line(f"{number}.{n}", f"t{number}")]})
        book.finish(claims[number], lines=[line(f"{number}.last", f"t{number}")])

    together(4, talk)
    for number in range(4):
        said = [event.data["line"] for event in book.events(job_id) if event.data.get("line", "")[:1] == str(number)]
        assert said == [*(f"{number}.{n}" for n in range(10)), f"{number}.last"]


def test_the_last_progress_of_each_claim_is_kept(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"))
    a, b = book.take(job_id, "a"), book.take(job_id, "b")
    write_events(book.db, {}, {(a.task_id, 1): {"current": 1, "total": 4, "note": "rows"}})
    write_events(
        book.db,
        {},
        {
            (a.task_id, 1): {"current": 2, "total": 4, "note": "rows"},
            (b.task_id, 1): {"current": 9.5, "total": None, "note": None},
        },
    )
    assert book.task(job_id, "a").progress == {"current": 2, "total": 4, "note": "rows"}
    assert book.task(job_id, "b").progress == {"current": 9.5, "total": None, "note": None}


def test_progress_of_a_claim_that_is_no_longer_held_is_dropped(book: Book) -> None:
    job_id = book.submit()
    lost = book.take(job_id)
    book.finish(lost, again())
    write_events(book.db, {}, {(lost.task_id, 1): {"current": 1, "total": None, "note": None}})
    assert book.task(job_id).progress is None
    book.take(job_id)
    write_events(book.db, {}, {(lost.task_id, 1): {"current": 1, "total": None, "note": None}})
    assert book.task(job_id).progress is None


def test_the_lines_shown_are_the_last_two_hundred_of_a_task(book: Book) -> None:
    job_id = book.submit(task("a"), task("b"))
    write_events(book.db, {job_id: [line(str(n), "a") for n in range(250)] + [line("one", "b")]})
    view = job_queries.job(book.db, job_id, "ada")
    assert view is not None
    assert [said["line"] for said in view.tasks[0].logs] == [str(n) for n in range(50, 250)]
    assert [said["line"] for said in view.tasks[1].logs] == ["one"]
    assert view.tasks[0].logs[0]["at"].tzinfo is not None
