"""Handles the terms that every submission may have besides its own fields: start time, retries, time limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.ids import new_id
from bureau.contracts.jobs.jobs import RetryOverride, Terms
from bureau.contracts.problems import FieldError
from bureau.ledger.jobs.submit import NewJob, NewTask
from bureau.submission.announcements import CatalogSnapshot

LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # leaves room for time zones and leases below year 9999, where datetimes end
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TaskPolicy:
    """Holds the queue, retry policy and time limit of a task."""

    queue: str
    retry: RetryPolicy
    time_limit_seconds: float


def policy_of(run: str, known: CatalogSnapshot, standard: TaskPolicy | None = None) -> TaskPolicy:
    """Returns the policy that the service announced, or `standard` for a task that no service has announced yet."""
    announced = known.tasks.get(run)
    if announced is None:
        return standard or TaskPolicy(run.split(".", 1)[0], RetryPolicy(), 1800.0)
    task = announced.description
    return TaskPolicy(task.queue, task.retry, task.time_limit_seconds)


def overridden(
    policy: TaskPolicy, terms: Terms, retry: RetryOverride | None = None, limit: float | None = None
) -> TaskPolicy:
    """Returns the policy with the values of the task, else those of its job, else the announced ones."""
    overrides = [override for override in (terms.retry, retry) if override is not None]
    merged = policy.retry.model_dump() if overrides else {}
    for override in overrides:
        merged.update(override.model_dump(exclude_none=True))
    return TaskPolicy(
        policy.queue,
        RetryPolicy(**merged) if overrides else policy.retry,
        limit or terms.time_limit_seconds or policy.time_limit_seconds,
    )


def terms_errors(terms: Terms, now: datetime | None = None) -> list[FieldError]:
    """Returns the errors that no single field shows; `delay_seconds` counts from `now`."""
    errors = [
        FieldError("out_of_range", f"{name} is outside the years 1970 to 9000.", f"#/{name}")
        for name, moment in (("run_at", terms.run_at), ("expires_at", terms.expires_at))
        if moment is not None and not EARLIEST <= moment <= LATEST
    ]
    if terms.run_at is not None and terms.delay_seconds is not None:
        errors.append(FieldError("given_twice", "Give run_at or delay_seconds, not both.", "#/delay_seconds"))
    if not errors and (early := _early_expiry(terms, now or datetime.now(UTC))):
        errors.append(FieldError("refused", early, "#/expires_at"))
    return errors


def _early_expiry(terms: Terms, now: datetime) -> str | None:
    """Says why a job would expire before it may start; None where it would not.

    A job without a start time may have expired already: its request was late, and the job says so.
    """
    if terms.expires_at is None:
        return None
    if terms.run_at is not None:
        start, given, mend = terms.run_at, f"run_at is {_clock(terms.run_at)}", "an earlier run_at"
    elif terms.delay_seconds:
        start = now + timedelta(seconds=terms.delay_seconds)
        given, mend = f"delay_seconds is {terms.delay_seconds:.15g}, until {_clock(start)}", "a smaller delay_seconds"
    else:
        return None
    if terms.expires_at > start:
        return None
    return (
        f"expires_at is {_clock(terms.expires_at)}, but {given}: the job would expire before it starts. "
        f"Give a later expires_at, or {mend}."
    )


def _clock(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def new_job(
    terms: Terms,
    *,
    owner: str,
    kind: str,
    title: str,
    tasks: Sequence[NewTask],
    uses: Sequence[UUID] = (),
    job_id: UUID | None = None,
) -> NewJob:
    """Builds a job for the ledger; `title` is used for submissions without one."""
    return NewJob(
        id=job_id or terms.id or new_id(),
        id_given=job_id is None and terms.id is not None,
        owner=owner,
        kind=kind,
        title=terms.title or title[:200],
        tasks=tuple(tasks),
        tags=tuple(dict.fromkeys(terms.tags)),
        priority=terms.priority,
        run_at=terms.run_at,
        delay_seconds=terms.delay_seconds,
        expires_at=terms.expires_at,
        uses=tuple(dict.fromkeys(uses)),
    )
