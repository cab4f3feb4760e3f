"""Prints errors on stderr and maps each to the command's exit code."""

import json
from typing import Any

import click

from bureau.cli.formatting import plain
from bureau.client import BureauError, JobFailed, Problem, Unreachable

GOOD, JOB_FAILED, USAGE, UNREACHABLE, NOT_ALLOWED, INTERRUPTED = 0, 1, 2, 3, 4, 130


def code_of(error: BureauError) -> int:
    """Returns the exit code of an error.

    A refused request counts as wrong usage. A failure that may pass, and an internal error of Bureau, count as
    "cannot be reached", because a script does best to try again.
    """
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


def print_error(error: BureauError, *, as_json: bool) -> None:
    """Prints an error on stderr, as one line of JSON or as text with a hint on what to do."""
    click.echo(
        json.dumps(_error_as_json(error), ensure_ascii=False) if as_json else plain(error) + _hint(error), err=True
    )


def _error_as_json(error: BureauError) -> dict[str, Any]:
    if not isinstance(error, Problem):
        return {"error": str(error)}
    errors = [vars(one) for one in error.errors]
    return {"error": error.detail or error.title, "status": error.status, "type": error.slug, "errors": errors}


def _hint(error: BureauError) -> str:
    match error:
        case Problem(slug="key-missing"):
            return "\nSet BUREAU_KEY to your key, or BUREAU_KEY_FILE to a file that holds it."
        case Problem(request_id=str(request_id), status=500):
            return f"\nThe request id is {request_id}."
        case _:
            return ""
