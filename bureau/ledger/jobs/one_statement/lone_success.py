"""Ends claims of lone tasks that succeeded: most jobs have one task, and most tasks succeed.

A lone task has no dependents and its success is its job's, so nothing has to be decided between the lock and the
writes. One round trip does what takes eight for other ends. The statement locks jobs and tasks together, which a join
forbids (see `finish`), but a lone task is no branch of one.
"""

from collections.abc import Sequence
from uuid import UUID

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.database import Database
from bureau.ledger.db.job_end import JobEnded
from bureau.ledger.jobs.events import TaskEvent
from bureau.ledger.jobs.one_statement.plain_success import GIVEN, TASKS, PlainSuccess, parameters


def end_lone(db: Database, ends: Sequence[PlainSuccess]) -> set[UUID]:
    """Ends those claims that still hold their task, the only one of an open job. Returns their tasks.

    Nothing was written for the others: another transaction has their rows locked, the claim was lost, or its end is
    written already. Raises `LedgerUnavailable`; then it is not known what was written.
    """
    if not ends:
        return set()
    over = TaskEvent("job.finished", data={"state": JobState.SUCCEEDED, "error": None})
    rows = db.hot.execute(_END, parameters(ends, over))
    for row in rows:
        db.notify_ended(JobEnded(row.kind, JobState.SUCCEEDED, max(0.0, row.age)))
    return {row.id for row in rows}


# The job is written after its task: a rule for workers' roles looks for open tasks of a job that ends.
_END = f"""{GIVEN}, job AS MATERIALIZED (
  SELECT id, kind, event_seq, extract(epoch FROM statement_timestamp() -
    CASE WHEN run_at > created_at THEN run_at ELSE created_at END)::float8 AS age
  FROM jobs WHERE id = ANY(%(jobs)s::uuid[]) AND state || '' = 'open' AND total_tasks = 1
  FOR UPDATE SKIP LOCKED
), held AS MATERIALIZED (
  SELECT g.*, job.event_seq FROM given g JOIN job ON job.id = g.job
  JOIN tasks t ON t.id = g.task AND t.claim_no = g.claim_no
  WHERE t.id = ANY(%(tasks)s::uuid[]) AND t.state || '' = 'running'
  FOR UPDATE OF t SKIP LOCKED
){TASKS}, finished AS (
  UPDATE jobs j SET state = 'succeeded', error = NULL, finished_at = statement_timestamp(), open_tasks = 0,
    event_seq = h.event_seq + jsonb_array_length(h.told)
  FROM ended e JOIN held h ON h.task = e.id WHERE j.id = h.job AND j.id = ANY(%(jobs)s::uuid[])
)
SELECT e.id, job.kind, job.age FROM ended e JOIN job ON job.id = e.job_id
"""  # noqa: S608 - built from constants
