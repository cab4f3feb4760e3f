"""Decides which queue and priority a task is sent with: by `task_routes`, then by the task, then by the app."""

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import cache
from typing import Any

from bureau.celery import state
from bureau.celery.exceptions import NotInBureau

HIGHEST = 9
_OF_MESSAGES = {"exchange", "exchange_type", "delivery_mode", "routing_key"}


def routed(name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options with the queue and the priority that the routes add; those that are given stay."""
    given = {key: value for key, value in options.items() if value is not None}
    for route in _routes(state.conf().task_routes):
        if found := _found(route, name, args, kwargs, given):
            given = {**found, **given}
            break
    given.setdefault("queue", state.conf().task_default_queue)
    given["queue"] = getattr(given["queue"], "name", given["queue"])  # a kombu.Queue
    return given


def checked_priority(priority: Any) -> int | None:
    """Returns a priority, 0 to 9. Raises `NotInBureau` for another."""
    if priority is None:
        return None
    if not 0 <= int(priority) <= HIGHEST:
        raise NotInBureau(f"priority={priority}: Bureau's priorities are 0 to 9, and 9 starts first")
    return int(priority)


def _routes(routes: Any) -> list[Any]:
    if not routes:
        return []
    return list(routes) if isinstance(routes, list | tuple) else [routes]


def _found(route: Any, name: str, args: Any, kwargs: Any, options: Mapping[str, Any]) -> dict[str, Any] | None:
    if callable(route):
        return _as_options(route(name, args, kwargs, dict(options), task=state.TASKS.get(name)))
    pairs = route.items() if isinstance(route, Mapping) else [route]
    for pattern, target in pairs:
        if _matches(pattern, name):
            return _as_options(target)
    return None


def _as_options(target: Any) -> dict[str, Any] | None:
    if not target:
        return None
    found = {"queue": target} if isinstance(target, str) or hasattr(target, "name") else dict(target)
    if "queue" not in found and (alien := _OF_MESSAGES & found.keys()):
        raise NotInBureau(f"task_routes with {sorted(alien)[0]}: Bureau has queues only; write {{'queue': …}}")
    return {key: value for key, value in found.items() if key not in _OF_MESSAGES}


def _matches(pattern: Any, name: str) -> bool:
    compiled = pattern if isinstance(pattern, re.Pattern) else _glob(pattern)
    return compiled.match(name) is not None


@cache
def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
