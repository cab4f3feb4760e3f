"""Tells Bureau of a state that a task sets by `update_state`."""

from collections.abc import Mapping
from typing import Any

from bureau.celery.app.request import Context
from bureau.celery.results.reading import META
from bureau.celery.utils.json import encoded

_DONE = ("current", "done", "progress", "percent")
_TOTAL = 100  # of what is called a progress


def report(request: Context, state: str | None, meta: Any) -> None:
    """Keeps state and meta beside the task's progress, and reports the numbers in it, which the console shows."""
    request.reported = {"state": state, "meta": encoded(meta, "meta")}
    request.bureau.meta({META: request.reported})
    if (found := numbers(meta)) is not None:
        request.bureau.progress(*found, state)


def keep_for_good(request: Context) -> None:
    """Keeps what was reported last as the state of a task that raises `Ignore`."""
    if request.reported:
        request.bureau.meta({META: {**request.reported, "final": True}})


def numbers(meta: Any) -> tuple[float, float | None] | None:
    """Returns how far the task is, and of how much, as most projects write it: `{"current": 3, "total": 10}`."""
    if not isinstance(meta, Mapping):
        return None
    name = next((one for one in _DONE if _is_number(meta.get(one))), None)
    if name is None:
        return None
    total = meta.get("total")
    return meta[name], total if _is_number(total) else _TOTAL if name in _DONE[2:] else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
