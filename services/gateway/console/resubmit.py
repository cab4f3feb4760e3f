"""Turns a job into a new submission, and into a curl command that submits it."""

import json
import shlex
from collections.abc import Sequence
from typing import Any

from bureau.contracts.jobs.jobs import JobSpec
from bureau.ledger.reads.event_history import Declared
from bureau.ledger.reads.job_views import JobView
from bureau.services.gateway.console.text.redaction import redacted
from bureau.services.gateway.http.parsing.validation import Reader


def body_of(job: JobView, declared: Sequence[Declared]) -> dict[str, Any]:
    """Returns the body for POST /v1/jobs, without values that equal their defaults."""
    body: dict[str, Any] = {"title": job.title, "tasks": [_task(task) for task in declared]}
    if job.tags:
        body["tags"] = job.tags
    return body if job.priority == 5 else {**body, "priority": job.priority}


def spec_of(job: JobView, declared: Sequence[Declared]) -> JobSpec:
    """Returns the validated specification. Raises a 422 problem: an old job may no longer be valid."""
    return Reader(JobSpec).read(body_of(job, declared))


def curl(job: JobView, declared: Sequence[Declared], base_url: str, *, keyed: bool) -> str:
    """Returns a shell command, in which secrets are masked and have to be filled in again."""
    body = json.dumps(redacted(body_of(job, declared)), ensure_ascii=False)
    key = ['  -H "Authorization: Bearer $BUREAU_KEY" \\'] if keyed else []
    lines = [f"curl {base_url}/v1/jobs -H 'Content-Type: application/json' \\", *key, f"  -d {shlex.quote(body)}"]
    return "\n".join(lines)


def _task(task: Declared) -> dict[str, Any]:
    body: dict[str, Any] = {"name": task.name, "run": task.run, "input": task.input}
    if task.after:
        body |= {"after": task.after, "when": task.when}
    if task.queue != task.run.partition(".")[0]:
        body["queue"] = task.queue
    return {**body, "optional": True} if task.optional else body
