"""Serves /v1/schedules: requests that come again.

Schedules from the scheduler's file are shown and can be run, but not changed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from bureau.contracts.problems import FieldError
from bureau.contracts.schedules.schedules import (
    NAME_PATTERN,
    NAME_RULE,
    REQUEST_FIELDS,
    Cron,
    EverySeconds,
    Misfire,
    RequestFields,
    ScheduleSpec,
    ZoneName,
)
from bureau.ledger.access import audit
from bureau.ledger.access.keys import Role
from bureau.ledger.files.artifacts import ArtifactGone
from bureau.ledger.reads import job_queries
from bureau.ledger.reads.job_queries import JobRow
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.schedules import NewSchedule, OtherOrigin, ScheduleOrigin
from bureau.ledger.schedules.schedules import Schedule as Kept
from bureau.services.gateway.api.schedules.schedule_models import (
    NEXT_RUNS,
    NextRuns,
    Schedule,
    ScheduleList,
    schedule_shown,
)
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.pagination import PageQuery, cursor_of, cut, read_cursor
from bureau.services.gateway.job_builders.accept import accept, gone_errors, submission
from bureau.services.gateway.problems import invalid, not_found, problem, refuse_unserved, try_again
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.schedules import (
    JobUnreadable,
    NotAcceptedNow,
    job_at,
    new_schedule,
    saved_errors,
    schedule_errors,
    spec_of,
    used_in_schedule,
)

PATH = "/v1/schedules/<name>"
PATTERNS = {"name": NAME_PATTERN}


class SchedulePatch(RequestFields):
    """Holds the fields to change. `cron` and `every_seconds` replace each other, and so do the four requests."""

    cron: Cron | None = None
    every_seconds: EverySeconds | None = None
    time_zone: ZoneName | None = None
    enabled: bool | None = None
    misfire: Misfire | None = None

    def applied_to(self, spec: ScheduleSpec) -> ScheduleSpec:
        given = {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}
        if given.keys() & {"cron", "every_seconds"}:
            given = {"cron": None, "every_seconds": None, **given}
        if self.requests():
            given = {**dict.fromkeys(REQUEST_FIELDS), **given}
        return spec.model_copy(update=given)


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    return [_list(gateway), _read(gateway), _put(gateway), _patch(gateway), _delete(gateway), _run(gateway)]


def _list(gateway: Gateway) -> Operation[Any, Any]:
    def read(call: Call[Nothing, PageQuery]) -> Reply:
        query = call.query
        after = read_cursor(query.cursor, _name) if query.cursor is not None else ""
        found = schedules.listed(gateway.database, call.owner, after=after, limit=query.limit + 1)
        shown, following = cut(found, query.limit, lambda one: cursor_of(one.name))
        last = _last_jobs(gateway, call.owner, shown)
        items = [schedule_shown(one, _last(one, last)) for one in shown]
        return Reply(200, ScheduleList(items=items, next_cursor=following))

    return Operation(
        name="list-schedules",
        method="GET",
        path="/v1/schedules",
        view=read,
        summary="List your schedules by name",
        tag="Schedules",
        role=Role.VIEW,
        answers=[Documented(200, "A page.", ScheduleList)],
        query=PageQuery,
    )


def _read(gateway: Gateway) -> Operation[Any, Any]:
    def read(call: Call[Nothing, NextRuns]) -> Reply:
        return Reply(200, _shown(gateway, call.owner, _find(gateway, call), call.query.next))

    return Operation(
        name="read-schedule",
        method="GET",
        path=PATH,
        path_patterns=PATTERNS,
        view=read,
        summary="Read a schedule, its next times and its last job",
        tag="Schedules",
        role=Role.VIEW,
        answers=[Documented(200, "The schedule.", Schedule)],
        query=NextRuns,
    )


def _put(gateway: Gateway) -> Operation[Any, Any]:
    def put(call: Call[ScheduleSpec, Nothing]) -> Reply:
        name = call.path["name"]
        if not re.fullmatch(NAME_PATTERN, name):
            raise invalid([FieldError("wrong_form", NAME_RULE, parameter="name")])
        known = _known(gateway)
        refuse_unserved(schedule_errors(call.body, known, gateway.settings.limits))
        new = new_schedule(call.body, call.owner, name, ScheduleOrigin.API)
        with _refusals(call.body):
            noted = call.act("schedule.put", name)
            made = schedules.save(gateway.database, call.owner, name, ScheduleOrigin.API, lambda _: new, noted)
        return Reply(201 if made else 200, _shown(gateway, call.owner, _find(gateway, call)), _location(name))

    return Operation(
        name="put-schedule",
        method="PUT",
        path=PATH,
        path_patterns=PATTERNS,
        view=put,
        summary="Create or replace a schedule",
        tag="Schedules",
        role=Role.OPERATE,
        answers=[
            Documented(200, "The schedule was replaced.", Schedule, {"Location": "The schedule."}),
            Documented(201, "The schedule was created.", Schedule, {"Location": "The schedule."}),
        ],
        body=Body(ScheduleSpec),
        problems=["no-service", "schedule-from-file"],
    )


def _patch(gateway: Gateway) -> Operation[Any, Any]:
    def patch(call: Call[SchedulePatch, Nothing]) -> Reply:
        name = _find(gateway, call).name
        known = _known(gateway) if call.body.requests() else None
        with _refusals(call.body):
            made = partial(_changed, call.body, known, gateway.settings.limits)
            noted = call.act("schedule.patch", name)
            schedules.save(gateway.database, call.owner, name, ScheduleOrigin.API, made, noted)
        return Reply(200, _shown(gateway, call.owner, _find(gateway, call)))

    return Operation(
        name="patch-schedule",
        method="PATCH",
        path=PATH,
        path_patterns=PATTERNS,
        view=patch,
        summary="Change some fields of a schedule, such as its times, or enable or disable it",
        tag="Schedules",
        role=Role.OPERATE,
        answers=[Documented(200, "The schedule in its present state.", Schedule)],
        body=Body(SchedulePatch),
        problems=["no-service", "schedule-from-file"],
    )


def _changed(
    patch: SchedulePatch, known: CatalogSnapshot | None, limits: RequestLimits, before: Kept | None
) -> NewSchedule:
    """Returns the changed schedule.

    A request that stays the same is not checked against the announced tasks, so that a schedule can be disabled because
    its task is no longer there.
    """
    if before is None:
        raise not_found("schedule")
    spec = patch.applied_to(spec_of(before))
    refuse_unserved(schedule_errors(spec, known, limits) if known else saved_errors(spec))
    return new_schedule(spec, before.owner, before.name, ScheduleOrigin.API)


def _delete(gateway: Gateway) -> Operation[Any, Any]:
    def remove(call: Call[Nothing, Nothing]) -> Reply:
        name = _find(gateway, call).name
        with _refusals():
            schedules.delete_schedule(
                gateway.database, call.owner, name, ScheduleOrigin.API, call.act("schedule.delete", name)
            )
        return Reply(204, None)

    return Operation(
        name="delete-schedule",
        method="DELETE",
        path=PATH,
        path_patterns=PATTERNS,
        view=remove,
        summary="Delete a schedule; the jobs that it made stay",
        tag="Schedules",
        role=Role.OPERATE,
        answers=[Documented(204, "The schedule is deleted.")],
        problems=["schedule-from-file"],
    )


def _run(gateway: Gateway) -> Operation[Any, Any]:
    def run(call: Call[Nothing, Nothing]) -> Reply:
        schedule = _find(gateway, call)
        with _refusals():
            job = job_at(schedule, gateway.announcements.known(), gateway.settings.limits)
        noted = call.act("schedule.run", schedule.name, job=str(job.id))

        def note(connection: Connection) -> None:
            schedules.note_job(connection, schedule.owner, schedule.name, job.id)
            audit.note(connection, noted)

        return accept(gateway, call, job, also=note)

    return submission(
        gateway,
        name="run-schedule",
        path=f"{PATH}/run",
        path_patterns=PATTERNS,
        view=run,
        summary="Run a schedule now, in addition to its times",
    )


def _find(gateway: Gateway, call: Call[Any, Any]) -> Kept:
    """Returns the schedule in the path. Raises a 404 problem."""
    name = call.path["name"]
    found = schedules.find(gateway.database, call.owner, name) if re.fullmatch(NAME_PATTERN, name) else None
    if found is None:
        raise not_found("schedule", name)
    return found


def _known(gateway: Gateway) -> CatalogSnapshot:
    known = gateway.announcements.known()
    if not known.tasks:
        raise try_again("no-service", "No service has announced a task yet; start one and try again.")
    return known


@contextmanager
def _refusals(given: RequestFields | None = None) -> Iterator[None]:
    """Converts the ledger's refusals, and those of a request that is submitted now, into problems."""
    try:
        yield
    except OtherOrigin:
        raise problem("schedule-from-file", "The schedule is defined in SCHEDULES_FILE; change it there.") from None
    except NotAcceptedNow as refused:
        raise invalid(refused.errors) from None
    except JobUnreadable as unreadable:
        raise invalid([FieldError("refused", str(unreadable), "#/job")]) from None
    except ArtifactGone as gone:
        raise invalid(gone_errors(gone, used_in_schedule(given) if given else ())) from None


def _shown(gateway: Gateway, owner: str, schedule: Kept, runs: int = NEXT_RUNS) -> Schedule:
    return schedule_shown(schedule, _last(schedule, _last_jobs(gateway, owner, [schedule])), runs)


def _last_jobs(gateway: Gateway, owner: str, found: Sequence[Kept]) -> dict[UUID, JobRow]:
    ids = [one.last_job_id for one in found if one.last_job_id]
    return {row.id: row for row in job_queries.jobs_by_id(gateway.database, owner, ids)}


def _last(schedule: Kept, rows: Mapping[UUID, JobRow]) -> JobRow | None:
    return rows.get(schedule.last_job_id) if schedule.last_job_id else None


def _location(name: str) -> dict[str, str]:
    return {"Location": f"/v1/schedules/{name}"}


def _name(key: list[Any]) -> str:
    (name,) = key
    if not isinstance(name, str) or not re.fullmatch(NAME_PATTERN, name):
        raise ValueError("not a schedule's name")
    return name
