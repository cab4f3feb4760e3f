"""Turns what a task returned or raised into its outcome for the ledger, without I/O."""

import asyncio
import json
import random
from dataclasses import replace
from typing import Any

import structlog
from pydantic import ValidationError

from bureau.contracts.errors import PermanentError, Postponed, Stopped, TaskError, TransientError
from bureau.contracts.jobs.graph import references
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Released, RetryLater, Succeeded
from bureau.ledger.jobs.retry_policy import GiveUp, Postpone, Retry, decide_retry, error_of
from bureau.process.hooks import HOOKS, TASK_MOMENTS
from bureau.runtime.execution.execution import Execution
from bureau.runtime.execution.raised_error import RaisedError, leading, plain_error
from bureau.secrets.redaction import hide_secrets
from bureau.stop_token import StopReason

NEWER_INPUT_SECONDS = 30.0
RESULT_BYTES = 256 * 1024

log = structlog.get_logger(__name__)


def succeeded(execution: Execution, result: Any) -> Outcome:
    """Returns the outcome of a function that returned a result. Raises `PermanentError` for one that is not JSON."""
    refuse_unstorable(result)
    return Succeeded(
        hide_secrets(result),
        progress=execution.events.last_progress,
        made=tuple(execution.made),
        removed=tuple(ref.artifact for ref in execution.removed),
        added=execution.added.new,
    )


def failed(execution: Execution, raised: BaseException) -> Outcome | None:
    """Returns the outcome of a function that raised; None if its claim was lost. Never raises.

    Logs an unexpected error. A permanent failure keeps the files that the task asked to keep.
    """
    leader = leading(raised)
    if issubclass(type(leader), Stopped):
        return stopped(execution)
    if issubclass(type(leader), asyncio.CancelledError) and execution.stop.reason is not None:
        return stopped(execution)
    if HOOKS.has(TASK_MOMENTS):
        execution.raised = raised
    run = execution.claim.run
    told = plain_error(leader, run, whole=raised)
    if told.unexpected:
        log.error("a task raised an exception", run=run, error=told.error.message, exception=told.traceback)
    ending = ended_by(told, execution.claim)
    return replace(ending, made=tuple(execution.kept)) if isinstance(ending, Failed) else ending


def stopped(execution: Execution) -> Outcome | None:
    match execution.stop.reason:
        case StopReason.CANCELLED:
            return Cancelled()
        case StopReason.TIME_LIMIT:
            limit = execution.claim.time_limit_seconds
            kind = PermanentError if execution.fails_at_time_limit else TransientError
            error = kind("time_limit", f"It ran longer than its time limit of {limit:g} seconds.")
            return ended_by(RaisedError(error), execution.claim)
        case StopReason.SHUTDOWN:
            return Released()
        case StopReason.LEASE_LOST:
            return None
        case None:
            by_hand = TransientError(
                "unexpected_error", f"{execution.claim.run} raised Stopped although it was not asked to stop."
            )
            return ended_by(RaisedError(by_hand), execution.claim)


def ended_by(raised: RaisedError, claimed: Claim) -> Outcome:
    error = raised.error
    decision = decide_retry(
        error, claimed.failures + 1, claimed.retry, jitter, postponed_seconds=claimed.postponed_seconds
    )
    retryable = not isinstance(error, PermanentError)
    match decision:
        case Retry(delay):
            return RetryLater(delay, error_of(error.code, error.message, retryable=True), True, raised.traceback)
        case Postpone(delay):
            return RetryLater(delay, error_of(error.code, error.message, retryable=True), counted=False)
        case GiveUp(code, message):
            details = [detail._asdict() for detail in error.details]
            described = error_of(code, message, retryable=retryable, details=details)
            return Failed(described, traceback=raised.traceback)


def jitter(seconds: float) -> float:
    """Returns a random delay of at most `seconds`."""
    return random.uniform(0, seconds)  # noqa: S311 - not a secret


def input_error(error: ValidationError, claimed: Claim, *, checked: bool) -> TaskError:
    """Returns the error for an accepted input that does not fit: another version wrote it, or nothing checked it.

    Nothing could check the result of a task at the submission. `checked` says that the gateway accepted the job, which
    checks inputs; `bureau.submit` cannot.
    """
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = "/".join(str(part) for part in first["loc"])
    message = f"The input does not fit {claimed.run}: {place}: {first['msg']}."
    if references(claimed.input) or not checked:
        return PermanentError("invalid_input", message)
    return Postponed("newer_input", f"{message} It waits for a worker of another version.", delay=NEWER_INPUT_SECONDS)


def refuse_unstorable(result: Any) -> None:
    """Raises `PermanentError` for a result that is not JSON: NaN and infinity are not (RFC 8259)."""
    try:
        size = len(json.dumps(result, allow_nan=False))
    except (ValueError, RecursionError) as error:
        raise PermanentError("result_not_json", f"The result cannot be written as JSON: {error}.") from error
    if size > RESULT_BYTES:
        raise PermanentError(
            "result_too_large",
            f"The result has {size:,} characters; at most {RESULT_BYTES:,} are allowed. Write an artifact.",
        )
