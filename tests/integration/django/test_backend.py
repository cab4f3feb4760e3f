"""Tests Django's tasks on Bureau: the four promises of a backend, errors, signals and results of others' tasks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.django.conftest import Shop
from tests.support.waiting import until


def finished(result: Any) -> Any:
    def ended() -> bool:
        result.refresh()
        return bool(result.is_finished)

    until(ended, 30, lambda: f"the end of {result}")
    return result


def test_a_task_returns_its_value(shop: Shop) -> None:
    from shop.tasks import remind

    result = remind.enqueue("Ada")
    assert (result.status, result.attempts) == ("READY", 0)
    assert finished(result).return_value == "Hello Ada"
    assert (result.attempts, len(result.worker_ids)) == (1, 1)
    assert result.enqueued_at <= result.started_at <= result.finished_at


def test_an_exception_is_told_with_its_class_and_traceback_and_not_tried_again(shop: Shop) -> None:
    from shop.tasks import fail

    result = finished(fail.enqueue("no such page"))
    (error,) = result.errors
    assert (result.status, error.exception_class) == ("FAILED", LookupError)
    assert error.traceback.startswith("Traceback (most recent call last)")
    assert error.traceback.endswith("LookupError: no such page\n")
    with pytest.raises(ValueError, match="Task failed"):
        _ = result.return_value


def test_queue_priority_time_and_context_reach_the_task(shop: Shop) -> None:
    from shop.tasks import count

    later = datetime.now(UTC) + timedelta(seconds=1)
    result = finished(count.using(priority=50, run_after=later).enqueue(3))
    assert (result.return_value, result.task.priority, result.task.queue_name) == (3, 50, "slow")
    assert result.started_at >= later
    (told,) = shop.bureau.api.job(result.id)["tasks"]
    assert (told["progress"]["current"], told["meta"]) == (3, {"last": 2})


def test_a_result_can_be_had_by_its_id_and_by_no_other(shop: Shop) -> None:
    from shop.tasks import remind

    from bureau.django.tasks_api import TaskResultDoesNotExist

    result = asyncio.run(remind.aenqueue("Bob"))
    assert finished(remind.get_result(result.id)).return_value == "Hello Bob"
    mail = shop.bureau.api.submit("/v1/emails", json={"to": ["a@example.com"], "subject": "x", "text": "y"})
    for unknown in (str(uuid4()), mail["id"], "no id"):
        with pytest.raises(TaskResultDoesNotExist):
            remind.get_result(unknown)


def test_a_wrong_queue_is_refused_before_anything_is_sent(shop: Shop) -> None:
    from shop.tasks import remind

    from bureau.django.naming import check_queue
    from bureau.django.tasks_api import InvalidTask

    with pytest.raises(InvalidTask, match="Queue 'other' is not valid"):
        remind.using(queue_name="other")
    for name in ("mailer", "Slow", "a-b", ""):
        with pytest.raises(InvalidTask):
            check_queue(name)


def test_the_project_s_checks_find_nothing(shop: Shop) -> None:
    from django.core.management import call_command

    call_command("check", fail_level="WARNING")
    call_command("makemigrations", "bureau", check=True, dry_run=True, verbosity=0)


def test_an_order_and_its_task_are_committed_together_through_a_view(shop: Shop) -> None:
    from django.test import Client

    client = Client()
    made = client.post("/orders", {"customer": "Ada", "total": "12.50"}).json()
    state: dict[str, Any] = {}

    def written() -> bool:
        state.update(client.get(f"/orders/{made['number']}").json())
        return bool(state["state"] == "SUCCESSFUL")

    until(written, 30, lambda: f"the receipt: {state}")
    assert state["receipt"] == "Ada paid 12.50."
