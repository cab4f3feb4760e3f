"""Finds the owners of jobs and files, because the target of a signed link is read with its owner's rights."""

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
    """Returns the owner of a file or None. With `of_job`, only a file that this job made is found."""
    query = select(artifacts.c.owner).where(artifacts.c.id == artifact_id)
    if of_job is not None:
        query = query.where(artifacts.c.job_id == of_job)
    with db.read() as connection:
        return connection.execute(query).scalar_one_or_none()


def path_of(db: Database, kind: Linked, thing: UUID, owner: str) -> str | None:
    """Returns the path of this owner's job, or of a file that was not removed; None for things of other owners."""
    if kind is Linked.JOB:
        return f"/v1/jobs/{thing}" if owner_of_job(db, thing) == owner else None
    name = select(artifacts.c.name).where(
        artifacts.c.id == thing, artifacts.c.owner == owner, artifacts.c.removed_at.is_(None)
    )
    with db.read() as connection:
        found = connection.execute(name).scalar_one_or_none()
    return None if found is None else f"/v1/artifacts/{thing}/{quote(found, safe='')}"
