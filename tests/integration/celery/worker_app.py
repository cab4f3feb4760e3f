"""Is the app of the worker: the example examples/celery_clinic, and tasks for which it has no use."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.celery import app  # type: ignore[import-not-found]  # of the example, which is on PYTHONPATH

from bureau import celery as our_celery
from bureau.celery import shared_task, signals
from bureau.celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from tests.support.celery.same_tasks import declared

same = declared(our_celery, app)
__all__ = ["app", "same"]


@shared_task
def moment() -> str:
    return datetime.now(UTC).isoformat()


@shared_task
def later_than(before: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(before)).total_seconds()


@shared_task(soft_time_limit=0.3)
def takes_too_long(seconds: float = 60) -> str:
    ends = time.monotonic() + seconds
    try:
        while time.monotonic() < ends:
            sum(range(100))
    except SoftTimeLimitExceeded:
        return "cleaned up"
    return "in time"


@shared_task(time_limit=1, max_retries=5)
def is_ended() -> None:
    while True:
        sum(range(100))


@shared_task(bind=True)
def waits_for(self: Any, path: str) -> str:
    """Sets a state of its own and waits until a file is there, or somebody ends it."""
    self.update_state(state="PROGRESS", meta={"current": 1, "total": 4, "note": ["any", {"JSON": None}]})
    while not Path(path).exists():
        time.sleep(0.02)
    return "it is there"


@shared_task(bind=True)
def says_too_much(self: Any) -> None:
    self.update_state(state="PROGRESS", meta={"words": "word " * 1000})


@shared_task(bind=True)
def fails_in_its_own_way(self: Any) -> None:
    self.update_state(state="FAILURE", meta={"why": "own"})
    raise Ignore


@shared_task(bind=True)
def gives_itself_back_once(self: Any, path: str) -> str:
    if not Path(path).exists():
        Path(path).touch()
        raise Reject("not yet", requeue=True)
    return f"retries: {self.request.retries}"


@shared_task
def writes(told: Any, path: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{told}\n")


@shared_task
def on_error(request: Any, error: Exception, traceback: Any, path: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{request.task} {request.args} {type(error).__name__} {error}\n")


@shared_task(bind=True)
def on_error_by_id(self: Any, task_id: str, path: str) -> None:
    with Path(path).open("a") as file:
        file.write(f"{task_id}\n")


@shared_task(bind=True, ignore_result=True)
def is_told_of(self: Any) -> dict[str, Any]:
    return dict(self.request.headers)


@shared_task(bind=True)
def headers(self: Any) -> dict[str, Any]:
    return dict(self.request.headers)


@shared_task(bind=True)
def delivered(self: Any) -> str:
    return str(self.request.delivery_info["routing_key"])


@shared_task
async def awaits(a: int, b: int) -> int:
    return a + b


def _told(name: str) -> Any:
    def write(sender: Any, **about: Any) -> None:
        if "signals" in (about.get("kwargs") or {}):
            with Path(about["kwargs"]["signals"]).open("a") as file:
                file.write(f"{name} {about.get('state', '')}".strip() + "\n")

    return write


@shared_task
def is_watched(fail: bool, signals: str) -> None:
    if fail:
        raise ValueError(signals)


for _name in ("task_prerun", "task_postrun", "task_failure"):
    getattr(signals, _name).connect(_told(_name), weak=False)
