"""A job as POST /v1/jobs takes it: what is wrong with it, the files it refers to, and the job for the ledger."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from bureau.contracts.jobs import pointer
from bureau.contracts.jobs.jobs import JobSpec
from bureau.contracts.jobs.references import Used, used_in
from bureau.contracts.problems import FieldError
from bureau.ledger.jobs.submit import NewJob
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.graphs import graph_errors, new_tasks, title_of
from bureau.submission.terms import new_job, terms_errors


def spec_errors(spec: JobSpec, known: CatalogSnapshot, at: Iterable[str | int] = ()) -> list[FieldError]:
    """All that is wrong, with pointers below `at`."""
    return within(at, [*terms_errors(spec), *graph_errors(spec.tasks, known)])


def within(at: Iterable[str | int], errors: Iterable[FieldError]) -> list[FieldError]:
    """The mistakes of a value that stands at `at` of a larger one."""
    prefix = pointer.fragment(at)
    return [replace(error, pointer=prefix + (error.pointer or "#")[1:]) for error in errors]


def used_by(spec: JobSpec) -> list[Used]:
    """The stored files that inputs refer to, and where."""
    return [one for index, task in enumerate(spec.tasks) for one in used_in(task.input, ("tasks", index, "input"))]


def job_from(
    spec: JobSpec, owner: str, known: CatalogSnapshot, *, job_id: UUID | None = None, title: str | None = None
) -> NewJob:
    """The job for the ledger; `title` is for a spec without one."""
    return new_job(
        spec,
        owner=owner,
        kind="job",
        title=title or title_of(spec),
        tasks=new_tasks(spec, known),
        uses=[one.artifact for one in used_by(spec)],
        job_id=job_id,
    )
