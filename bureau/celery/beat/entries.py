"""Converts entries of `beat_schedule` into schedules as PUT /v1/schedules takes them. The functions are pure."""

import ast
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from bureau.celery import state
from bureau.celery.canvas import launch
from bureau.celery.canvas.graph import Made
from bureau.celery.canvas.signature import Signature
from bureau.celery.exceptions import NotInBureau
from bureau.celery.schedules import crontab, maybe_schedule, schedule, solar
from bureau.celery.sending.options import checked

NOBODY = UUID(int=0)  # the id of a job that is not made yet
_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_EXPRESSION = re.compile(r"(crontab|schedule|timedelta|solar)\(.*\)", re.DOTALL)


def name_of(entry: str) -> str:
    """Returns an entry's name as Bureau's schedules may have it."""
    return _NAME.sub("-", entry).strip("-.")[:100] or "schedule"


def body_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schedule of an entry. Raises `NotInBureau` for one that Bureau cannot keep, with its reason."""
    options = dict(entry.get("options") or {})
    if entry.get("relative"):
        raise NotInBureau("relative=True: Bureau counts from when the schedule was saved; write a crontab")
    if options.pop("countdown", None) or options.pop("eta", None):
        raise NotInBureau("a countdown in a schedule: name the time in the schedule itself")
    expires = options.pop("expires", None)
    signature = Signature(entry["task"], entry.get("args") or (), entry.get("kwargs") or {})
    job, _ = launch.job_of(signature, checked(options), Made(), NOBODY)
    job.pop("expires_at", None)
    if expires is not None:
        for task in job["tasks"]:
            task["input"].setdefault("celery", {})["expires_in"] = _seconds(expires)
    return {"job": job, **timing(entry["schedule"])}


def timing(found: Any) -> dict[str, Any]:
    """Returns when: `cron` with its time zone, or `every_seconds`."""
    when = maybe_schedule(_evaluated(found) if isinstance(found, str) else found)
    zone = state.conf().timezone
    if isinstance(when, crontab):
        return {"cron": when.cron, "time_zone": str(when.tz or zone or "UTC")}
    if isinstance(when, schedule):
        seconds = when.seconds
        if seconds < 1 or seconds != int(seconds):
            raise NotInBureau(f"every {seconds} s: Bureau's schedules are of whole seconds, from one on")
        return {"every_seconds": int(seconds)}
    raise NotInBureau(f"the schedule {found!r}: Bureau has crontab, timedelta and numbers of seconds")


def _evaluated(text: str) -> Any:
    """Returns the schedule that a text such as `crontab(hour=2, minute=0)` describes, without running it."""
    if not _EXPRESSION.fullmatch(text.strip()):
        raise NotInBureau(f"the schedule {text!r}: write crontab(…), a timedelta or a number of seconds")
    call = ast.parse(text.strip(), mode="eval").body
    assert isinstance(call, ast.Call)  # noqa: S101 - what the pattern matches
    made: Any = {"crontab": crontab, "schedule": schedule, "timedelta": timedelta, "solar": solar}[
        getattr(call.func, "id", "")
    ]
    keywords = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg}
    return made(*[ast.literal_eval(one) for one in call.args], **keywords)


def _seconds(expires: Any) -> float:
    if isinstance(expires, timedelta):
        return expires.total_seconds()
    if isinstance(expires, int | float):
        return float(expires)
    raise NotInBureau(f"expires={expires!r} in a schedule: write a number of seconds")
