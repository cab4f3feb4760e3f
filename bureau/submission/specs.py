"""Validates a job of POST /v1/jobs, finds the files that it refers to, and builds the job for the ledger."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from uuid import UUID

from bureau.contracts.jobs import pointer
from bureau.contracts.jobs.jobs import JobSpec
from bureau.contracts.jobs.references import Used, used_in
from bureau.contracts.problems import FieldError
from bureau.ledger.jobs.submit import NewJob
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.graphs import graph_errors, new_tasks, title_of
from bureau.submission.terms import new_job, terms_errors


def spec_errors(spec: JobSpec, known: CatalogSnapshot, at: Iterable[str | int] = ()) -> Iterator[FieldError]:
    """Yields errors with pointers below `at`. It searches lazily, so a caller that has enough can stop."""
    yield from within(at, chain(terms_errors(spec), graph_errors(spec.tasks, known)))


def within(at: Iterable[str | int], errors: Iterable[FieldError]) -> Iterator[FieldError]:
    """Yields the errors of a value with pointers for its place `at` in a larger one."""
    prefix = pointer.fragment(at)
    for error in errors:
        yield replace(error, pointer=prefix + (error.pointer or "#")[1:])


def used_by(spec: JobSpec) -> list[Used]:
    """Returns the stored files that inputs refer to, and where."""
    return [one for index, task in enumerate(spec.tasks) for one in used_in(task.input, ("tasks", index, "input"))]


def job_from(
    spec: JobSpec, owner: str, known: CatalogSnapshot, *, job_id: UUID | None = None, title: str | None = None
) -> NewJob:
    """Builds the job for the ledger; `title` is used for a spec without one."""
    return new_job(
        spec,
        owner=owner,
        kind="job",
        title=title or title_of(spec),
        tasks=new_tasks(spec, known),
        uses=[one.artifact for one in used_by(spec)],
        job_id=job_id,
    )
