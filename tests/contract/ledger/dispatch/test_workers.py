"""Workers: who lives, what they announced, and how many hints their queues may hold."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update

from bureau.contracts.catalog import Catalog, ReportDescription, TaskDescription, TemplateDescription
from bureau.contracts.outage import Outage
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import workers as table
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.announced import Catalogs, announced
from bureau.ledger.dispatch.workers import TROUBLES, NewWorker, register, seen, served, stopped
from bureau.ledger.reads.reported_outages import away


def catalog(*names: str, description: str = "") -> Catalog:
    return Catalog(
        tasks=[
            TaskDescription(
                name=name, description=description, queue=name.split(".")[0], input_schema={}, result_schema={}
            )
            for name in names
        ]
    )


def a_worker(worker_id: str, *, queue: str = "shop", threads: int = 4, offers: Catalog | None = None) -> NewWorker:
    return NewWorker(
        id=worker_id,
        service=queue,
        queue=queue,
        version="1.0",
        host="h",
        pid=7,
        threads=threads,
        catalog=offers or catalog(f"{queue}.work"),
    )


def change(db: Database, worker_id: str, **values: Any) -> None:
    with db.transaction() as connection:
        connection.execute(update(table).where(table.c.id == worker_id).values(**values))


def test_a_registered_worker_is_live(db: Database) -> None:
    register(db, a_worker("w1"))
    (row,) = workers.workers(db)
    assert (row.id, row.service, row.queue, row.version, row.host, row.pid) == ("w1", "shop", "shop", "1.0", "h", 7)
    assert (row.threads, row.busy, row.live) == (4, 0, True)
    assert row.started_at == row.seen_at


def test_a_worker_that_fell_silent_is_shown_but_not_live(db: Database) -> None:
    register(db, a_worker("w1"))
    change(db, "w1", seen_at=later(-35))
    assert [row.live for row in workers.workers(db)] == [False]
    assert served(db) == {}
    assert seen(db, "w1", busy=2, claimed=3, memory_bytes=5_000_000_000)
    assert [(row.live, row.busy, row.memory_bytes) for row in workers.workers(db)] == [(True, 2, 5_000_000_000)]


def test_a_worker_that_said_goodbye_is_not_live(db: Database) -> None:
    register(db, a_worker("w1"))
    seen(db, "w1", busy=3, claimed=0)
    stopped(db, ["w1"])
    assert [(row.live, row.busy) for row in workers.workers(db)] == [(False, 0)]


def test_a_worker_whose_row_is_gone_should_register_again(db: Database) -> None:
    assert not seen(db, "w1", busy=0, claimed=0)
    register(db, a_worker("w1"))
    stopped(db, ["w1"])
    register(db, a_worker("w1"))
    assert [(row.id, row.live) for row in workers.workers(db)] == [("w1", True)]


def test_workers_of_yesterday_are_forgotten(db: Database) -> None:
    register(db, a_worker("old"))
    change(db, "old", seen_at=later(-25 * 3600))
    assert workers.workers(db) == []
    register(db, a_worker("new"))
    with db.read() as connection:
        assert connection.exec_driver_sql("SELECT id FROM workers").scalars().all() == ["new"]


def test_workers_are_listed_by_service_the_newest_first(db: Database) -> None:
    for worker_id, queue, age in (("s1", "shop", 20), ("s2", "shop", 10), ("m1", "mailer", 30)):
        register(db, a_worker(worker_id, queue=queue))
        change(db, worker_id, started_at=later(-age))
    assert [row.id for row in workers.workers(db)] == ["m1", "s2", "s1"]


def test_a_window_is_twice_the_threads_of_a_queues_workers(db: Database) -> None:
    register(db, a_worker("w1", threads=4))
    register(db, a_worker("w2", threads=3))
    register(db, a_worker("m1", queue="mailer", threads=1))
    assert {queue: live.window for queue, live in served(db).items()} == {"shop": 14, "mailer": 2}


def test_a_window_grows_with_what_was_claimed_lately(db: Database) -> None:
    register(db, a_worker("w1", threads=4))
    register(db, a_worker("w2", threads=4))
    seen(db, "w1", busy=4, claimed=70)
    seen(db, "w2", busy=4, claimed=50)
    assert {queue: live.window for queue, live in served(db).items()} == {"shop": 120}


def test_a_queue_without_a_live_worker_has_no_window(db: Database) -> None:
    register(db, a_worker("w1"))
    stopped(db, ["w1"])
    assert served(db) == {}


def test_the_catalogs_of_services_are_merged_and_counted(db: Database) -> None:
    register(db, a_worker("w1", offers=catalog("shop.b", "shop.a")))
    register(db, a_worker("w2", offers=catalog("shop.b")))
    register(db, a_worker("w3", queue="mailer", offers=catalog("mailer.send")))
    stopped(db, ["w3"])
    found = announced(db)
    assert [task.name for task in found.catalog.tasks] == ["mailer.send", "shop.a", "shop.b"]
    assert found.workers_by_task == {"mailer.send": 0, "shop.a": 1, "shop.b": 2}


def names(db: Database) -> list[str]:
    return [task.name for task in announced(db).catalog.tasks]


def test_a_removed_task_is_gone_once_no_live_worker_announces_it(db: Database) -> None:
    """A rolling deploy: the old worker serves its task until it stops, and only then the task is refused."""
    known: Catalogs = {}
    register(db, a_worker("old", offers=catalog("shop.a", "shop.removed")))
    register(db, a_worker("new", offers=catalog("shop.a", "shop.added")))
    assert [task.name for task in announced(db, known).catalog.tasks] == ["shop.a", "shop.added", "shop.removed"]
    stopped(db, ["old"])
    assert [task.name for task in announced(db, known).catalog.tasks] == ["shop.a", "shop.added"]
    change(db, "old", stopped_at=None, seen_at=later(-35))  # killed, so that it could not say that it stops
    assert names(db) == ["shop.a", "shop.added"]


def test_a_service_without_a_live_worker_keeps_the_catalog_of_its_last_workers(db: Database) -> None:
    for worker_id, offers in (("old", "shop.removed"), ("a", "shop.a"), ("b", "shop.b")):
        register(db, a_worker(worker_id, offers=catalog(offers)))
    change(db, "old", seen_at=later(-3600))
    change(db, "a", seen_at=later(-70))
    change(db, "b", seen_at=later(-50))
    assert names(db) == ["shop.a", "shop.b"]
    change(db, "a", seen_at=later(-90))
    assert names(db) == ["shop.b"]


def test_a_removed_report_and_template_are_gone_too(db: Database) -> None:
    sales = ReportDescription(name="sales", title="Sales", source="demo", params_schema={"type": "object"})
    register(db, a_worker("old", offers=Catalog(reports=[sales], templates=[TemplateDescription(name="welcome")])))
    register(db, a_worker("new", offers=Catalog()))
    assert [one.name for one in announced(db).catalog.reports] == ["sales"]
    stopped(db, ["old"])
    found = announced(db).catalog
    assert (found.reports, found.templates) == ([], [])


def test_the_worker_that_started_last_has_the_say(db: Database) -> None:
    register(db, a_worker("new", offers=catalog("shop.a", description="new")))
    register(db, a_worker("old", offers=catalog("shop.a", description="old")))
    change(db, "old", started_at=later(-60))
    assert [task.description for task in announced(db).catalog.tasks] == ["new"]


def test_a_catalog_comes_back_as_it_was_announced(db: Database) -> None:
    given = Catalog(
        tasks=[
            TaskDescription(
                name="shop.a",
                description="Ünï",
                queue="shop",
                input_schema={"type": "object", "properties": {"n": {"minimum": 1}}},
                result_schema={"type": ["integer", "null"]},
                time_limit_seconds=12.5,
            )
        ],
        reports=[ReportDescription(name="sales", title="Sales", source="demo", params_schema={"type": "object"})],
        templates=[TemplateDescription(name="welcome", description="Hello")],
    )
    register(db, a_worker("w1", offers=given))
    assert announced(db).catalog == given


def smtp(minute: int, name: str = "smtp", why: str = "no route") -> Outage:
    return Outage(name=name, how="open circuit", since=datetime(2026, 5, 4, 2, minute, tzinfo=UTC), why=why)


def test_an_outage_is_in_a_workers_row_while_the_worker_reports_it(db: Database) -> None:
    register(db, a_worker("w1"))
    assert [row.trouble for row in workers.workers(db)] == [()]
    seen(db, "w1", busy=0, claimed=0, trouble=[smtp(50)])
    assert [row.trouble for row in workers.workers(db)] == [(smtp(50),)]
    change(db, "w1", seen_at=later(-35))
    assert [row.trouble for row in workers.workers(db)] == [()]  # it fell silent: what it said may be over
    seen(db, "w1", busy=0, claimed=0)
    assert [row.trouble for row in workers.workers(db)] == [()]


def test_a_row_holds_few_troubles(db: Database) -> None:
    register(db, a_worker("w1"))
    seen(db, "w1", busy=0, claimed=0, trouble=[smtp(50, f"smtp{n}") for n in range(50)])
    assert [len(row.trouble) for row in workers.workers(db)] == [TROUBLES]


def test_an_outage_of_several_workers_is_one_since_the_first_report(db: Database) -> None:
    for worker_id, queue in (("m1", "mailer"), ("m2", "mailer"), ("m3", "mailer"), ("gone", "mailer"), ("s1", "shop")):
        register(db, a_worker(worker_id, queue=queue))
    assert away(db) == []
    seen(db, "m1", busy=0, claimed=0, trouble=[smtp(51), smtp(55, "sendgrid")])
    seen(db, "m2", busy=0, claimed=0, trouble=[smtp(50, why="it hangs")])
    seen(db, "gone", busy=0, claimed=0, trouble=[smtp(10)])
    stopped(db, ["gone"])
    seen(db, "s1", busy=0, claimed=0, trouble=[smtp(52)])
    assert [(one.queue, one.workers, one.trouble) for one in away(db)] == [
        ("mailer", 1, smtp(55, "sendgrid")),
        ("mailer", 2, smtp(50, why="it hangs")),
        ("shop", 1, smtp(52)),
    ]
