"""Sends the signals `before_task_publish` and `after_task_publish`, where somebody listens."""

from typing import Any

from bureau.celery.signals import after_task_publish, before_task_publish
from bureau.celery.utils.json import decoded, encoded


def published(task: str, given: dict[str, Any], header: dict[str, Any], task_id: str) -> None:
    """Sends the signal for a task that is about to be submitted; headers that a receiver adds go with it."""
    if not before_task_publish.has_listeners(task):
        return
    known = {"id": task_id, "task": task, "root_id": task_id, "argsrepr": repr(given["args"]), "kwargsrepr": ""}
    headers = dict(known)
    before_task_publish.send(
        task,
        body=(decoded(given["args"]), decoded(given["kwargs"]), {}),
        exchange="",
        routing_key="",
        headers=headers,
        properties={"correlation_id": task_id},
        declare=[],
        retry_policy=None,
    )
    if added := {key: value for key, value in headers.items() if key not in known}:
        header["headers"] = {**header.get("headers", {}), **encoded(added, "headers")}


def was_published(task: str, task_id: str, given: dict[str, Any]) -> None:
    """Sends the signal for a task that the gateway or the outbox has."""
    if after_task_publish.has_listeners(task):
        body: Any = (decoded(given["args"]), decoded(given["kwargs"]), {})
        after_task_publish.send(task, body=body, exchange="", routing_key="", headers={"id": task_id, "task": task})
