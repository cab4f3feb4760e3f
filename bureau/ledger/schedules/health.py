"""Summarises schedules for the doctor."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.database import Database
from bureau.ledger.db.schedule_tables import schedules
from bureau.ledger.db.sql_time import age, later
from bureau.ledger.db.tables import jobs
from bureau.ledger.schedules.ticks import PUNCTUAL


@dataclass(frozen=True)
class TroubledSchedule:
    """A schedule that is late, whose last tick has no job (`problem` says why), or whose last job failed."""

    owner: str
    name: str
    late_seconds: float  # 0: on time
    problem: str | None
    problem_at: datetime | None
    failed_job: UUID | None


@dataclass(frozen=True)
class ScheduleSurvey:
    """Counts of schedules: `coming` have a next tick, the first at `next_at`."""

    coming: int
    disabled: int
    next_at: datetime | None
    troubled: tuple[TroubledSchedule, ...]


def survey(db: Database, *, limit: int = 50) -> ScheduleSurvey:
    """Returns the summary with at most `limit` troubled schedules, the latest first."""
    numbers = select(
        func.count(schedules.c.next_at).label("coming"),
        func.count().filter(schedules.c.enabled.is_(False)).label("disabled"),
        func.min(schedules.c.next_at).label("next_at"),
    )
    failed = jobs.c.state == JobState.FAILED
    query = (
        select(
            schedules.c.owner,
            schedules.c.name,
            age(schedules.c.next_at).label("late"),
            schedules.c.problem,
            schedules.c.problem_at,
            jobs.c.id.label("failed_job"),
        )
        .outerjoin(jobs, (jobs.c.id == schedules.c.last_job_id) & failed)
        .where(
            or_(
                schedules.c.next_at < later(-PUNCTUAL.total_seconds()),
                schedules.c.problem.is_not(None),
                jobs.c.id.is_not(None),
            )
        )
        .order_by(schedules.c.next_at, schedules.c.owner, schedules.c.name)
        .limit(limit)
    )
    with db.read() as connection:
        found = connection.execute(numbers).one()
        rows = connection.execute(query).all()
    return ScheduleSurvey(
        found.coming,
        found.disabled,
        found.next_at,
        tuple(
            TroubledSchedule(row.owner, row.name, _late(row.late), row.problem, row.problem_at, row.failed_job)
            for row in rows
        ),
    )


def _late(seconds: float | None) -> float:
    return seconds if seconds is not None and seconds > PUNCTUAL.total_seconds() else 0.0
