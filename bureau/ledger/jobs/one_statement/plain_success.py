"""Describes the ends that PostgreSQL writes in one statement: successes without files and tasks of their own."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bureau.contracts.jobs.states import TaskState
from bureau.contracts.mail.delivery import DeliveryEnd
from bureau.ledger.jobs.claim import Claim
from bureau.ledger.jobs.events import TaskEvent


@dataclass(frozen=True)
class PlainSuccess:
    """Holds the end of a claim. `lines` are events not yet written."""

    claim: Claim
    result: Any
    progress: Mapping[str, Any] | None
    lines: Sequence[TaskEvent]
    delivery: DeliveryEnd | None


def parameters(ends: Sequence[PlainSuccess], *more: TaskEvent) -> dict[str, Any]:
    """Returns the parameters of a statement: a document with the ends, and the ids of their tasks and jobs.

    The ids are parameters of their own so that PostgreSQL finds the rows by their keys (see `JsonRows.matches`). For
    the same reason conditions on `state` are written so that no partial index fits them. `more` are the events that
    follow each task's own.
    """
    return {
        "given": json.dumps([_row(number, end, more) for number, end in enumerate(ends)]),
        "tasks": f"{{{','.join(str(end.claim.task_id) for end in ends)}}}",
        "jobs": f"{{{','.join({str(end.claim.job_id) for end in ends})}}}",
    }


def _row(number: int, end: PlainSuccess, more: Sequence[TaskEvent]) -> dict[str, Any]:
    """Builds a claim's element of the document; its JSON columns are text, which keeps the order of their keys."""
    claim, clock = end.claim, time.monotonic()
    told = [*end.lines, TaskEvent(f"task.{TaskState.SUCCEEDED}", claim.name), *more]
    row = {
        "number": number,
        "job": str(claim.job_id),
        "task": str(claim.task_id),
        "claim_no": claim.claim_no,
        "token": str(claim.token),
        "result": _text(end.result),
        "progress": _text(end.progress or None),
        "told": [
            {"type": one.type, "task": one.task, "data": json.dumps(one.data), "from_now": one.said_at - clock}
            for one in told
        ],
    }
    delivery = end.delivery
    if delivery is not None:
        row |= {
            "n": delivery.n,
            "state": delivery.state,
            "recipients": json.dumps(dict(delivery.recipients)),
            "response": delivery.response,
            "reasons": json.dumps(dict(delivery.reasons)),
        }
    return row


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


GIVEN = """
WITH given AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(given)s::jsonb) AS g(
    number int, job uuid, task uuid, claim_no int, token uuid, result text, progress text, told jsonb,
    n int, state text, recipients text, response text, reasons text)
)"""

# Reads `held`: the ends whose tasks are locked.
TASKS = """, ended AS (
  UPDATE tasks t SET state = 'succeeded', finished_at = statement_timestamp(), lease_until = NULL, due_at = NULL,
    claim_seal = h.token, error = NULL, result = h.result::json, progress = coalesce(h.progress::json, t.progress)
  FROM held h WHERE t.id = h.task AND t.id = ANY(%(tasks)s::uuid[])
  RETURNING t.id, t.job_id
), closed AS (
  UPDATE deliveries d SET state = h.state, recipients = h.recipients::json, ended_at = statement_timestamp(),
    response = h.response, reasons = h.reasons::json
  FROM held h WHERE d.task_id = h.task AND d.n = h.n AND d.state = 'open' AND d.task_id = ANY(%(tasks)s::uuid[])
), told AS (
  INSERT INTO events (job_id, seq, type, at, task, data, tx)
  SELECT h.job, h.event_seq + row_number() OVER (PARTITION BY h.job ORDER BY h.number, e.number), e.one ->> 'type',
    statement_timestamp() + make_interval(secs => (e.one ->> 'from_now')::float8), e.one ->> 'task',
    (e.one ->> 'data')::json, pg_current_xact_id()::text::bigint
  FROM held h, jsonb_array_elements(h.told) WITH ORDINALITY AS e(one, number)
)"""
