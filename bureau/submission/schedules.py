"""Validates a schedule as a client wrote it, and converts it to and from what the ledger stores."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from bureau.contracts.jobs.references import Used
from bureau.contracts.problems import NO_SERVICE, FieldError, first_errors
from bureau.contracts.requests.reports import ReportRequest
from bureau.contracts.schedules.cron import CronInvalid, ZoneUnknown, check_cron, check_zone
from bureau.contracts.schedules.schedules import REQUEST_FIELDS, RequestFields, ScheduledRequest, ScheduleSpec
from bureau.ledger.jobs.submit import NewJob
from bureau.ledger.schedules.schedules import NewSchedule, Schedule, ScheduleOrigin
from bureau.ledger.schedules.ticks import Timing
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.requests.limits import RequestLimits
from bureau.submission.scheduled_requests import check_request, static_errors, used_by_request
from bureau.submission.specs import within

# A service that announces nothing now may be back when its task is due: its schedules go on, and their tasks wait.
_NOT_SERVED = frozenset({"unknown_run", "unknown_queue", NO_SERVICE})
_LISTED = 5  # errors in a schedule's problem


class JobUnreadable(ValueError):
    """The schedule's job was written by another version, and cannot be read by this one: save it anew."""


class NotAcceptedNow(ValueError):
    """Says why a request is refused that was accepted when its schedule was saved. It holds the errors."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = list(errors)
        listed = [f"{(one.pointer or '#')[2:]}: {one.detail}" for one in self.errors[:_LISTED]]
        more = f" And {len(self.errors) - _LISTED} more." if len(self.errors) > _LISTED else ""
        super().__init__(f"It is no longer accepted as it was saved: {' '.join(listed)}{more}")


def schedule_errors(spec: ScheduleSpec, known: CatalogSnapshot, limits: RequestLimits) -> list[FieldError]:
    """Returns the errors of its times and of its request, which is checked as if it were submitted now."""
    requests = spec.requests().items()
    of_request = (within([name], check_request(request, known, limits).errors) for name, request in requests)
    return first_errors(_time_errors(spec), _choice_errors(spec), *of_request)


def saved_errors(spec: ScheduleSpec) -> list[FieldError]:
    """Returns the errors that depend neither on the catalog nor on settings."""
    of_request = (within([name], static_errors(request)) for name, request in spec.requests().items())
    return first_errors(_time_errors(spec), _choice_errors(spec), *of_request)


def used_in_schedule(fields: RequestFields) -> list[Used]:
    """Returns the stored files that the request of a schedule refers to, and where."""
    return [
        replace(used, path=(name, *used.path))
        for name, request in fields.requests().items()
        for used in used_by_request(request)
    ]


def _time_errors(spec: ScheduleSpec) -> Iterator[FieldError]:
    return timing_errors(Timing(spec.cron, spec.every_seconds, spec.time_zone))


def timing_errors(timing: Timing) -> Iterator[FieldError]:
    """Yields the errors of times that are not checked yet."""
    if (timing.cron is None) == (timing.every_seconds is None):
        given = "neither is" if timing.cron is None else "both are"
        yield FieldError("refused", f"Give either cron or every_seconds; {given} given.", "#/cron")
    try:
        check_zone(timing.time_zone)
    except ZoneUnknown as wrong:
        yield FieldError("unknown_time_zone", f"{wrong}.", "#/time_zone")
    try:
        if timing.cron is not None:
            check_cron(timing.cron)
    except CronInvalid as wrong:
        yield FieldError("wrong_form", f"The cron expression {timing.cron} is invalid: {wrong}.", "#/cron")


def _choice_errors(spec: ScheduleSpec) -> Iterator[FieldError]:
    """Yields an error unless exactly one request is given."""
    given = list(spec.requests())
    if not given:
        yield FieldError("missing", f"Say what to submit: one of {', '.join(REQUEST_FIELDS)}.", "#/job")
    for name in given[1:]:
        yield FieldError("given_twice", f"Give {given[0]} or {name}, not both.", f"#/{name}")


def new_schedule(spec: ScheduleSpec, owner: str, name: str, source: ScheduleOrigin) -> NewSchedule:
    """Builds the schedule for the ledger from a valid spec."""
    ((field, request),) = spec.requests().items()
    return NewSchedule(
        owner=owner,
        name=name,
        timing=Timing(spec.cron, spec.every_seconds, spec.time_zone),
        job=_stored(field, request),
        enabled=spec.enabled,
        misfire=spec.misfire,
        source=source,
        uses=tuple(dict.fromkeys(one.artifact for one in used_in_schedule(spec))),
    )


def job_at(schedule: Schedule, known: CatalogSnapshot, limits: RequestLimits, *, job_id: UUID | None = None) -> NewJob:
    """Builds a job of the schedule, with the policies that its services announce now.

    Its request is checked again, because reports, templates, tasks and limits may have changed since it was saved.
    Raises `JobUnreadable`, `NotAcceptedNow`.
    """
    ((field, request),) = spec_of(schedule).requests().items()
    checked = check_request(request, known, limits)
    errors = checked.errors
    if _can_wait(request):
        errors = (one for one in errors if one.code not in _NOT_SERVED)
    if found := first_errors(within([field], errors)):
        raise NotAcceptedNow(found)
    return checked.build(schedule.owner, schedule.name, job_id)


def _can_wait(request: ScheduledRequest) -> bool:
    """Tells whether a job can be built while no service announces it. A report says how its burst is to be read."""
    return not (isinstance(request, ReportRequest) and request.burst)


def spec_of(schedule: Schedule) -> ScheduleSpec:
    """Returns the schedule as it was written. Raises `JobUnreadable`."""
    try:
        spec = ScheduleSpec.model_validate(
            {
                "cron": schedule.timing.cron,
                "every_seconds": schedule.timing.every_seconds,
                "time_zone": schedule.timing.time_zone,
                "enabled": schedule.enabled,
                "misfire": schedule.misfire,
                **stored_request(schedule),
            }
        )
    except ValidationError:
        raise JobUnreadable(JobUnreadable.__doc__) from None
    if len(spec.requests()) != 1:
        raise JobUnreadable(JobUnreadable.__doc__)
    return spec


def stored_request(schedule: Schedule) -> dict[str, dict[str, Any]]:
    """Returns the request as it was given, below its field.

    The ledger has a job as it is, because older versions store and read nothing else, and others below their field.
    """
    return {"job": schedule.job} if "tasks" in schedule.job else schedule.job


def _stored(field: str, request: ScheduledRequest) -> dict[str, Any]:
    value = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return value if field == "job" else {field: value}
