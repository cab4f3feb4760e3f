"""Whoever connects again with the last id they have has every event once and in order, wherever they were cut off."""

import random
from uuid import UUID

import pytest

from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.progress import write_events
from tests.integration.gateway.events.conftest import Served
from tests.support.ledger.book import task
from tests.support.running.sse import Listener
from tests.support.together import together
from tests.support.waiting import until

TASKS = 4
LINES = 25


def a_client(served: Served, job_id: str, seed: int) -> tuple[list[int], int]:
    """Follows a job to its end, leaving after a few events each time; the ids it got, and how often it connected."""
    chance = random.Random(seed)
    ids: list[int] = []
    connected = 0
    while True:
        stream: Listener = served.follow(job_id, last=ids[-1] if ids else None)
        connected += 1
        if stream.status == 204:
            return ids, connected
        assert stream.status == 200
        wanted = chance.choice([0, 1, 2, 5, 20, 60])
        until(lambda: stream.ended or len(stream.ids) >= wanted, 60)  # noqa: B023 - called at once
        stream.leave()
        ids += [int(number) for number in stream.ids]


@pytest.mark.parametrize("seed", range(3))
def test_clients_that_are_cut_off_at_any_point(served: Served, seed: int) -> None:
    """Four tasks of a job talk and end at once, in transactions of their own, while four clients come and go."""
    job_id = served.submit(*(task(f"t{n}") for n in range(TASKS)))
    claims = [served.book.take(UUID(job_id), f"t{n}") for n in range(TASKS)]

    def talk(number: int) -> None:
        chance = random.Random(seed * 100 + number)
        for n in range(LINES):
            said = [TaskEvent("task.logged", f"t{number}", {"line": f"{n}.{m}"}) for m in range(chance.randint(1, 4))]
            write_events(served.db, {UUID(job_id): said})
        served.book.finish(claims[number], lines=[TaskEvent("task.logged", f"t{number}", {"line": "last"})])

    def act(number: int) -> tuple[list[int], int]:
        if number < TASKS:
            talk(number)
            return [], 0
        return a_client(served, job_id, seed * 100 + number)

    clients = together(TASKS + 4, act, seconds=120)[TASKS:]
    last = served.book.job(UUID(job_id)).event_seq
    assert last > TASKS * LINES
    for ids, connected in clients:
        assert ids == list(range(1, last + 1))
        assert connected >= 2
