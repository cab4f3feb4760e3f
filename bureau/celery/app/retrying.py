"""Decides what a retry is: when it happens, and what is raised instead if there are none left. The functions are pure,
but for the jitter."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from bureau.celery.exceptions import Ignore, NotInBureau, Reject, Retry
from bureau.celery.sending.options import moment_of

LONGEST_SECONDS = 24 * 3600.0  # that Bureau waits between two attempts
MOST_RETRIES = 99  # Bureau makes at most a hundred attempts


def backoff_seconds(factor: float, retries: int, most: int, jitter: bool) -> int:
    """Returns the seconds before a retry, which double from one to the next, or a random part of them."""
    seconds = min(most, int(max(1.0, factor)) * 2**retries)
    return max(0, random.randrange(seconds + 1) if jitter else seconds)  # noqa: S311 - not a secret


def seconds_until(when: Any) -> float:
    """Returns the seconds until a retry. Raises `NotInBureau` for more than Bureau waits."""
    if not isinstance(when, int | float):
        moment = moment_of(when, datetime.now(UTC))
        when = 0.0 if moment is None else (moment - datetime.now(UTC)).total_seconds()
    if when > LONGEST_SECONDS:
        raise NotInBureau(f"retry in {when:.0f} s: Bureau waits at most 24 hours between two attempts")
    return max(0.0, float(when))


def most_retries(limit: int | None) -> int:
    """Returns how many retries there are; None, which is no limit in Celery, is Bureau's 99."""
    return MOST_RETRIES if limit is None else min(limit, MOST_RETRIES)


def with_autoretry(task: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    """Returns a function that runs `run` and asks for a retry of the exceptions in `autoretry_for`."""
    wanted, unwanted = tuple(task.autoretry_for or ()), tuple(task.dont_autoretry_for or ())

    def again(error: BaseException) -> Any:
        how = dict(task.retry_kwargs or {})
        if task.retry_backoff:
            how["countdown"] = backoff_seconds(
                float(task.retry_backoff), task.request.retries, int(task.retry_backoff_max), task.retry_jitter
            )
        return task.retry(exc=error, **how)

    if iscoroutinefunction(run):

        @wraps(run)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            try:
                return await run(*args, **kwargs)
            except (Ignore, Reject, Retry, *unwanted):
                raise
            except wanted as error:
                raise again(error) from error

        return awaited

    @wraps(run)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return run(*args, **kwargs)
        except (Ignore, Reject, Retry, *unwanted):
            raise
        except wanted as error:
            raise again(error) from error

    return called
