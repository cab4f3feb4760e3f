"""Defines GroupResult: the results of tasks that were started together."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from bureau.celery import states
from bureau.celery.exceptions import TimeoutError
from bureau.celery.results.result import AsyncResult, Result
from bureau.celery.sending import gateway
from bureau.contracts.ids import new_id

TAG = "group:"
_INDEX_BITS = 12


class ResultSet:
    """Holds several results, in order. A member may be a group again."""

    def __init__(self, results: Any, app: Any = None, **_: Any) -> None:
        self.results: list[Any] = list(results)
        self.app = app

    def add(self, result: Any) -> None:
        if result not in self.results:
            self.results.append(result)

    def ready(self) -> bool:
        return all(one.ready() for one in self.results)

    def successful(self) -> bool:
        return all(one.successful() for one in self.results)

    def failed(self) -> bool:
        return any(one.failed() for one in self.results)

    def waiting(self) -> bool:
        return not self.ready()

    def completed_count(self) -> int:
        return sum(int(one.successful()) for one in self.results)

    def get(
        self,
        timeout: float | None = None,
        propagate: bool = True,
        interval: float = 0.5,
        callback: Callable[..., Any] | None = None,
        disable_sync_subtasks: bool = True,
        **_: Any,
    ) -> list[Any]:
        """Waits for all results, `timeout` seconds in all. Raises what the first task that failed raised."""
        ends = None if timeout is None else time.monotonic() + timeout
        values = []
        for one in self.results:
            left = None if ends is None else max(0.0, ends - time.monotonic())
            values.append(
                one.get(left, propagate=propagate, interval=interval, disable_sync_subtasks=disable_sync_subtasks)
            )
            if callback is not None:
                callback(one.id, values[-1])
        return values

    join = join_native = get

    def iterate(self, timeout: float | None = None, propagate: bool = True, interval: float = 0.5) -> Iterator[Any]:
        """Yields each result as soon as it is there. Raises `TimeoutError`."""
        ends = None if timeout is None else time.monotonic() + timeout
        pending = list(self.results)
        while pending:
            for one in [one for one in pending if one.ready()]:
                pending.remove(one)
                yield one.get(propagate=propagate)
            if pending:
                if ends is not None and time.monotonic() > ends:
                    raise TimeoutError("The operation timed out")
                time.sleep(interval)

    def maybe_throw(self, propagate: bool = True, callback: Callable[..., Any] | None = None) -> None:
        for one in self.results:
            one.maybe_throw(propagate=propagate, callback=callback)

    maybe_reraise = maybe_throw

    def revoke(self, terminate: bool = False, **_: Any) -> None:
        for one in self.results:
            one.revoke(terminate=terminate)

    def forget(self) -> None:
        for one in self.results:
            one.forget()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, index: Any) -> Any:
        return self.results[index]


class GroupResult(ResultSet):
    """Is a ResultSet with an id. Bureau keeps which jobs belong to it, so `restore` needs no `save`."""

    def __init__(self, id: str, results: Any = (), parent: Any = None, app: Any = None, **_: Any) -> None:
        super().__init__(results, app)
        self.id = str(id)
        self.parent = parent

    @property
    def children(self) -> list[Any]:
        return self.results

    def save(self, backend: Any = None) -> "GroupResult":
        """Returns this result: the ledger has it already."""
        return self

    def delete(self, backend: Any = None) -> None:
        self.forget()

    def revoke(self, terminate: bool = False, **_: Any) -> None:
        """Cancels each member; of a group inside a job, the job."""
        jobs = {one.job_id: one for one in flat(self.results)}
        for job_id in jobs:
            AsyncResult(job_id).revoke(terminate=terminate)

    @classmethod
    def restore(cls, id: str, backend: Any = None, app: Any = None) -> "GroupResult | None":
        """Returns the group of this id; None if no job of it is kept."""
        jobs = sorted(job.id for job in gateway.client().jobs(tag=f"{TAG}{id}"))
        return cls(id, [AsyncResult(job) for job in jobs]) if jobs else None

    @property
    def state(self) -> str:
        """Returns the worst state of the members."""
        found = {one.state for one in self.results}
        if found <= {states.SUCCESS}:
            return states.SUCCESS
        return next((one for one in (states.FAILURE, states.REVOKED) if one in found), states.PENDING)

    def as_tuple(self) -> Any:
        return (self.id, self.parent and self.parent.as_tuple()), [one.as_tuple() for one in self.results]

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.id} [{', '.join(str(one) for one in self.results)}]>"


def flat(results: Any) -> Iterator[AsyncResult]:
    """Yields the results of tasks, also of groups in groups."""
    for one in results:
        if isinstance(one, ResultSet):
            yield from flat(one.results)
        else:
            yield one


def member_ids(count: int) -> list[UUID]:
    """Returns ids for the members of a group that sort in its order."""
    base = new_id().int
    mask = (1 << _INDEX_BITS) - 1
    milliseconds, rest = base >> 80, base & ~(mask << 64) & ((1 << 80) - 1)
    return [
        UUID(int=(milliseconds + (index >> _INDEX_BITS)) << 80 | rest | (index & mask) << 64) for index in range(count)
    ]


def result_from_tuple(made: Any, app: Any = None) -> Any:
    """Returns the result that `as_tuple` wrote."""
    if isinstance(made, Result | ResultSet):
        return made
    about, members = made
    id, parent = about if isinstance(about, list | tuple) else (about, None)
    before = result_from_tuple(parent) if parent else None
    if members is not None:
        return GroupResult(id, [result_from_tuple(one) for one in members], parent=before)
    return AsyncResult(id, parent=before)
