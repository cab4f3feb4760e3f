"""Catalogs of deployments: they count without a worker, are replaced wholly, and never expire by themselves."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, cast

import pytest
from sqlalchemy import update

from bureau.contracts.catalog import Catalog, ReportDescription, TemplateDescription
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import deployed_catalogs
from bureau.ledger.dispatch import workers
from bureau.ledger.dispatch.announced import Catalogs, announced
from bureau.ledger.dispatch.deployed import deploy, deployed, withdraw
from bureau.ledger.dispatch.workers import register, served, stopped
from bureau.ledger.retention.sweep import forget_workers
from tests.contract.ledger.dispatch.test_workers import a_worker, catalog, change, names


def deployed_ago(db: Database, queue: str, seconds: float) -> None:
    with db.transaction() as connection:
        connection.execute(
            update(deployed_catalogs).where(deployed_catalogs.c.queue == queue).values(announced_at=later(-seconds))
        )


def described(db: Database) -> list[str]:
    return [task.description for task in announced(db).catalog.tasks]


def test_a_deployed_catalog_counts_without_any_worker(db: Database) -> None:
    given = Catalog(
        tasks=catalog("shop.a").tasks,
        reports=[ReportDescription(name="sales", title="Sales", source="demo", params_schema={"type": "object"})],
        templates=[TemplateDescription(name="welcome")],
    )
    deploy(db, {"shop": given, "bulk": catalog("shop.a")})
    found = announced(db)
    assert found.catalog == given
    assert found.queues_by_task == {"shop.a": ("bulk", "shop")}
    assert found.workers_by_task == {"shop.a": 0}
    assert found.served == frozenset()


def test_it_is_no_worker(db: Database) -> None:
    deploy(db, {"shop": catalog("shop.a")})
    assert (workers.workers(db), served(db)) == ([], {})


def test_it_does_not_expire(db: Database) -> None:
    deploy(db, {"shop": catalog("shop.a")})
    register(db, a_worker("old"))
    deployed_ago(db, "shop", 90 * 86_400)
    change(db, "old", seen_at=later(-25 * 3600))
    assert forget_workers(db) == 1
    register(db, a_worker("m1", queue="mailer"))
    assert names(db) == ["mailer.work", "shop.a"]


def test_the_next_one_replaces_it_wholly(db: Database) -> None:
    known: Catalogs = {}
    deploy(db, {"shop": catalog("shop.a", "shop.removed"), "stock": catalog("stock.a")})
    assert [task.name for task in announced(db, known).catalog.tasks] == ["shop.a", "shop.removed", "stock.a"]
    deployed_ago(db, "shop", 60)
    deploy(db, {"shop": catalog("shop.a", "shop.added")})
    assert [task.name for task in announced(db, known).catalog.tasks] == ["shop.a", "shop.added", "stock.a"]
    assert len(known) == 2


def test_it_is_withdrawn_by_queue(db: Database) -> None:
    deploy(db, {"shop": catalog("shop.a"), "stock": catalog("stock.a")})
    assert list(deployed(db)) == ["shop", "stock"]
    assert withdraw(db, ["shop", "nobody"]) == ["shop"]
    assert (names(db), list(deployed(db))) == (["stock.a"], ["stock"])
    assert withdraw(db, ["shop"]) == []


def test_new_tasks_count_beside_live_workers_of_before_whose_tasks_count_until_they_stop(db: Database) -> None:
    register(db, a_worker("old", offers=catalog("shop.a", "shop.removed")))
    deploy(db, {"shop": catalog("shop.a", "shop.added")})
    found = announced(db)
    assert found.workers_by_task == {"shop.a": 1, "shop.added": 0, "shop.removed": 1}
    assert found.served == {("shop", "shop.a"), ("shop", "shop.removed")}
    stopped(db, ["old"])
    assert names(db) == ["shop.a", "shop.added"]


def test_last_workers_count_if_they_started_after_the_deployment(db: Database) -> None:
    deploy(db, {"shop": catalog("shop.a")})
    register(db, a_worker("new", offers=catalog("shop.b")))
    deployed_ago(db, "shop", 60)
    stopped(db, ["new"])
    assert names(db) == ["shop.a", "shop.b"]
    change(db, "new", started_at=later(-120))
    assert names(db) == ["shop.a"]
    assert withdraw(db, ["shop"]) == ["shop"]
    assert names(db) == ["shop.b"]


def test_of_a_task_the_newest_announcement_holds(db: Database) -> None:
    register(db, a_worker("w1", offers=catalog("shop.a", description="worker")))
    deploy(db, {"shop": catalog("shop.a", description="deployment")})
    deployed_ago(db, "shop", 60)
    assert described(db) == ["worker"]
    change(db, "w1", started_at=later(-120))
    assert described(db) == ["deployment"]


def test_a_deployment_that_breaks_off_changes_nothing(db: Database) -> None:
    deploy(db, {"shop": catalog("shop.a")})
    with pytest.raises(AttributeError):
        deploy(db, {"shop": catalog("shop.b"), "stock": cast(Any, None)})
    assert names(db) == ["shop.a"]


def test_deployments_at_the_same_time_follow_each_other(db: Database) -> None:
    ready = Barrier(4)

    def announce(number: int) -> None:
        ready.wait(60)
        deploy(db, {queue: catalog(f"{queue}.t{number}") for queue in ("shop", "stock", "mail")})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(announce, range(4)))
    assert len({name.partition(".")[2] for name in names(db)}) == 1
    assert len(names(db)) == 3
