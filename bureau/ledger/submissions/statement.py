"""Submits several jobs on PostgreSQL in one statement, which is a transaction of its own.

The submissions are one JSON document, as in `JsonRows`: the text is the same for any number of them, so that the driver
prepares it once. The statement finds rows by primary keys only, so that a plan made when the tables were small stays
right when they have grown.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from bureau.ledger.access import rate_limits
from bureau.ledger.access.idempotency import HELD_SECONDS
from bureau.ledger.access.rate_limits import Rate
from bureau.ledger.db.database import Database
from bureau.ledger.jobs.submit import Room, StampedTask, task_rows
from bureau.ledger.submissions.submission import (
    Accepted,
    IdTaken,
    NotAdmitted,
    Repeated,
    Submission,
    SubmissionOutcome,
)


def submit_batch(db: Database, submissions: Sequence[Submission], room: Room) -> list[SubmissionOutcome]:
    """Submits jobs as `batch.submit_batch` does. All submissions of a call must have the rate of the first one."""
    stamped: list[tuple[StampedTask, ...]] = []
    given = []
    for number, submission in enumerate(submissions):
        row, hinted = _row(number, submission, room)
        given.append(row)
        stamped.append(hinted)
    chosen = [one.job.id for one in submissions if one.job.id_given]
    if len(set(chosen)) < len(chosen):  # ON CONFLICT sees no row of its own statement
        return [outcome for one in submissions for outcome in submit_batch(db, [one], room)]
    rate = next((one.check.rate for one in submissions if one.check.rate), None)
    text = _text(
        keyed=any(one.check.key or one.check.without_keys for one in submissions),
        limited=rate is not None,
        once=any(one.once for one in submissions),
        graphs=any(row["links"] or row["tag_list"] for row in given),
        chosen=bool(chosen),
    )
    values = {"given": json.dumps(given), "held": HELD_SECONDS, **_numbers(rate)}
    found = {row.n: row for row in db.hot.execute(text, values)}
    return [_outcome(found.get(number), rate, hinted) for number, hinted in enumerate(stamped)]


def _numbers(rate: Rate | None) -> dict[str, float]:
    if rate is None:
        return {}
    return {"full": rate.seconds + rate_limits.SLACK * rate.step, "step": rate.step}


def _outcome(row: Any, rate: Rate | None, stamped: tuple[StampedTask, ...]) -> SubmissionOutcome:
    if row is None:
        return NotAdmitted()
    limit = rate_limits.after_taking(row.full_at, row.clock, rate) if rate and row.full_at is not None else None
    if not row.accepted:
        return Repeated(limit)
    return IdTaken(limit) if row.id_taken else Accepted(row.at, stamped, limit)


def _row(number: int, submission: Submission, room: Room) -> tuple[dict[str, Any], tuple[StampedTask, ...]]:
    """Builds a submission's element of the document; its JSON columns are text, which keeps the order of their keys."""
    job, check = submission.job, submission.check
    tasks, links = task_rows(job.id, job.tasks, 0, job.priority, job.expires_at)
    stamped = []
    for task in tasks:
        task["hints"] = int(job.due_at_once and task["upstream_open"] == 0 and room(task["queue"]))
        if task["hints"]:
            stamped.append(StampedTask(task["id"], task["name"], task["run"], task["queue"]))
        task |= {"id": str(task["id"]), "input": json.dumps(task["input"]), "after": json.dumps(task["after"])}
        del task["job_id"], task["priority"], task["expires_at"]
    row = {
        "n": number,
        "id": str(job.id),
        "owner": job.owner,
        "kind": job.kind,
        "title": job.title,
        "tags": json.dumps(list(job.tags)),
        "tag_list": list(dict.fromkeys(job.tags)),
        "priority": job.priority,
        "total": len(job.tasks),
        "at_once": job.due_at_once,
        "run_at": _moment(job.run_at),
        "delay": round(job.delay_seconds or 0.0, 3),
        "expires_at": _moment(job.expires_at),
        "tasks": tasks,
        "links": [{name: str(task_id) for name, task_id in link.items()} for link in links],
        "bucket": check.bucket if check.rate else None,
        "nobody": check.without_keys,
    }
    if check.key:
        row |= {
            "key_id": check.key.id,
            "key_owner": check.key.owner,
            "role": check.key.role,
            "sha256": check.key.sha256,
        }
    return row | _once(submission), tuple(stamped)


def _once(submission: Submission) -> dict[str, Any]:
    once, answer = submission.once, submission.answer
    if once is None or answer is None:
        return {}
    return {
        "method": once.scope.method,
        "path": once.scope.path,
        "once": once.scope.key,
        "fingerprint": once.fingerprint,
        "token": str(once.token),
        "status": answer.status,
        "location": answer.location,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


_GIVEN = """
WITH given AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(given)s::jsonb) AS g(
    n int, id uuid, owner text, kind text, title text, tags text, tag_list jsonb, priority smallint, total int,
    at_once boolean, run_at timestamptz, delay float8, expires_at timestamptz, tasks jsonb, links jsonb,
    bucket text, nobody boolean, key_id text, key_owner text, role text, sha256 text,
    method text, path text, once text, fingerprint text, token uuid, status smallint, location text)
)"""
# Admits a key while everything that was read of it holds, and a client without a key while there are no keys.
_KEYED = """
, admitted AS MATERIALIZED (
  SELECT g.* FROM given g
  LEFT JOIN keys k ON k.id = g.key_id AND k.owner = g.key_owner AND k.role = g.role AND k.sha256 = g.sha256
    AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > statement_timestamp())
  WHERE (g.key_id IS NULL OR k.id IS NOT NULL) AND NOT (g.nobody AND EXISTS (SELECT FROM keys))
)"""
# Does what `take_token` does, for all submissions of a key at once or for none of them; then each is counted alone.
# Rows are locked in the order of their keys, as in all code that locks several.
_LIMITED = """
, clock AS MATERIALIZED (SELECT extract(epoch FROM statement_timestamp())::float8 AS at)
, taken AS (
  INSERT INTO rate_limits AS r (key_id, full_at)
  SELECT bucket, min(clock.at) + count(*) * %(step)s::float8 FROM admitted, clock WHERE bucket IS NOT NULL
  GROUP BY bucket HAVING count(*) * %(step)s::float8 <= %(full)s::float8 ORDER BY bucket
  ON CONFLICT (key_id) DO UPDATE
  SET full_at = greatest(r.full_at, (SELECT at FROM clock)) + excluded.full_at - (SELECT at FROM clock)
  WHERE greatest(r.full_at, (SELECT at FROM clock)) + excluded.full_at - 2 * (SELECT at FROM clock) <= %(full)s::float8
  RETURNING key_id, full_at
), counted AS MATERIALIZED (
  SELECT a.*, t.full_at, clock.at AS clock FROM admitted a CROSS JOIN clock LEFT JOIN taken t ON t.key_id = a.bucket
  WHERE a.bucket IS NULL OR t.key_id IS NOT NULL
)"""
_UNLIMITED = """
, counted AS (SELECT a.*, NULL::float8 AS full_at, NULL::float8 AS clock FROM admitted a)"""
# If two requests have the same key, one waits here until the other has committed, and then inserts nothing.
_ONCE = """
, kept AS (
  INSERT INTO idempotency (owner, method, path, key, fingerprint, token, created_at, held_until, status, location)
  SELECT owner, method, path, once, fingerprint, token, statement_timestamp(),
    statement_timestamp() + make_interval(secs => %(held)s), status, location
  FROM counted WHERE once IS NOT NULL ORDER BY owner, method, path, once
  ON CONFLICT DO NOTHING RETURNING token
), accepted AS MATERIALIZED (
  SELECT c.* FROM counted c LEFT JOIN kept ON kept.token = c.token WHERE c.once IS NULL OR kept.token IS NOT NULL
)"""
_JOBS = """
, new_jobs AS (
  INSERT INTO jobs (id, owner, kind, title, tags, state, priority, total_tasks, open_tasks, created_at, run_at,
    expires_at)
  SELECT id, owner, kind, title, tags::json, 'open', priority, total, total, statement_timestamp(),
    CASE WHEN NOT at_once THEN coalesce(run_at, statement_timestamp() + make_interval(secs => delay)) END, expires_at
  FROM accepted"""
# Inserts no second job with an id that a client chose: a job that is there already is the answer.
_CHOSEN = """
  ON CONFLICT (id) DO NOTHING RETURNING id
), inserted AS MATERIALIZED (
  SELECT a.* FROM accepted a JOIN new_jobs USING (id)"""
_TASKS = """
), new_tasks AS (
  INSERT INTO tasks (id, job_id, position, name, run, queue, state, input, "after", "when", optional, priority,
    max_attempts, base_seconds, cap_seconds, time_limit_seconds, upstream_open, due_at, expires_at, hinted_at, hints)
  SELECT t.id, a.id, t.position, t.name, t.run, t.queue, t.state, t.input::json, t."after"::json, t."when", t.optional,
    a.priority, t.max_attempts, t.base_seconds, t.cap_seconds, t.time_limit_seconds, t.upstream_open,
    CASE WHEN t.upstream_open = 0
      THEN coalesce(a.run_at, statement_timestamp() + make_interval(secs => a.delay)) END,
    CASE WHEN t.upstream_open = 0 THEN a.expires_at END,
    CASE WHEN t.hints > 0 THEN statement_timestamp() END, t.hints
  FROM inserted a, jsonb_to_recordset(a.tasks) AS t(
    id uuid, position int, name text, run text, queue text, state text, input text, "after" text, "when" text,
    optional boolean, max_attempts int, base_seconds float8, cap_seconds float8, time_limit_seconds float8,
    upstream_open int, hints int)
)"""
_GRAPHS = """
, new_links AS (
  INSERT INTO dependencies (upstream, downstream)
  SELECT l.upstream, l.downstream FROM inserted a, jsonb_to_recordset(a.links) AS l(upstream uuid, downstream uuid)
), new_tags AS (
  INSERT INTO job_tags (job_id, tag) SELECT a.id, t.tag FROM inserted a, jsonb_array_elements_text(a.tag_list) AS t(tag)
)"""
_OUTCOMES = """
SELECT c.n, c.full_at, c.clock, a.n IS NOT NULL AS accepted, i.n IS NULL AS id_taken, statement_timestamp() AS at
FROM counted c LEFT JOIN accepted a ON a.n = c.n LEFT JOIN inserted i ON i.n = a.n
"""
_OUTCOMES_IDS_OF_OURS = """
SELECT c.n, c.full_at, c.clock, a.n IS NOT NULL AS accepted, false AS id_taken, statement_timestamp() AS at
FROM counted c LEFT JOIN accepted a ON a.n = c.n
"""


@cache
def _text(*, keyed: bool, limited: bool, once: bool, graphs: bool, chosen: bool) -> str:
    """Builds the statement from the parts that a group needs: each part costs time even if it has nothing to do."""
    parts = [
        _GIVEN,
        _KEYED if keyed else ", admitted AS (SELECT * FROM given)",
        _LIMITED if limited else _UNLIMITED,
        _ONCE if once else ", accepted AS MATERIALIZED (SELECT * FROM counted)",
        _JOBS,
        _CHOSEN if chosen else "",
        _TASKS,
        _GRAPHS if graphs else "",
        _OUTCOMES if chosen else _OUTCOMES_IDS_OF_OURS,
    ]
    text = "".join(parts) if chosen else "".join(parts).replace(" inserted a,", " accepted a,")
    return " ".join(text.split())  # the driver parses a text of more than 4 KiB anew each time


def text_of_one(document: str) -> str:
    """Returns the statement for one job whose id may be there already, with this expression as its document.

    `in_sql` makes a function of it, so that a job has one insert, whoever submits it.
    """
    text = _text(keyed=False, limited=False, once=False, graphs=True, chosen=True)
    return text.replace("%(given)s::jsonb", document)
