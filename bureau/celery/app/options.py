"""Checks the options that a task is declared with."""

import warnings
from typing import Any

from bureau.celery.app.retrying import MOST_RETRIES, with_autoretry
from bureau.celery.exceptions import CeleryWarning, NotInBureau
from bureau.celery.sending.routes import checked_priority
from bureau.celery.utils.json import refuse_serializer

TIME_LIMIT_AT_MOST = 86_400
REFUSED = {
    "rate_limit": "Bureau has no rate limit for each worker, so it would not be honoured. Give the task a queue and a "
    "worker of its own with few threads, or remove it",
    "compression": "Bureau's inputs are rows of a database; leave it out",
    "routing_key": "Bureau has queues only; write queue=…",
    "exchange": "Bureau has queues only; write queue=…",
    "Strategy": "it belongs to Celery's worker",
    "Request": "it belongs to Celery's worker; use signals, or a base class with on_failure",
    "pydantic": "make the models in the task: Model.model_validate(argument)",
    "retry_on_worker_lost": "a task whose worker dies runs again, five times, whatever its retries; leave it out",
    "filter": "decorate the function instead",
    "backend": "results are in Bureau's ledger; leave it out",
}


def check_declaration(task: Any) -> None:
    """Raises `NotInBureau` for an option that Bureau would not honour."""
    for name, instead in REFUSED.items():
        if getattr(task, name, None):
            raise NotInBureau(f"the task {task.name}: {name}={getattr(task, name)!r}: {instead}")
    refuse_serializer(task.serializer)
    checked_priority(task.priority)
    if task.max_retries is None or task.max_retries > MOST_RETRIES:
        warnings.warn(
            f"the task {task.name}: max_retries={task.max_retries} means {MOST_RETRIES} here",
            CeleryWarning,
            stacklevel=3,
        )
    if (task.time_limit or 0) > TIME_LIMIT_AT_MOST:
        raise NotInBureau(f"the task {task.name}: time_limit={task.time_limit}: Bureau's is at most a day")
    if task.autoretry_for:
        task.run = with_autoretry(task, task.run)
