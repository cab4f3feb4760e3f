"""Serves /v1/queues: the state of each queue; pause, resume, purge."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from bureau.contracts.base import Contract
from bureau.ledger.access import audit, idempotency
from bureau.ledger.access.audit import EVERYBODY, Act
from bureau.ledger.access.idempotency import Answer
from bureau.ledger.access.keys import Role
from bureau.ledger.dispatch import queues
from bureau.ledger.reads.queue_stats import QueueSurvey, survey
from bureau.ledger.reads.queue_trouble import QueueTrouble
from bureau.services.gateway.context import Gateway
from bureau.services.gateway.http.operation import Body, Call, Documented, Nothing, Operation, Reply
from bureau.services.gateway.http.pagination import PageQuery, page_of
from bureau.services.gateway.problems import not_found, problem


class Queue(BaseModel):
    """Describes a queue: its tasks that have not ended, and the live workers that serve it."""

    name: str
    paused_at: datetime | None
    queued: int = Field(description="Tasks that are due and not started.")
    hinted: int = Field(description="Of the due ones, those whose message was published.")
    scheduled: int = Field(description="Tasks that are due later, including retries.")
    waiting: int = Field(description="Tasks that wait for other tasks.")
    running: int
    oldest_queued_seconds: float
    trouble: QueueTrouble | None = Field(
        default=None, description="What is wrong with the queue; the console, the command and the doctor show the same."
    )
    workers: int
    threads: int
    busy: int


class QueueList(BaseModel):
    """Lists a page of queues, sorted by name."""

    items: list[Queue]
    next_cursor: str | None


class PurgeRequest(Contract):
    """Controls a purge. `expect` is the count that a dry run returned."""

    dry_run: bool = Field(default=False, description="Count only; change nothing.")
    expect: int | None = Field(
        default=None, ge=0, description="The expected number of tasks that wait to be started; 409 if it is another."
    )


class PurgeAnswer(BaseModel):
    """Tells how many tasks waited to be started, now (`queued`) or later (`scheduled`), and how many were cancelled."""

    count: int
    changed: int
    dry_run: bool


def operations(gateway: Gateway) -> list[Operation[Any, Any]]:
    return [_list(gateway), _switch(gateway, "pause"), _switch(gateway, "resume"), _purge(gateway)]


def _list(gateway: Gateway) -> Operation[Any, Any]:
    def read(call: Call[Nothing, PageQuery]) -> Reply:
        shown, following = page_of(survey(gateway.database), call.query, lambda row: (row.queue,))
        return Reply(200, QueueList(items=[_queue(row) for row in shown], next_cursor=following))

    return Operation(
        name="list-queues",
        method="GET",
        path="/v1/queues",
        view=read,
        summary="List the queues with their state",
        tag="Act",
        role=Role.OPERATE,
        answers=[Documented(200, "A page.", QueueList)],
        query=PageQuery,
    )


def _switch(gateway: Gateway, verb: str) -> Operation[Any, Any]:
    act = queues.pause if verb == "pause" else queues.resume

    def switch(call: Call[Nothing, Nothing]) -> Reply:
        found = _find(gateway, call.path["name"])
        act(gateway.database, found.queue, _noted(call, verb, found.queue))
        gateway.relay.wake()
        _answered(gateway, call)
        return Reply(200, _queue(_find(gateway, found.queue)))

    return Operation(
        name=f"{verb}-queue",
        method="POST",
        path=f"/v1/queues/<name>/{verb}",
        view=switch,
        summary="Pause a queue: start no more of its tasks"
        if verb == "pause"
        else "Resume a queue: start its tasks again",
        tag="Act",
        role=Role.OPERATE,
        answers=[Documented(200, "The queue in its present state.", Queue)],
        replay=lambda call, first: Reply(first.status, _queue(_find(gateway, call.path["name"]))),
    )


def _purge(gateway: Gateway) -> Operation[Any, Any]:
    def purge(call: Call[PurgeRequest, Nothing]) -> Reply:
        queue = _find(gateway, call.path["name"]).queue
        purgeable = queues.purgeable(gateway.database, queue)
        count = sum(map(len, purgeable.values()))
        if call.body.expect is not None and call.body.expect != count:
            found = f"{count} tasks wait to be started, now or later"
            detail = f"{found}, but `expect` is {call.body.expect}. Nothing was changed."
            raise problem("count-changed", detail)
        changed = 0
        if not call.body.dry_run:
            noted = audit.begin(gateway.database, _noted(call, "purge", queue))
            changed = queues.purge(gateway.database, queue, purgeable)
            audit.end(gateway.database, noted, changed)
            gateway.relay.wake()
        _answered(gateway, call)
        return Reply(200, PurgeAnswer(count=count, changed=changed, dry_run=call.body.dry_run))

    def replay(call: Call[PurgeRequest, Nothing], first: Answer) -> Reply:
        count = sum(map(len, queues.purgeable(gateway.database, call.path["name"]).values()))
        return Reply(first.status, PurgeAnswer(count=count, changed=0, dry_run=call.body.dry_run))

    return Operation(
        name="purge-queue",
        method="POST",
        path="/v1/queues/<name>/purge",
        view=purge,
        summary="Purge a queue: cancel the tasks that wait to be started, now or later",
        tag="Act",
        role=Role.OPERATE,
        answers=[Documented(200, "How many tasks waited, and how many were cancelled.", PurgeAnswer)],
        problems=["count-changed"],
        body=Body(PurgeRequest),
        replay=replay,
    )


def _find(gateway: Gateway, name: str) -> QueueSurvey:
    for row in survey(gateway.database):
        if row.queue == name:
            return row
    raise not_found("queue", name)


def _noted(call: Call[Any, Any], verb: str, queue: str) -> Act:
    """Returns the audit entry, which belongs to every owner, because a queue holds tasks of every owner."""
    return replace(call.act(f"queue.{verb}", queue), owner=EVERYBODY)


def _answered(gateway: Gateway, call: Call[Any, Any]) -> None:
    """Stores the answer for the Idempotency-Key.

    It is stored after the action, which is safe because these actions can be repeated.
    """
    if call.reservation:
        with gateway.database.transaction() as connection:
            idempotency.answer(connection, call.reservation, Answer(200, "/v1/queues"))


def _queue(row: QueueSurvey) -> Queue:
    return Queue(
        name=row.queue,
        paused_at=row.paused_at,
        trouble=row.trouble,
        queued=row.due,
        hinted=row.hinted,
        scheduled=row.later,
        waiting=row.waiting,
        running=row.running,
        oldest_queued_seconds=round(row.oldest_due_seconds, 1),
        workers=row.served.workers,
        threads=row.served.threads,
        busy=row.served.busy,
    )
