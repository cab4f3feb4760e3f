"""What went wrong, in words on stderr, and the exit code it means."""

import json
from typing import Any

import click

from bureau.cli.words import plain
from bureau.client import BureauError, JobFailed, Problem, Unreachable

GOOD, JOB_FAILED, USAGE, UNREACHABLE, NOT_ALLOWED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def code_of(error: BureauError) -> int:
    """What is refused counts as usage; what may pass, and what Bureau did wrong, as not reached."""
    match error:
        case JobFailed():
            return JOB_FAILED
        case Problem(status=401 | 403):
            return NOT_ALLOWED
        case Problem(status=status) if status >= 500 or status == 429:
            return UNREACHABLE
        case Unreachable():
            return UNREACHABLE
        case _:
            return USAGE


def say(error: BureauError, *, as_json: bool) -> None:
    click.echo(json.dumps(_told(error), ensure_ascii=False) if as_json else plain(error) + _hint(error), err=True)


def _told(error: BureauError) -> dict[str, Any]:
    if not isinstance(error, Problem):
        return {"error": str(error)}
    errors = [vars(one) for one in error.errors]
    return {"error": error.detail or error.title, "status": error.status, "type": error.slug, "errors": errors}


def _hint(error: BureauError) -> str:
    match error:
        case Problem(slug="key-missing"):
            return "\nSet BUREAU_KEY to yours, or BUREAU_KEY_FILE to a file that holds it."
        case Problem(request_id=str(request_id), status=500):
            return f"\nIts request is {request_id}."
        case _:
            return ""
