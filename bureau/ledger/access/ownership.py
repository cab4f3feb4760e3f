"""Whose a shared thing is: what a signed link leads to is read as its owner would."""

from urllib.parse import quote
from uuid import UUID

from sqlalchemy import select

from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import artifacts, jobs
from bureau.signing.signed_links import Linked


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


def path_of(db: Database, kind: Linked, thing: UUID, owner: str) -> str | None:
    """The path at which this owner reads a job, or a file that was not removed; None for everybody else's."""
    if kind is Linked.JOB:
        return f"/v1/jobs/{thing}" if owner_of_job(db, thing) == owner else None
    name = select(artifacts.c.name).where(
        artifacts.c.id == thing, artifacts.c.owner == owner, artifacts.c.removed_at.is_(None)
    )
    with db.read() as connection:
        found = connection.execute(name).scalar_one_or_none()
    return None if found is None else f"/v1/artifacts/{thing}/{quote(found, safe='')}"
