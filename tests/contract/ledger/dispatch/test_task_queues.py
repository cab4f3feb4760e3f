"""Tasks that are served on several queues: who announces what where."""

from sqlalchemy import update

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import workers as table
from bureau.ledger.dispatch.announced import Catalogs, announced
from bureau.ledger.dispatch.workers import register, stopped
from tests.contract.ledger.dispatch.test_workers import a_worker, catalog


def test_a_task_is_announced_on_each_queue_of_its_workers(db: Database) -> None:
    both = catalog("shop.a", "shop.b")
    register(db, a_worker("shop-h-1", offers=both))
    register(db, a_worker("bulk-h-1", queue="bulk", offers=both))
    register(db, a_worker("w2", queue="night", offers=catalog("shop.a")))
    stopped(db, ["w2"])
    found = announced(db)
    assert found.queues_by_task == {"shop.a": ("bulk", "night", "shop"), "shop.b": ("bulk", "shop")}
    assert found.served == {(queue, run) for queue in ("shop", "bulk") for run in ("shop.a", "shop.b")}
    assert found.workers_by_task == {"shop.a": 1, "shop.b": 1}  # one process with two queues


def test_each_queue_keeps_the_catalog_of_its_last_workers(db: Database) -> None:
    known: Catalogs = {}
    register(db, a_worker("w1", offers=catalog("shop.a", description="new")))
    register(db, a_worker("w2", queue="bulk", offers=catalog("shop.a", "shop.gone", description="old")))
    with db.transaction() as connection:
        connection.execute(update(table).where(table.c.id == "w2").values(seen_at=later(-3600)))
    found = announced(db, known)
    assert found.queues_by_task == {"shop.a": ("bulk", "shop"), "shop.gone": ("bulk",)}
    assert {task.name: task.description for task in found.catalog.tasks} == {"shop.a": "new", "shop.gone": "old"}
