"""Whose a shared thing is: what a signed link leads to is read as its owner would."""

from uuid import UUID

from sqlalchemy import select

from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import artifacts, jobs


def owner_of_job(db: Database, job_id: UUID) -> str | None:
    with db.read() as connection:
        return connection.execute(select(jobs.c.owner).where(jobs.c.id == job_id)).scalar_one_or_none()


def owner_of_artifact(db: Database, artifact_id: UUID, *, of_job: UUID | None = None) -> str | None:
    """With `of_job` only where that job made it."""
    query = select(artifacts.c.owner).where(artifacts.c.id == artifact_id)
    if of_job is not None:
        query = query.where(artifacts.c.job_id == of_job)
    with db.read() as connection:
        return connection.execute(query).scalar_one_or_none()
