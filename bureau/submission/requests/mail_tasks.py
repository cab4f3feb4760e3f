"""Builds the mail tasks of requests: `mailer.send` alone, or after the task whose file it attaches."""

from collections.abc import Mapping, Sequence
from typing import Any

from bureau.contracts.catalog import RetryPolicy
from bureau.contracts.jobs.jobs import Terms
from bureau.ledger.jobs.submit import NewTask
from bureau.submission.announcements import CatalogSnapshot
from bureau.submission.terms import TaskPolicy, overridden, policy_of

RUN = "mailer.send"
_STANDARD = TaskPolicy("mailer", RetryPolicy(), 120.0)  # until a mailer announces its own


def mail_task(
    name: str, mail: dict[str, Any], terms: Terms, known: CatalogSnapshot, after: Sequence[str] = ()
) -> NewTask:
    policy = overridden(policy_of(RUN, known, _STANDARD), terms)
    return NewTask(
        name,
        RUN,
        policy.queue,
        mail,
        after=tuple(after),
        retry=policy.retry,
        time_limit_seconds=policy.time_limit_seconds,
    )


def follow_up(
    to: Sequence[str],
    subject: str | None,
    *,
    template: str,
    after: str,
    attachment: str,
    context: Mapping[str, Any],
    facts: Sequence[str],
    language: str | dict[str, str] | None = None,
    terms: Terms,
    known: CatalogSnapshot,
) -> NewTask:
    """Returns a mail that is sent after the task `after` succeeds, with the file in its result's field `attachment`.

    `context` is known now; `facts` are fields of the result, and `language` may refer to one.
    """
    mail: dict[str, Any] = {
        "to": list(to),
        "template": template,
        "context": {**context, **{fact: {"$result": f"/{after}/{fact}"} for fact in facts}},
        "attachments": [{"$result": f"/{after}/{attachment}"}],
    }
    if subject:
        mail["subject"] = subject
    if language:
        mail["language"] = language
    return mail_task("mail", mail, terms, known, after=[after])
