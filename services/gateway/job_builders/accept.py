"""Submits a job to the ledger and answers: 202 and the job, or 200 if the request waited for it and it ended."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from bureau.contracts.jobs import pointer
from bureau.contracts.jobs.references import Used
from bureau.contracts.problems import FieldError, ProblemError
from bureau.ledger.access import idempotency
from bureau.ledger.access.idempotency import Answer, KeyTaken
from bureau.ledger.access.keys import Role
from bureau.ledger.files import artifacts
from bureau.ledger.files.artifacts import ArtifactGone, StoredArtifact
from bureau.ledger.jobs.submit import JobIdTaken, NewJob, insert_job
from bureau.ledger.reads import job_queries
from bureau.ledger.submissions.submission import AdmissionCheck, IdTaken, NotAdmitted, Repeated, Submission
from bureau.metrics.http import SUBMISSIONS
from bureau.services.gateway.auth import quota
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http import prefer
from bureau.services.gateway.http.idempotency import REPLAYED, reserved
from bureau.services.gateway.http.operation import Call, Documented, Operation, Reply
from bureau.services.gateway.job_builders.accepted_job import accepted_job
from bureau.services.gateway.models import Job, job_of
from bureau.services.gateway.problems import invalid, not_found, problem

ACCEPTED = 202
QUOTAS = ("too-many-open-jobs", "too-many-bytes-stored")
ID_TAKEN = "job-id-taken"


def accept(
    gateway: Gateway,
    call: Call[Any, Any],
    job: NewJob,
    uploads: Sequence[StoredArtifact] = (),
    used: Sequence[Used] = (),
    *,
    also: Callable[[Connection], None] | None = None,
) -> Reply:
    """Writes files, job, idempotency answer and the effects of `also` in one transaction.

    A job without any files shares its transaction with jobs that arrive at the same time. `used` says where the request
    named each artifact. Raises `JobIdTaken`.
    """
    if job.uses or uploads or also or call.reservation:
        return _accept_alone(gateway, call, job, uploads, used, also)
    return _accept_together(gateway, call, job)


def _accept_together(gateway: Gateway, call: Call[Any, Any], job: NewJob) -> Reply:
    gateway.open_jobs.hold(call.identity)
    admission, once = call.admission, call.once
    check = admission.check if admission else None
    answer = Answer(ACCEPTED, _location(job.id)) if once else None
    submission = Submission(job, check or AdmissionCheck(), once, answer)
    outcome = gateway.submitter(submission, body_bytes=call.body_bytes)
    if isinstance(outcome, NotAdmitted):
        if admission is None or check is None:
            raise TypeError("a submission without a check was not admitted")
        admission.settle()  # raises the refusal; otherwise the key has a token left for this request alone
        return _accept_together(gateway, call, job)
    if admission and check:
        admission.confirmed(outcome.limit)
    if isinstance(outcome, Repeated):
        return _repeated(gateway, call, job)
    if isinstance(outcome, IdTaken):
        raise JobIdTaken(job.id)
    SUBMISSIONS.labels(job.kind).inc()
    if call.wait_seconds is not None:
        return _answer(gateway, call, job.id, ACCEPTED)
    queues = {task.queue: gateway.submitter.queue(task.queue) for task in job.tasks}
    shown = accepted_job(job, outcome, queues, gateway.announcements.known().served)
    return Reply(ACCEPTED, shown, {"Location": answer.location if answer else _location(job.id)})


def _accept_alone(
    gateway: Gateway,
    call: Call[Any, Any],
    job: NewJob,
    uploads: Sequence[StoredArtifact] = (),
    used: Sequence[Used] = (),
    also: Callable[[Connection], None] | None = None,
) -> Reply:
    if call.admission:
        call.admission.settle()
    given = Answer(ACCEPTED, _location(job.id))
    try:
        with gateway.database.transaction() as connection:
            quota.hold(connection, gateway.settings, call.identity, jobs=1, size=sum(file.size for file in uploads))
            if call.once:
                idempotency.take(connection, call.once, given)
            artifacts.insert_artifacts(connection, uploads)
            insert_job(connection, job)
            if also:
                also(connection)
            if call.reservation:
                idempotency.answer(connection, call.reservation, given)
    except ArtifactGone as gone:
        raise invalid(gone_errors(gone, used)) from None
    except KeyTaken:
        return _repeated(gateway, call, job, used)
    gateway.relay.wake()
    SUBMISSIONS.labels(job.kind).inc()
    return _answer(gateway, call, job.id, ACCEPTED)


def _repeated(gateway: Gateway, call: Call[Any, Any], job: NewJob, used: Sequence[Used] = ()) -> Reply:
    """Handles a key that was used before: returns its answer again, or submits the job if that answer has expired."""
    if call.once is None:
        raise TypeError("a submission without an Idempotency-Key was repeated")
    return reserved(
        gateway.held_keys,
        call.once.scope,
        call.once.fingerprint,
        lambda held: _accept_alone(gateway, replace(call, once=None, reservation=held), job, used=used),
        lambda first: replay(gateway, call, first),
    )


def _accepted_before(gateway: Gateway, call: Call[Any, Any]) -> Reply | None:
    """Returns the answer to a request that is refused now and was accepted before, by its Idempotency-Key or its id.

    What a request may ask for depends on the time and on what services announce. A client that repeats a request must
    still learn of its job.
    """
    first = idempotency.given_before(gateway.database, call.once) if call.once else None
    if first:
        reply = replay(gateway, call, first)
        return replace(reply, headers={**reply.headers, **REPLAYED})
    job_id: UUID | None = getattr(call.body, "id", None)
    if job_id is None or job_queries.job(gateway.database, job_id, call.owner) is None:
        return None
    return _earlier(gateway, call, job_id)


def _earlier(gateway: Gateway, call: Call[Any, Any], job_id: UUID) -> Reply:
    """Answers with the job that has the id of this submission already. Raises 409 if it is another owner's."""
    if job_queries.job(gateway.database, job_id, call.owner) is None:
        raise id_taken(job_id)
    reply = _answer(gateway, call, job_id, ACCEPTED)
    return replace(reply, headers={**reply.headers, **REPLAYED})


def id_taken(job_id: UUID) -> ProblemError:
    return problem(ID_TAKEN, f"Another job has the id {job_id}; choose another one, or leave id out.")


def _location(job_id: UUID) -> str:
    return f"/v1/jobs/{job_id}"


def replay(gateway: Gateway, call: Call[Any, Any], first: Answer) -> Reply:
    """Returns the answer of an earlier submission with the same key, with its job as it is now."""
    return _answer(gateway, call, UUID(first.location.rpartition("/")[2]), first.status)


def documented() -> list[Documented]:
    """Returns the answers that every submission documents."""
    headers = {"Location": "The job.", "Idempotent-Replayed": "`true`: this request was accepted before."}
    waited = {**headers, "Preference-Applied": "The wait that was requested."}
    return [
        Documented(202, "The job was accepted.", Job, waited),
        Documented(200, "The job was accepted and ended within `Prefer: wait`.", Job, waited),
    ]


def submission(
    gateway: Gateway, *, view: Callable[[Any], Reply], problems: Sequence[str] = (), **declared: Any
) -> Operation[Any, Any]:
    """Returns the declaration of a POST that submits a job with `view`.

    If the client chose the id of an earlier job, the answer is that job, after what was uploaded is deleted. So is the
    answer to a request that is repeated when it would be refused.
    """

    def submit(call: Call[Any, Any]) -> Reply:
        try:
            return view(call)
        except JobIdTaken as taken:
            return _earlier(gateway, call, taken.job_id)
        except ProblemError as refusal:
            if refusal.problem.slug != "invalid" or (reply := _accepted_before(gateway, call)) is None:
                raise
            return reply

    return Operation(
        view=submit,
        problems=[*problems, ID_TAKEN, *QUOTAS],
        method="POST",
        tag="Submit",
        role=Role.SUBMIT,
        answers=documented(),
        waits=True,
        submits=True,
        replay=lambda call, first: replay(gateway, call, first),
        **declared,
    )


def _answer(gateway: Gateway, call: Call[Any, Any], job_id: UUID, status: int) -> Reply:
    headers = {"Location": _location(job_id)}
    if call.wait_seconds is not None:
        headers.update(prefer.applied(call.wait_seconds))
        done = lambda: job_queries.ended(gateway.database, job_id)  # noqa: E731 - named for the reader
        if prefer.wait_until(done, call.wait_seconds, gateway.stopping, gateway.wait_slots):
            status = 200
    view = job_queries.job(gateway.database, job_id, call.owner, gateway.announcements.known().served)
    if view is None:
        raise not_found("job")
    return Reply(status, job_of(view), headers)


def gone_errors(gone: ArtifactGone, used: Sequence[Used]) -> list[FieldError]:
    return [
        FieldError("unknown_artifact", f"File {one.artifact} not found.", pointer.fragment(one.path))
        for one in used
        if one.artifact in gone.missing
    ] or [FieldError("unknown_artifact", f"File {artifact} not found.", "#") for artifact in gone.missing]
