"""A task that a client submits to another queue than its own."""

import json
from typing import Any

from tests.unit.client.conftest import JOB, Served, answer


def test_a_queue_is_the_tasks_and_no_part_of_its_input(served: Served) -> None:
    bureau, server = served(answer(JOB, 202))
    bureau.task("shop.suma", a=1, queue="bulk")
    bureau.task("shop.suma", a=1)
    sent: list[Any] = [json.loads(request.body)["tasks"] for request in server.requests]
    plain = {"name": "suma", "run": "shop.suma", "input": {"a": 1}}
    assert sent == [[{**plain, "queue": "bulk"}], [plain]]
