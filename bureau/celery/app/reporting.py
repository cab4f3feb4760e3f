"""Tells Bureau of a state that a task sets by `update_state`."""

from collections.abc import Mapping
from typing import Any

_DONE = ("current", "done", "progress", "percent")
_TOTAL = 100  # of what is called a progress


def report(ctx: Any, state: str | None, meta: Any) -> None:
    """Reports the numbers of `meta` as the task's progress, with the state's name, so that the console shows them."""
    current, total = numbers(meta)
    ctx.progress(current, total, state)


def numbers(meta: Any) -> tuple[float, float | None]:
    """Returns how far the task is, and of how much, as most projects write it: `{"current": 3, "total": 10}`."""
    if not isinstance(meta, Mapping):
        return 0, None
    name = next((one for one in _DONE if _is_number(meta.get(one))), None)
    if name is None:
        return 0, None
    total = meta.get("total")
    return meta[name], total if _is_number(total) else _TOTAL if name in _DONE[2:] else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
