"""GET /jobs/{id}: shows a job live, with its tasks, files and events, and the actions on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from bureau.ledger.access.keys import Role
from bureau.ledger.mail import recipient_history
from bureau.ledger.reads import event_history, job_queries
from bureau.ledger.reads.job_views import JobView, TaskView, busy_seconds, last_attempt
from bureau.services.gateway.console import resubmit
from bureau.services.gateway.console.api_calls import ApiCalls
from bureau.services.gateway.console.frame import HTML, Frame, go, local_address
from bureau.services.gateway.console.text.redaction import pretty
from bureau.services.gateway.console.text.task_graph import graph
from bureau.services.gateway.console.text.timeline import render_event, why_it_waits
from bureau.services.gateway.console.text.words import state_words
from bureau.services.gateway.http.operation import Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.job_builders.accept import accept
from bureau.services.gateway.models import artifact_of
from bureau.services.gateway.problems import not_found, refuse
from bureau.signing.signed_links import PARAMETER, Linked
from bureau.submission.specs import job_from, spec_errors, used_by

EVENTS = 120
MAILS = 40  # recipients; with all their steps they take less than 50 kB
ALL_IN_FULL = 4  # tasks; of more, one at a time is shown in full
OPEN = ("scheduled", "queued", "running")


@dataclass(frozen=True)
class ShownTask:
    """A task as the page shows it; `input` and `result` are set where it is shown in full."""

    task: TaskView
    words: tuple[str, str]
    ran: timedelta | None  # its attempts together, without the pauses between them
    input: str | None = None
    result: str | None = None
    meta: str | None = None


def operations(frame: Frame, acting: ApiCalls) -> list[Operation[Any, Any]]:
    def submit(verb: str, done: str) -> Operation[Any, Any]:
        def act(call: Call[Any, Any]) -> Response:
            acting.perform(f"{verb}-job", call)
            return go(f"/jobs/{call.path['job_id']}", done=done)

        summary = f"{verb.title()} the job"
        return frame.post(f"{verb}-job", f"/jobs/<uuid:job_id>/{verb}", act, summary, role=Role.SUBMIT)

    def link(call: Call[Any, Any]) -> Response:
        made: Any = acting.perform(f"create-{Linked.ARTIFACT}-link", call)
        return frame.page("link.html", call, link=made, back=local_address(call.body.get("back")))

    return [
        _read(frame),
        submit("cancel", "cancelled"),
        submit("retry", "retried"),
        _again(frame),
        frame.post(
            "artifact-link",
            "/files/<uuid:artifact_id>/link",
            link,
            "A link to the file, to pass on",
            role=Role.SUBMIT,
            answers=[Documented(200, "The page with the link.", media_types=HTML)],
        ),
    ]


def _read(frame: Frame) -> Operation[Any, Any]:
    database = frame.gateway.database

    def read(call: Call[Nothing, Nothing]) -> Response:
        job, now = _find(frame, call), datetime.now(UTC)
        total = sum(job.counts.values())
        # The inputs of very many tasks take megabytes, and the page shows few of them.
        declared = event_history.declared(database, job.id, call.owner) if total <= len(job.tasks) else ()
        asked = request.args.get("task")
        token = call.identity.link_token
        return frame.page(
            "job.html",
            call,
            last_attempt=last_attempt,
            job=job,
            words=state_words(job.state),
            open=job.state in OPEN,
            waits=why_it_waits(job.waiting, *_first_idle(job)),
            waited=(job.started_at or job.finished_at or now) - job.created_at,
            took=(job.finished_at or now) - job.started_at if job.started_at else None,
            ran=_busy(job.tasks, now) if total == 1 and job.started_at else None,
            attempts=sum(len(task.attempts) for task in job.tasks),
            tasks=[_shown_task(task, now, in_full=_in_full(task, job.tasks, asked)) for task in job.tasks],
            total=total,
            graph=graph(job.tasks) if total == len(job.tasks) else None,
            files=[(file, artifact_of(file, token).url) for file in job.artifacts],
            token=f"{PARAMETER}={token}" if token else None,
            mails=recipient_history.mails(database, job.id, limit=MAILS),
            events=[
                render_event(event) for event in reversed(event_history.last_events(database, job.id, limit=EVENTS))
            ],
            curl=resubmit.curl(job, declared, frame.gateway.settings.base_url, keyed=call.identity.key_id is not None)
            if declared and token is None
            else None,
        )

    return frame.get("job", "/jobs/<uuid:job_id>", read, "Show a job", linked=Linked.JOB)


def _again(frame: Frame) -> Operation[Any, Any]:
    gateway = frame.gateway

    def run_again(call: Call[Any, Any]) -> Response:
        job = _find(frame, call)
        known = gateway.announcements.known()
        spec = resubmit.spec_of(job, event_history.declared(gateway.database, job.id, call.owner))
        refuse(spec_errors(spec, known))
        new = replace(job_from(spec, call.owner, known), kind=job.kind)
        accepted: Reply = accept(gateway, call, new, used=used_by(spec))
        return go(accepted.headers["Location"].removeprefix("/v1"), done="submitted")

    return frame.post(
        "run-job-again", "/jobs/<uuid:job_id>/again", run_again, "Submit the same once more", role=Role.SUBMIT
    )


def _find(frame: Frame, call: Call[Any, Any]) -> JobView:
    """Returns the job. Raises a 404 problem."""
    job_id: UUID = call.path["job_id"]
    served = frame.gateway.announcements.known().served
    tracebacks = call.identity.operates
    job = job_queries.job(frame.gateway.database, job_id, call.owner, served, tracebacks=tracebacks)
    if job is None:
        raise not_found("job", job_id)
    return job


def _shown_task(task: TaskView, now: datetime, *, in_full: bool) -> ShownTask:
    ran = _busy([task], now) if task.started_at else None
    brief = ShownTask(task, state_words(task.state), ran)
    if not in_full:
        return brief
    result = pretty(task.result) if task.result is not None else None
    meta = pretty(task.meta) if task.meta else None
    return replace(brief, input=pretty(task.input), result=result, meta=meta)


def _busy(tasks: Sequence[TaskView], now: datetime) -> timedelta:
    """Returns for how long attempts of these tasks ran, without the pauses between them."""
    return timedelta(seconds=busy_seconds((one for task in tasks for one in task.attempts), now))


def _in_full(task: TaskView, tasks: Sequence[TaskView], asked: str | None) -> bool:
    return len(tasks) <= ALL_IN_FULL or task.name == asked


def _first_idle(job: JobView) -> tuple[str | None, str | None]:
    """Returns the name and the queue of the task that starts first, as far as the page knows."""
    idle = [task for task in job.tasks if task.state in ("queued", "scheduled", "retrying")]
    return (idle[0].run, idle[0].queue) if idle else (None, None)
