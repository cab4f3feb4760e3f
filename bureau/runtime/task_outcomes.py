"""Turns what a task returned or raised into its outcome for the ledger, without I/O."""

import json
import random
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from bureau.contracts.errors import PermanentError, Postponed, TaskError, TransientError
from bureau.contracts.jobs.graph import references
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.outcome import Cancelled, Failed, Outcome, Released, RetryLater
from bureau.ledger.jobs.retry_policy import GiveUp, Postpone, Retry, decide_retry, error_of
from bureau.runtime.execution import Execution
from bureau.runtime.raised_error import RaisedError
from bureau.stop_token import StopReason

NEWER_INPUT_SECONDS = 30.0
RESULT_BYTES = 256 * 1024


def stopped(execution: Execution) -> Outcome | None:
    match execution.stop.reason:
        case StopReason.CANCELLED:
            return Cancelled()
        case StopReason.TIME_LIMIT:
            limit = execution.claim.time_limit_seconds
            error = TransientError("time_limit", f"It ran longer than its time limit of {limit:g} seconds.")
            return ended_by(RaisedError(error), execution.claim)
        case StopReason.SHUTDOWN:
            return Released()
        case StopReason.LEASE_LOST:
            return None
        case None:
            by_hand = TransientError("unexpected_error", f"{execution.claim.run} raised Stopped, unasked.")
            return ended_by(RaisedError(by_hand), execution.claim)


def jitter(seconds: float) -> float:
    """Returns a random delay of at most `seconds`."""
    return random.uniform(0, seconds)  # noqa: S311 - not a secret


def failed(execution: Execution, raised: RaisedError) -> Outcome:
    """Returns the outcome of a task that raised; a permanent failure keeps the files that the task asked to keep."""
    ending = ended_by(raised, execution.claim)
    return replace(ending, made=tuple(execution.kept)) if isinstance(ending, Failed) else ending


def ended_by(raised: RaisedError, claimed: Claim) -> Outcome:
    error = raised.error
    decision = decide_retry(
        error,
        claimed.failures + 1,
        claimed.retry,
        jitter,
        postponed_seconds=claimed.postponed_seconds,
    )
    retryable = not isinstance(error, PermanentError)
    match decision:
        case Retry(delay):
            return RetryLater(delay, error_of(error.code, error.message, retryable=True), counted=True)
        case Postpone(delay):
            return RetryLater(delay, error_of(error.code, error.message, retryable=True), counted=False)
        case GiveUp(code, message):
            details = [detail._asdict() for detail in error.details]
            return Failed(error_of(code, message, retryable=retryable, details=details))


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


def refuse_unstorable(result: Any) -> None:
    """Raises `PermanentError` for a result that is not JSON: NaN and infinity are not (RFC 8259)."""
    try:
        size = len(json.dumps(result, allow_nan=False))
    except (ValueError, RecursionError) as error:
        raise PermanentError("result_not_json", f"The result cannot be written as JSON: {error}.") from error
    if size > RESULT_BYTES:
        raise PermanentError(
            "result_too_large", f"The result has {size:,} characters, {RESULT_BYTES:,} are allowed. Write an artifact."
        )
