"""Tells people that their job failed, and why: the work of a task with `when: failed` of any service."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.reads.failures import Failure
from bureau.task import Context

DETAILS_IN_MAIL = 20

FailureOf = Callable[[UUID], Failure | None]
"""Returns why a job fails."""


def tell_failure(
    ctx: Context, failure_of: FailureOf, *, to: Sequence[str], title: str, language: str | None = None
) -> None:
    """Adds a mail that names the first failure of this task's job, with its errors one by one."""
    with asking_ledger():
        failure = failure_of(ctx.job_id)
    context: dict[str, Any] = {
        "title": title,
        "reason": failure.message if failure else "The reason is unknown.",
        "job": str(ctx.job_id),
    }
    if failure:
        context |= {"task": failure.task, "code": failure.code}
        if failure.details:
            context["details"] = [dict(detail) for detail in failure.details[:DETAILS_IN_MAIL]]
    mail: dict[str, Any] = {"to": list(to), "template": "job-failed", "context": context}
    ctx.add("send", "mailer.send", mail | ({"language": language} if language else {}))
