"""Validates a schedule as a client wrote it, and converts it to and from what the ledger stores."""

from collections.abc import Iterator
from itertools import chain
from uuid import UUID

from pydantic import ValidationError

from bureau.contracts.jobs import graph
from bureau.contracts.jobs.jobs import JobSpec
from bureau.contracts.problems import FieldError, first_errors
from bureau.contracts.schedules.cron import CronInvalid, ZoneUnknown, check_cron, check_zone
from bureau.contracts.schedules.schedules import ScheduleSpec
from bureau.ledger.jobs.submit import NewJob
from bureau.ledger.schedules.schedules import NewSchedule, Schedule, ScheduleOrigin
from bureau.ledger.schedules.ticks import Timing
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.specs import job_from, spec_errors, used_by, within
from bureau.submission.terms import terms_errors

_JOB = ("job",)


class JobUnreadable(ValueError):
    """The schedule's job was written by another version, and cannot be read by this one: save it anew."""


def schedule_errors(spec: ScheduleSpec, known: CatalogSnapshot) -> list[FieldError]:
    """Returns the errors of its times and of its job, which is checked against the catalog."""
    return first_errors(_time_errors(spec), _absolute_times(spec.job), spec_errors(spec.job, known, _JOB))


def static_errors(spec: ScheduleSpec) -> list[FieldError]:
    """Returns the errors that do not depend on the catalog."""
    of_job = chain(terms_errors(spec.job), graph.errors(spec.job.tasks))
    return first_errors(_time_errors(spec), _absolute_times(spec.job), within(_JOB, of_job))


def _time_errors(spec: ScheduleSpec) -> Iterator[FieldError]:
    if (spec.cron is None) == (spec.every_seconds is None):
        given = "neither is" if spec.cron is None else "both are"
        yield FieldError("refused", f"Give either cron or every_seconds; {given} given.", "#/cron")
    try:
        check_zone(spec.time_zone)
    except ZoneUnknown as wrong:
        yield FieldError("unknown_time_zone", f"{wrong}.", "#/time_zone")
    try:
        if spec.cron is not None:
            check_cron(spec.cron)
    except CronInvalid as wrong:
        yield FieldError("wrong_form", f"The cron expression {spec.cron} is invalid: {wrong}.", "#/cron")


def _absolute_times(job: JobSpec) -> Iterator[FieldError]:
    mends = (
        ("run_at", "set its times with cron or every_seconds"),
        ("expires_at", "leave it out"),
        ("id", "leave it out"),
    )
    for name, mend in mends:
        if getattr(job, name) is not None:
            detail = f"The job of a schedule cannot have {name}: {mend}."
            yield FieldError("refused", detail, f"#/job/{name}")


def new_schedule(spec: ScheduleSpec, owner: str, name: str, source: ScheduleOrigin) -> NewSchedule:
    """Builds the schedule for the ledger from a valid spec."""
    return NewSchedule(
        owner=owner,
        name=name,
        timing=Timing(spec.cron, spec.every_seconds, spec.time_zone),
        job=spec.job.model_dump(mode="json", exclude_unset=True),
        enabled=spec.enabled,
        misfire=spec.misfire,
        source=source,
        uses=tuple(dict.fromkeys(one.artifact for one in used_by(spec.job))),
    )


def job_at(schedule: Schedule, known: CatalogSnapshot, *, job_id: UUID | None = None) -> NewJob:
    """Builds a job of the schedule, with the policies that its services announce now. Raises `JobUnreadable`."""
    return job_from(_job_spec(schedule), schedule.owner, known, job_id=job_id, title=schedule.name)


def spec_of(schedule: Schedule) -> ScheduleSpec:
    """Returns the schedule as it was written. Raises `JobUnreadable`."""
    return ScheduleSpec(
        cron=schedule.timing.cron,
        every_seconds=schedule.timing.every_seconds,
        time_zone=schedule.timing.time_zone,
        job=_job_spec(schedule),
        enabled=schedule.enabled,
        misfire=schedule.misfire,
    )


def _job_spec(schedule: Schedule) -> JobSpec:
    try:
        return JobSpec.model_validate(schedule.job)
    except ValidationError:
        raise JobUnreadable(JobUnreadable.__doc__) from None
