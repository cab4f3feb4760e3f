"""Writes the ends of claims into the rows of their tasks: those of a group by one statement for each kind of end."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Float, Integer, String, Text, Uuid, case, func, insert, null, select, update

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.json_rows import JsonRows
from bureau.ledger.db.metadata import Json
from bureau.ledger.db.sql_time import later, now
from bureau.ledger.db.tables import attempts, tasks

_COUNTS, _POSTPONES = "counts", "postpones"  # what a retry does with the time since when the task is postponed

_ATTEMPTS = JsonRows(task=Uuid(), outcome=String(), error=Json, traceback=Text())
_RECORD = insert(attempts).from_select(
    ["task_id", "claim_no", "outcome", "worker", "started_at", "ended_at", "error", "traceback"],
    select(
        tasks.c.id,
        tasks.c.claim_no,
        _ATTEMPTS["outcome"],
        tasks.c.worker,
        tasks.c.claimed_at,
        now(),
        _ATTEMPTS["error"],
        _ATTEMPTS["traceback"],
    ).where(_ATTEMPTS.matches(tasks.c.id)),
)

_SUCCEEDED = JsonRows(task=Uuid(), outcome=Json, last=Json, token=Uuid())
_SUCCEED = (
    update(tasks)
    .where(_SUCCEEDED.matches(tasks.c.id))
    .values(
        state=TaskState.SUCCEEDED,
        finished_at=now(),
        lease_until=None,
        due_at=None,
        claim_seal=_SUCCEEDED["token"],
        error=None,
        result=_SUCCEEDED["outcome"],
        progress=func.coalesce(_SUCCEEDED["last"], tasks.c.progress),
    )
)

_GIVEN_UP = JsonRows(task=Uuid(), state=String(), error=Json, token=Uuid())
_GIVE_UP = (
    update(tasks)
    .where(_GIVEN_UP.matches(tasks.c.id))
    .values(
        state=_GIVEN_UP["state"],
        error=_GIVEN_UP["error"],
        finished_at=now(),
        lease_until=None,
        due_at=None,
        claim_seal=_GIVEN_UP["token"],
    )
)

_AGAIN = JsonRows(task=Uuid(), delay=Float(), error=Json, since=String(), failures=Integer(), token=Uuid())
_MAKE_READY = (
    update(tasks)
    .where(_AGAIN.matches(tasks.c.id))
    .values(
        state=TaskState.READY,
        due_at=later(_AGAIN["delay"]),
        hinted_at=None,
        hints=0,
        worker=None,
        lease_until=None,
        claim_seal=func.coalesce(_AGAIN["token"], tasks.c.claim_seal),
        error=func.coalesce(_AGAIN["error"], tasks.c.error),
        failures=tasks.c.failures + _AGAIN["failures"],
        postponed_since=case(
            (_AGAIN["since"] == _POSTPONES, func.coalesce(tasks.c.postponed_since, now())),
            (_AGAIN["since"] == _COUNTS, null()),
            else_=tasks.c.postponed_since,
        ),
    )
)
_REPORTED = JsonRows(task=Uuid(), last=Json)
_REPORT = update(tasks).where(_REPORTED.matches(tasks.c.id)).values(progress=_REPORTED["last"])
# A statement of its own: a worker's role may not change `crashes`, which only the scheduler counts.
_COUNT_CRASH = update(tasks).where(_AGAIN.matches(tasks.c.id)).values(crashes=tasks.c.crashes + 1)


class ClaimEnds:
    """Gathers ends and writes them together. The rows of all their tasks are locked."""

    def __init__(self) -> None:
        self._attempts: list[dict[str, Any]] = []
        self._succeeded: list[dict[str, Any]] = []
        self._given_up: list[dict[str, Any]] = []
        self._again: list[dict[str, Any]] = []
        self._crashed: list[dict[str, Any]] = []
        self._reported: list[dict[str, Any]] = []

    def succeed(self, task: UUID, result: Any, progress: dict[str, Any] | None, token: UUID | None) -> None:
        self._succeeded.append({"task": task, "outcome": result, "last": progress or None, "token": token})

    def give_up(
        self, task: UUID, state: TaskState, error: dict[str, Any], *, traceback: str | None, token: UUID | None
    ) -> None:
        self._record(task, state.value, error, traceback)
        self._given_up.append({"task": task, "state": state.value, "error": error, "token": token})

    def retry(
        self,
        task: UUID,
        delay: float,
        error: dict[str, Any],
        *,
        counted: bool,
        traceback: str | None,
        token: UUID | None,
    ) -> None:
        """Makes the task ready again after an error; one that is not `counted` only postpones it."""
        self._record(task, "retry" if counted else "postponed", error, traceback)
        since = _COUNTS if counted else _POSTPONES
        self._make_ready(task, delay, error, since=since, failures=int(counted), token=token)

    def hand_back(self, task: UUID, token: UUID | None) -> None:
        self._record(task, "handed_back", None)
        self._make_ready(task, 0.0, None, token=token)

    def crash(self, task: UUID, delay: float, error: dict[str, Any]) -> None:
        self._record(task, "crashed", error)
        self._make_ready(task, delay, error)
        self._crashed.append(self._again[-1])

    def report(self, task: UUID, progress: dict[str, Any] | None) -> None:
        """Keeps the last report of a claim that does not succeed; most have none that is not written yet."""
        if progress:
            self._reported.append({"task": task, "last": progress})

    def write(self, connection: Connection) -> None:
        _REPORTED.execute(connection, _REPORT, self._reported)  # while the claims hold their tasks
        _ATTEMPTS.execute(connection, _RECORD, self._attempts)  # first: it copies what the claims wrote
        _SUCCEEDED.execute(connection, _SUCCEED, self._succeeded)
        _GIVEN_UP.execute(connection, _GIVE_UP, self._given_up)
        _AGAIN.execute(connection, _MAKE_READY, self._again)
        _AGAIN.execute(connection, _COUNT_CRASH, self._crashed)

    def _record(self, task: UUID, outcome: str, error: dict[str, Any] | None, traceback: str | None = None) -> None:
        self._attempts.append({"task": task, "outcome": outcome, "error": error, "traceback": traceback})

    def _make_ready(
        self,
        task: UUID,
        delay: float,
        error: dict[str, Any] | None,
        *,
        since: str | None = None,
        failures: int = 0,
        token: UUID | None = None,
    ) -> None:
        self._again.append(
            {
                "task": task,
                "delay": round(delay, 3),
                "error": error,
                "since": since,
                "failures": failures,
                "token": token,
            }
        )
