"""Serves POST /v1/mail/templates/{name}/preview: renders a mail template, in a mailer that has it."""

import re
from typing import Any
from uuid import UUID

from pydantic import Field

from bureau.contracts.base import Contract
from bureau.contracts.jobs.jobs import Terms
from bureau.contracts.mail.mail import Language, MailPreview
from bureau.contracts.problems import FieldError
from bureau.ledger.access.keys import Role
from bureau.ledger.jobs.submit import NewTask
from bureau.ledger.reads import job_queries
from bureau.ledger.reads.job_views import JobView
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http import prefer
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.parsing import json_body
from bureau.services.gateway.job_builders.accept import QUOTAS, accept
from bureau.services.gateway.models import Job, job_of
from bureau.services.gateway.problems import invalid, not_found, problem, refuse, try_again
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.names import named
from bureau.submission.terms import TaskPolicy, new_job, policy_of

RUN = "mailer.preview"
NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
WAIT_SECONDS = 10.0  # used without `Prefer: wait`
_FIRST = 9  # a high priority, because somebody is waiting at the screen
_HEADERS = {
    "Idempotent-Replayed": "`true`: this request was accepted before.",
    "Preference-Applied": "The wait that was asked for; without one it is ten seconds.",
}


class TemplatePreviewRequest(Contract):
    """Holds the values that fill in the template."""

    context: dict[str, Any] = Field(default={})
    language: Language | None = None


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    def preview(call: Call[TemplatePreviewRequest, Nothing]) -> Reply:
        name = call.path["name"]
        known = gateway.announcements.known()
        if RUN not in known.tasks:
            raise try_again("no-service", "No mailer has announced its templates yet; start one and try again.")
        if not re.fullmatch(NAME, name) or name not in known.templates:
            raise problem("not-found", f"Template {name} not found; {named('template', known.templates)}")
        refuse(_errors(call.body, gateway.settings.max_context_bytes))
        job = new_job(
            Terms(priority=_FIRST),
            owner=call.owner,
            kind="preview",
            title=f"Preview of {name}",
            tasks=[_task(name, call.body, known)],
            uses=[],
        )
        accept(gateway, call, job)
        return _answer(gateway, call, job.id)

    return [
        Operation(
            name="preview-template",
            method="POST",
            path="/v1/mail/templates/<name>/preview",
            path_patterns={"name": NAME},
            view=preview,
            summary="Fill in a mail template and send it to nobody",
            tag="Mail",
            role=Role.SUBMIT,
            answers=[
                Documented(200, "The mail as it would be sent.", MailPreview, _HEADERS),
                Documented(
                    202,
                    "No mailer made the preview in time; it will be the job's result.",
                    Job,
                    {**_HEADERS, "Location": "The job."},
                ),
            ],
            body=Body(TemplatePreviewRequest),
            waits=True,
            problems=["not-found", "no-service", *QUOTAS],
            replay=lambda call, first: _answer(gateway, call, UUID(first.location.rpartition("/")[2])),
        )
    ]


def _errors(asked: TemplatePreviewRequest, at_most: int) -> list[FieldError]:
    size = len(json_body.canonical(asked.context).encode())
    if size <= at_most:
        return []
    return [FieldError("too_large", f"The context is {size} bytes; MAX_CONTEXT_BYTES allows {at_most}.", "#/context")]


def _task(name: str, asked: TemplatePreviewRequest, known: CatalogSnapshot) -> NewTask:
    policy: TaskPolicy = policy_of(RUN, known)
    given = {"template": name, "context": asked.context, "language": asked.language}
    return NewTask(
        "preview", RUN, policy.queue, given, retry=policy.retry, time_limit_seconds=policy.time_limit_seconds
    )


def _answer(gateway: Gateway, call: Call[Any, Any], job_id: UUID) -> Reply:
    asked = call.wait_seconds
    headers = prefer.applied(asked) if asked is not None else {}
    seconds = asked if asked is not None else min(WAIT_SECONDS, gateway.settings.max_wait_seconds)
    prefer.wait_until(
        lambda: job_queries.ended(gateway.database, job_id), seconds, gateway.stopping, gateway.wait_slots
    )
    view = job_queries.job(gateway.database, job_id, call.owner)
    if view is None:
        raise not_found("job")
    return _made(view, headers) or Reply(202, job_of(view), {"Location": f"/v1/jobs/{job_id}", **headers})


def _made(view: JobView, headers: dict[str, str]) -> Reply | None:
    """Returns the preview. An error that the mailer found in the context becomes a validation error of the request."""
    if view.error is not None and view.error["code"].startswith(("template_", "mail_")):
        raise invalid([FieldError("refused", view.error["message"], "#/context")])
    if not view.tasks or view.tasks[0].result is None:
        return None
    return Reply(200, MailPreview.model_validate(view.tasks[0].result), headers)
