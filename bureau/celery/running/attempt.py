"""Runs one attempt of a task: its request, its handlers and signals, and what its end means to Bureau."""

from asyncio import CancelledError
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bureau.celery import signals, state, states
from bureau.celery.app.outcome import after_failure, after_retry, after_success
from bureau.celery.app.reporting import keep_for_good
from bureau.celery.app.request import Context as Request
from bureau.celery.app.request import hostname
from bureau.celery.app.retrying import seconds_until
from bureau.celery.exceptions import Ignore, NotInBureau, Reject, Retry, SoftTimeLimitExceeded
from bureau.celery.results.errors import FAILED, NOT_YET, REJECTED, RETRY, message_of
from bureau.celery.results.reading import is_numbered
from bureau.celery.utils.json import decoded, encoded
from bureau.contracts.errors import PermanentError, Postponed, Stopped, TaskError, TransientError
from bureau.stop_token import StopReason
from bureau.task import Context

_VERSION_BITS = 80  # of a UUID, below its milliseconds


class Attempt:
    """Holds what an attempt needs. `request` is the task's; the methods say what happened to it."""

    def __init__(self, task: Any, ctx: Context, args: list[Any], kwargs: Mapping[str, Any], header: Mapping[str, Any]):
        self.task = task
        self.ctx = ctx
        self.header = header
        self.request = _request(task, ctx, decoded(args), decoded(dict(kwargs)), header)
        self._state = states.FAILURE
        self._told: Any = None

    def begin(self) -> None:
        """Sends the signals of a start. Raises `Postponed` for one that is too early, and refuses one that expired."""
        self._wait_for_its_time()
        self._refuse_expired()
        self.ctx.fails_at_time_limit = True
        request = self.request
        signals.task_prerun.send(
            self.task, task_id=request.id, task=self.task, args=request.args, kwargs=request.kwargs
        )
        self.task.before_start(request.id, request.args, request.kwargs)

    @property
    def soft_limit(self) -> float | None:
        """Returns after how many seconds the task is to be told that it takes too long."""
        limit = self.header.get("soft", self.task.soft_time_limit)
        limit = state.conf().task_soft_time_limit if limit is None else limit
        return None if limit is None else float(limit)

    def set_soft_limit(self) -> None:
        """Has `SoftTimeLimitExceeded` raised in the function when its time is over."""
        if (seconds := self.soft_limit) is not None:
            self.ctx.raise_after(seconds, SoftTimeLimitExceeded)

    def succeeded(self, value: Any) -> Any:
        """Returns the result as JSON. Raises `NotJson` for one that is none."""
        result = encoded(value, "the result")
        self._state, self._told = states.SUCCESS, value
        after_success(self.task, self.request, value)
        return None if self.header.get("ignore") else result

    def ended_by(self, error: BaseException) -> BaseException:
        """Returns what to raise for an exception of the task: only what asks for a retry is tried again."""
        self._told = error
        match error:
            case TaskError():  # Bureau's own, of a task that uses self.request.bureau
                return error
            case Stopped() | CancelledError():
                self._stopped()
                return error
            case Retry():
                return self._retried(error)
            case Reject(requeue=True):
                self._state = states.REJECTED
                return Postponed(REJECTED, f"It gave itself back: {error.reason}", delay=1.0)
            case Ignore() | Reject():
                self._state = states.IGNORED
                keep_for_good(self.request)
                return self._cancelled()
        return self._failed(error)

    def close(self) -> None:
        """Sends `task_postrun`, however it ended."""
        request = self.request
        signals.task_postrun.send(
            self.task,
            task_id=request.id,
            task=self.task,
            args=request.args,
            kwargs=request.kwargs,
            retval=self._told,
            state=self._state,
        )

    def _failed(self, error: BaseException) -> BaseException:
        self._state, self._told = states.FAILURE, error
        after_failure(self.task, self.request, error)
        return PermanentError(FAILED, message_of(error))

    def _retried(self, error: Retry) -> BaseException:
        self._state = states.RETRY
        try:
            seconds = seconds_until(error.when if error.when is not None else self.task.default_retry_delay)
        except NotInBureau as refused:
            return self._failed(refused)
        after_retry(self.task, self.request, error)
        cause = error.exc if isinstance(error.exc, BaseException) else error
        return TransientError(RETRY, message_of(cause), retry_after=seconds)

    def _stopped(self) -> None:
        """Tells of a task that was revoked; one that is handed back at a shutdown runs again."""
        self._state = states.REVOKED
        if self.ctx.stop.reason is StopReason.CANCELLED:
            signals.task_revoked.send(self.task, request=self.request, terminated=True, signum=None, expired=False)

    def _cancelled(self) -> BaseException:
        """Ends the task without a result: nothing that waits for it runs, and nothing is told of a failure."""
        self.ctx.stop.set(StopReason.CANCELLED)
        return Stopped(StopReason.CANCELLED)

    def _wait_for_its_time(self) -> None:
        """Postpones a later step with a countdown when it is claimed first, and one with an eta until then."""
        if (eta := self.header.get("eta")) is not None:
            seconds = (datetime.fromisoformat(eta) - datetime.now(UTC)).total_seconds()
        else:
            seconds = float(self.header.get("delay") or 0) if self.ctx.claim_no == 1 else 0.0
        if seconds > 0:
            raise Postponed(NOT_YET, "It waits for its countdown or eta.", delay=seconds)

    def _refuse_expired(self) -> None:
        """Cancels a step that expired, and a scheduled task that waited too long. Raises `Stopped`."""
        now = datetime.now(UTC)
        late = (end := self.header.get("expires")) is not None and now > datetime.fromisoformat(end)
        if (seconds := self.header.get("expires_in")) is not None:
            late = late or (now.timestamp() - (self.ctx.job_id.int >> _VERSION_BITS) / 1000) > seconds
        if late:
            signals.task_revoked.send(self.task, request=self.request, terminated=False, signum=None, expired=True)
            raise self._cancelled()


def _request(task: Any, ctx: Context, args: list[Any], kwargs: dict[str, Any], header: Mapping[str, Any]) -> Request:
    claim = getattr(ctx, "claim", None)  # what a worker has; a test may not
    queue = claim.run.partition(".")[0] if claim else state.conf().task_default_queue
    job = str(ctx.job_id)
    id = f"{job}:{claim.name}" if claim and is_numbered(claim.name) else job
    headers = decoded(header.get("headers") or {})
    return Request(
        **headers,
        id=id,
        task=task.name,
        args=args,
        kwargs=kwargs,
        retries=ctx.attempt - 1,
        called_directly=False,
        root_id=job,
        correlation_id=id,
        group=header.get("group"),
        hostname=hostname(),
        headers=headers,
        timelimit=[task.time_limit, header.get("soft", task.soft_time_limit)],
        delivery_info={
            "exchange": "",
            "routing_key": queue,
            "priority": task.priority,
            "redelivered": ctx.claim_no > ctx.attempt,
        },
        bureau=ctx,
    )
