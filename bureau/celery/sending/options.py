"""Checks the options of a call, and makes a job's terms of them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bureau.celery import state
from bureau.celery.exceptions import NotInBureau
from bureau.celery.utils.json import refuse_serializer

_HONOURED = frozenset(
    {"countdown", "eta", "expires", "queue", "priority", "task_id", "link", "link_error", "time_limit"}
    | {"soft_time_limit", "ignore_result", "shadow", "headers", "retry", "retry_policy", "serializer"}
)
_WITHOUT_EFFECT = frozenset(  # of connections and messages, which Bureau has none of here
    {"connection", "producer", "publisher", "router", "add_to_parent", "delivery_mode", "mandatory", "immediate"}
    | {"compression", "root_id", "parent_id", "group_id", "group_index", "chord", "retries", "reply_to", "route_name"}
    | {"argsrepr", "kwargsrepr", "logfile", "loglevel", "origin", "interval", "max_retries", "throw"}
)
_REFUSED = {
    "routing_key": "Bureau has queues only; write queue=…",
    "exchange": "Bureau has queues only; write queue=…",
    "stamped_headers": "Bureau has no stamping; pass headers={…}",
    "chain": "write chain(…)",
}
_LATER_AT_MOST = timedelta(hours=24)  # for which Bureau postpones a task that is ready


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options that have an effect. Raises `NotInBureau` for one that Bureau does not know."""
    found = {}
    for name, value in options.items():
        if name in _WITHOUT_EFFECT or value is None:
            continue
        if name not in _HONOURED:
            raise NotInBureau(f"apply_async({name}=…): {_REFUSED.get(name, 'Bureau knows no such option')}")
        found[name] = value
    refuse_serializer(found.pop("serializer", None))
    return found


def times(options: Mapping[str, Any], now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the terms of a job that wait for a time, `run_at` and `expires_at`, and what its first step is told.

    A task that expires before it is due is accepted in Celery, and revoked when it is due: its step is told so.
    """
    terms, header = {}, {}
    if (due := _due(options, now)) is not None:
        terms["run_at"] = due.isoformat()
    if (end := moment_of(options.get("expires"), now)) is not None:
        if end > (due or now):
            terms["expires_at"] = end.isoformat()
        else:
            header["expires"] = end.isoformat()
    return terms, header


def later(options: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Returns what a step that others come before is told of times. Raises `NotInBureau` for a wait over a day."""
    found: dict[str, Any] = {}
    if (seconds := options.get("countdown")) is not None:
        found["delay"] = float(seconds)
        if seconds > _LATER_AT_MOST.total_seconds():
            raise NotInBureau(f"countdown={seconds} on a later step: Bureau waits at most 24 hours there")
    elif (due := moment_of(options.get("eta"), now)) is not None:
        found["eta"] = due.isoformat()
        if due - now > _LATER_AT_MOST:
            raise NotInBureau(f"eta={due} on a later step: Bureau waits at most 24 hours there")
    if (end := moment_of(options.get("expires"), now)) is not None:
        found["expires"] = end.isoformat()
    return found


def moment_of(value: Any, now: datetime) -> datetime | None:
    """Returns a time: of seconds from now, of a datetime (without a zone it is in the app's), of ISO 8601."""
    match value:
        case None:
            return None
        case timedelta():
            return now + value
        case int() | float():
            return now + timedelta(seconds=value)
        case str():
            value = datetime.fromisoformat(value)
    return value if value.tzinfo else value.replace(tzinfo=zone())


def zone() -> Any:
    """Returns the time zone of the app."""
    name = state.conf().timezone
    return UTC if not name else ZoneInfo(name) if isinstance(name, str) else name


def patience(options: Mapping[str, Any]) -> float | None:
    """Returns for how many seconds a request is repeated: `retry=False` and `retry_policy` say so. None: as usual."""
    if options.get("retry") is False:
        return 0.0
    policy = options.get("retry_policy")
    if not policy:
        return None
    pauses, start = policy.get("max_retries", 3), policy.get("interval_start", 0)
    step, most = policy.get("interval_step", 0.2), policy.get("interval_max", 0.2)
    return float(sum(min(start + step * index, most) for index in range(int(pauses or 0))))


def _due(options: Mapping[str, Any], now: datetime) -> datetime | None:
    if (seconds := options.get("countdown")) is not None:
        return now + timedelta(seconds=float(seconds)) if seconds > 0 else None
    return moment_of(options.get("eta"), now)
