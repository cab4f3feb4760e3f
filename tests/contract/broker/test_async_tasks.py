"""Hints of `async def` tasks: they take no worker thread, and are acknowledged when their task has ended."""

from pathlib import Path

from bureau.ledger.db.database import Database
from tests.contract.broker.conftest import Brokers
from tests.contract.broker.station import THREADS, Shop
from tests.support.ledger.book import task
from tests.support.waiting import until


def test_more_run_than_there_are_threads_and_every_hint_is_settled(
    broker_url: str, a_broker: Brokers, queue: str, ledger: Database, tmp_path: Path
) -> None:
    broker = a_broker(broker_url)
    with Shop(broker, queue, ledger, tmp_path, later=True) as shop:
        names = [f"t{n}" for n in range(120)]
        job_id = shop.book.submit(
            *(task(name, run=f"{queue}.later", queue=queue) for name in names),
            *(task(f"s{n}", run=f"{queue}.work", queue=queue) for n in range(10)),
            task("join", " ".join(names), run=f"{queue}.later", queue=queue, input={"n": 1}),
        )
        assert shop.wait_for_end(job_id) == "succeeded"
        assert len(shop.ran) == len(set(shop.ran)) == 131
        assert THREADS < 50
    until(lambda: broker.depth(queue) == 0, 30, "no hint came back when the consumer's connection ended")


def test_hints_of_tasks_that_run_no_more_are_settled_and_harm_nobody(
    broker_url: str, a_broker: Brokers, queue: str, ledger: Database, tmp_path: Path
) -> None:
    broker = a_broker(broker_url)
    with Shop(broker, queue, ledger, tmp_path, later=True) as shop:
        first, second = (shop.book.submit(task(run=f"{queue}.later", queue=queue)) for _ in range(2))
        assert [shop.wait_for_end(job_id) for job_id in (first, second)] == ["succeeded", "succeeded"]
        shop.hint(f"{queue}.later", first)
        shop.hint(f"{queue}.later", second)
        third = shop.book.submit(task(run=f"{queue}.later", queue=queue))
        assert shop.wait_for_end(third) == "succeeded"
        assert len(shop.ran) == 3
    until(lambda: broker.depth(queue) == 0, 30, "the stale hints are gone")
