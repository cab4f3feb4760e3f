"""Turns what a task returned or raised into its outcome for the ledger, without I/O."""

import asyncio
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import structlog
from pydantic import ValidationError

from bureau.contracts.errors import PermanentError, Postponed, Stopped, TaskError, TransientError
from bureau.contracts.jobs.graph import references
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Released, RetryLater, Succeeded
from bureau.ledger.jobs.retry_policy import GiveUp, Postpone, Retry, decide_retry, error_of
from bureau.runtime.execution import Execution
from bureau.secrets.redaction import hide_secrets, scrub
from bureau.stop_token import StopReason

NEWER_INPUT_SECONDS = 30.0
RESULT_BYTES = 256 * 1024
DETAIL_CHARACTERS = 500
_FIRST = (Stopped, PermanentError, Postponed, TransientError)  # of the errors in a group

log = structlog.get_logger(__name__)


def succeeded(execution: Execution, result: Any) -> Outcome:
    """Returns the outcome of a function that returned a result. Raises `PermanentError` for one that is not JSON."""
    refuse_unstorable(result)
    return Succeeded(
        hide_secrets(result),
        progress=execution.said.last_progress,
        made=tuple(execution.made),
        removed=tuple(ref.artifact for ref in execution.removed),
        added=execution.added.new,
    )


def failed(execution: Execution, raised: BaseException) -> Outcome | None:
    """Returns the outcome of a function that raised; None if its claim was lost. Logs an unexpected error."""
    error = leading(raised)
    match error:
        case Stopped():
            return stopped(execution)
        case asyncio.CancelledError() if execution.stop.reason is not None:
            return stopped(execution)
        case TaskError():
            ending = ended_by(error, execution.claim)
            return replace(ending, made=tuple(execution.kept)) if isinstance(ending, Failed) else ending
        case _:
            log.error("a task raised an exception", run=execution.claim.run, exc_info=raised)
            return ended_by(unexpected(error, execution.claim.run), execution.claim)


def leading(raised: BaseException) -> BaseException:
    """Returns the error that decides what happens: of a group, as a TaskGroup raises it, the one that weighs most."""
    errors = list(_flat(raised))
    return next((error for kind in _FIRST for error in errors if isinstance(error, kind)), errors[0])


def _flat(raised: BaseException) -> Iterator[BaseException]:
    if isinstance(raised, BaseExceptionGroup):
        for error in raised.exceptions:
            yield from _flat(error)
    else:
        yield raised


def stopped(execution: Execution) -> Outcome | None:
    match execution.stop.reason:
        case StopReason.CANCELLED:
            return Cancelled()
        case StopReason.TIME_LIMIT:
            limit = execution.claim.time_limit_seconds
            error = TransientError("time_limit", f"It ran longer than its time limit of {limit:g} seconds.")
            return ended_by(error, execution.claim)
        case StopReason.SHUTDOWN:
            return Released()
        case StopReason.LEASE_LOST:
            return None
        case None:
            by_hand = TransientError(
                "unexpected_error", f"{execution.claim.run} raised Stopped although it was not asked to stop."
            )
            return ended_by(by_hand, execution.claim)


def ended_by(error: TaskError, claimed: Claim) -> Outcome:
    decision = decide_retry(
        error,
        claimed.failures + 1,
        claimed.retry,
        lambda seconds: random.uniform(0, seconds),  # noqa: S311 - jitter, not a secret
        postponed_seconds=claimed.postponed_seconds,
    )
    retryable = not isinstance(error, PermanentError)
    match decision:
        case Retry(delay):
            return RetryLater(delay, error_of(error.code, scrub(error.message), retryable=True), counted=True)
        case Postpone(delay):
            return RetryLater(delay, error_of(error.code, scrub(error.message), retryable=True), counted=False)
        case GiveUp(code, message):
            return Failed(error_of(code, scrub(message), retryable=retryable, details=_details(error)))


def _details(error: TaskError) -> list[dict[str, Any]]:
    """Returns the error's details, without secrets and bounded: they may come from outside."""
    return [
        {
            name: scrub(value)[:DETAIL_CHARACTERS] if isinstance(value, str) else value
            for name, value in detail._asdict().items()
        }
        for detail in error.details
    ]


def input_error(error: ValidationError, claimed: Claim) -> TaskError:
    """Returns the error for an accepted input that does not fit: another version wrote it, or it holds a task's result.

    Nothing could check the result of a task at the submission.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = "/".join(str(part) for part in first["loc"])
    said = f"The input does not fit {claimed.run}: {place}: {first['msg']}."
    if references(claimed.input):
        return PermanentError("invalid_input", said)
    return Postponed("newer_input", f"{said} It waits for a worker of another version.", delay=NEWER_INPUT_SECONDS)


def unexpected(error: BaseException, name: str) -> TransientError:
    text = scrub(str(error))[:500]
    return TransientError("unexpected_error", f"{name} raised {type(error).__name__}: {text}".rstrip(": "))


def refuse_unstorable(result: Any) -> None:
    """Raises `PermanentError` for a result that is not JSON: NaN and infinity are not (RFC 8259)."""
    try:
        size = len(json.dumps(result, allow_nan=False))
    except ValueError as error:
        raise PermanentError("result_not_json", f"The result cannot be written as JSON: {error}.") from error
    if size > RESULT_BYTES:
        raise PermanentError(
            "result_too_large",
            f"The result has {size:,} characters; at most {RESULT_BYTES:,} are allowed. Write an artifact.",
        )
