"""Defines AsyncResult: what became of a task, asked of the gateway by any process that has the id."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from bureau.celery import state as of_process
from bureau.celery import states
from bureau.celery.exceptions import NotInBureau, TimeoutError
from bureau.celery.results.reading import Seen, registered, task_of
from bureau.celery.sending import gateway
from bureau.client import Problem

WAIT_SECONDS = 30  # the longest time that the gateway lets one request wait
_POLL_SECONDS = 0.5
_joining: ContextVar[bool] = ContextVar("bureau_celery_joining", default=False)


@contextmanager
def allow_join_result() -> Iterator[None]:
    """Lets a task wait for another one during the block. Its thread is busy meanwhile, so enough must be free."""
    token = _joining.set(True)
    try:
        yield
    finally:
        _joining.reset(token)


def refuse_wait_in_task() -> None:
    """Raises `RuntimeError` within a task, as Celery does: tasks that wait for tasks can use up all threads."""
    running = of_process.CURRENT.get()
    if running is not None and not running[1].called_directly and not running[1].is_eager and not _joining.get():
        raise RuntimeError(
            "Never call result.get() within a task! Use a chain, a chord or link, or `with allow_join_result():`."
        )


class Result:
    """Holds what all results have in common: they read a `Seen`."""

    id: str
    _ended: Seen | None = None

    def _look(self, wait: int = 0) -> Seen:
        raise NotImplementedError

    @property
    def seen(self) -> Seen:
        """Returns what is known now; of a task that has ended it is asked once."""
        if self._ended is None:
            found = self._look()
            if found.state not in states.READY_STATES:
                return found
            self._ended = found
        return self._ended

    @property
    def task_id(self) -> str:
        return self.id

    @property
    def state(self) -> str:
        return self.seen.state

    status = state

    @property
    def result(self) -> Any:
        return self.seen.result

    info = result

    @property
    def traceback(self) -> str | None:
        """Returns the traceback of the last attempt; the gateway gives it to a key with the role `operate`."""
        return self.seen.traceback

    def ready(self) -> bool:
        return self.state in states.READY_STATES

    def successful(self) -> bool:
        return self.state == states.SUCCESS

    def failed(self) -> bool:
        return self.state == states.FAILURE

    def maybe_throw(self, propagate: bool = True, callback: Callable[..., Any] | None = None) -> Any:
        found = self.seen
        if propagate and found.state in states.PROPAGATE_STATES and isinstance(found.result, BaseException):
            raise found.result
        if callback is not None:
            callback(self.id, found.result)
        return found.result

    maybe_reraise = maybe_throw

    def then(self, *_args: Any, **_: Any) -> Any:
        raise NotInBureau("AsyncResult.then: no process listens for results; use link=…, or GET /v1/jobs/<id>/events")

    def __str__(self) -> str:
        return self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __eq__(self, other: object) -> bool:
        return other == self.id if isinstance(other, str) else isinstance(other, Result) and other.id == self.id

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.id}>"


class AsyncResult(Result):
    """Reads a task by its id: the id of its job, or `<job>:<step>` for a step of a chain or a member of a chord."""

    TimeoutError = TimeoutError

    def __init__(
        self, id: str, backend: Any = None, task_name: Any = None, app: Any = None, parent: "AsyncResult | None" = None
    ) -> None:
        if not id:
            raise ValueError(f"AsyncResult requires valid id, not {type(id)}")
        self.id = str(id)
        self.job_id, _, self.step = self.id.partition(":")
        self.parent = parent
        self.app, self.backend = app, backend
        self._task_name = task_name

    def _look(self, wait: int = 0) -> Seen:
        return task_of(self.job_id, self.step, wait)

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = _POLL_SECONDS,
        no_ack: bool = True,
        follow_parents: bool = True,
        callback: Callable[..., Any] | None = None,
        on_message: Any = None,
        on_interval: Callable[[], Any] | None = None,
        disable_sync_subtasks: bool = True,
        **_: Any,
    ) -> Any:
        """Waits for the result. Raises what the task raised, and `TimeoutError`."""
        if disable_sync_subtasks:
            refuse_wait_in_task()
        if on_message is not None:
            raise NotInBureau("get(on_message=…): no messages tell of results; ask for .info again and again")
        ends = None if timeout is None else time.monotonic() + timeout
        while self._ended is None:
            left = WAIT_SECONDS if ends is None else ends - time.monotonic()
            asked_at = time.monotonic()
            found = self._look(0 if self.step or left < 1 else min(int(left), WAIT_SECONDS))
            if found.state in states.READY_STATES:
                self._ended = found
                break
            if left <= 0:
                raise TimeoutError("The operation timed out.")
            if on_interval:
                on_interval()
            time.sleep(max(0.0, min(interval - (time.monotonic() - asked_at), left)))
        return self.maybe_throw(propagate, callback)

    wait = get

    def revoke(self, connection: Any = None, terminate: bool = False, signal: Any = None, **_: Any) -> None:
        """Has the task not run, and with `terminate` asks it to stop if it runs. The steps of its job go with it."""
        revoke(self.id, terminate=terminate)

    def forget(self) -> None:
        """Deletes the job with its result and its log. Raises `Problem` if it has not ended."""
        self._ended = None
        try:
            gateway.client().get(self.job_id).delete()
        except Problem as problem:
            if problem.status != 404:
                raise

    @property
    def children(self) -> "list[AsyncResult]":
        """Returns the results of the tasks of the same job that wait for this one: callbacks and the steps after it."""
        task = self.seen.task
        if not task:
            return []
        tasks = gateway.client().get(self.job_id).all_tasks()
        return [
            AsyncResult(f"{self.job_id}:{one['name']}", parent=self) for one in tasks if task["name"] in one["after"]
        ]

    @property
    def name(self) -> str | None:
        run: str | None = self.seen.task.get("run")
        name: str | None = getattr(registered(run), "name", run.partition(".")[2]) if run else self._task_name
        return name

    @property
    def args(self) -> Any:
        return self.seen.task.get("input", {}).get("args")

    @property
    def kwargs(self) -> Any:
        return self.seen.task.get("input", {}).get("kwargs")

    @property
    def worker(self) -> str | None:
        return self.seen.task.get("worker")

    @property
    def queue(self) -> str | None:
        return self.seen.task.get("queue")

    @property
    def retries(self) -> int:
        return max(0, int(self.seen.task.get("attempt", 1)) - 1)

    @property
    def date_done(self) -> datetime | None:
        ended = self.seen.task.get("finished_at")
        return datetime.fromisoformat(ended) if ended else None

    def as_tuple(self) -> Any:
        return (self.id, self.parent and self.parent.as_tuple()), None

    def __reduce__(self) -> Any:
        return type(self), (self.id,)


def revoke(task_id: str, *, terminate: bool = False) -> None:
    """Cancels the job of a task. Without `terminate` a job whose task runs is left alone, as in Celery.

    Raises `NotInBureau` for a step of a job that others wait with.
    """
    job_id, _, step = str(task_id).partition(":")
    if step:
        raise NotInBureau(f"revoke({task_id!r}): Bureau cancels whole jobs; revoke {job_id!r}, its chain or chord")
    if _cancelled(job_id, terminate):
        return
    if box := gateway.outbox():  # it was committed and is not sent yet, or is sent just now
        box.take_back(job_id)
        _cancelled(job_id, terminate)


def _cancelled(job_id: str, terminate: bool) -> bool:
    """Cancels a job, unless it has ended or runs and shall go on. Returns whether the gateway has it."""
    try:
        job = gateway.client().get(job_id)
        if not job.ended and (job.state != "running" or terminate):
            job.cancel()
    except Problem as problem:
        if problem.status == 404:
            return False
        if problem.slug != "job-ended":
            raise
    return True
