"""Decides what to do with each schedule, from what is declared, what was put before and what the gateway has.

The functions are pure.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bureau.client.shapes import ScheduleData


class Act(StrEnum):
    """Says what is done with a schedule; the values are the words of the printed table."""

    CREATE = "created"
    REPLACE = "changed"
    KEEP = "unchanged"
    DELETE = "deleted"
    REFUSE = "not this project's"


@dataclass(frozen=True)
class Step:
    """Says what is done with one schedule, with the body to put and its digest."""

    act: Act
    name: str
    body: Mapping[str, Any]
    digest: str = ""


def plan(
    declared: Mapping[str, Mapping[str, Any]],
    applied: Mapping[str, str],
    existing: Mapping[str, ScheduleData],
    *,
    take_over: bool = False,
) -> list[Step]:
    """Returns the steps, those of declared schedules first. `applied` holds the digests of what the project has put.

    A schedule that did not change is not put again: that would begin its interval anew, and undo a pause. One that
    changed stays paused, unless the project says whether it is enabled. One of this name that somebody else made is
    refused unless `take_over`.
    """
    steps = [
        _declared(name, body, applied.get(name), existing.get(name), take_over=take_over)
        for name, body in declared.items()
    ]
    return steps + [Step(Act.DELETE, name, {}) for name in applied if name not in declared]


def digest_of(body: Mapping[str, Any]) -> str:
    """Returns a digest of what a project declares; the order of keys does not matter."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()


def _declared(
    name: str, body: Mapping[str, Any], applied: str | None, there: ScheduleData | None, *, take_over: bool
) -> Step:
    digest = digest_of(body)
    if there is None:
        return Step(Act.CREATE, name, body, digest)
    if applied is None and not take_over:
        return Step(Act.REFUSE, name, body, digest)
    if applied == digest:
        return Step(Act.KEEP, name, body, digest)
    if not there["enabled"] and "enabled" not in body:
        body = {**body, "enabled": False}
    return Step(Act.REPLACE, name, body, digest)
