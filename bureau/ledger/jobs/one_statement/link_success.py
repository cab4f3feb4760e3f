"""Ends claims of tasks that succeeded and are not the last ones of their jobs: links of a chain, members of a group.

It writes the ends of jobs in which nothing has to be decided: each dependent runs after success only, and nothing
before it came to anything else. So a dependent becomes ready when its last upstream task ends. A job of which anything
else is to be said is left to `finish`, and so is the end of a job.

The statement locks jobs and reads their tasks together. So that no branch of a join misses another one, it leaves out a
job whose row was changed between its snapshot and its lock: each end changes `event_seq`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from bureau.ledger.db.database import Database
from bureau.ledger.jobs.dependents import ReadyTask
from bureau.ledger.jobs.one_statement.plain_success import GIVEN, TASKS, PlainSuccess, parameters


@dataclass(frozen=True)
class EndedLinks:
    """Holds the tasks that were ended, and the dependents that became ready by job."""

    tasks: set[UUID] = field(default_factory=set)
    ready: dict[UUID, list[ReadyTask]] = field(default_factory=lambda: defaultdict(list))


def end_links(db: Database, ends: Sequence[PlainSuccess]) -> EndedLinks:
    """Ends those claims that still hold their task, in jobs of which nothing has to be decided.

    Nothing was written for the others. Raises `LedgerUnavailable`; then it is not known what was written.
    """
    found = EndedLinks()
    for row in db.hot.execute(_END, parameters(ends)) if ends else ():
        if row.queue is None:
            found.tasks.add(row.id)
        else:
            found.ready[row.job_id].append(ReadyTask(row.id, row.queue, row.run))
    return found


_END = f"""{GIVEN}, job AS MATERIALIZED (
  SELECT id, event_seq, open_tasks FROM jobs WHERE id = ANY(%(jobs)s::uuid[]) AND state || '' = 'open'
  FOR UPDATE SKIP LOCKED
), link AS MATERIALIZED (
  SELECT upstream, downstream FROM dependencies WHERE upstream = ANY(%(tasks)s::uuid[])
), waiting AS MATERIALIZED (
  SELECT id, job_id, "when", upstream_failed, upstream_unsuccessful FROM tasks
  WHERE id = ANY(ARRAY(SELECT downstream FROM link)) AND state || '' = 'waiting'
), free AS MATERIALIZED (
  SELECT g.*, job.event_seq, job.open_tasks FROM given g JOIN job ON job.id = g.job
  JOIN jobs seen ON seen.id = job.id AND seen.event_seq = job.event_seq
  JOIN tasks t ON t.id = g.task AND t.claim_no = g.claim_no
  WHERE t.id = ANY(%(tasks)s::uuid[]) AND seen.id = ANY(%(jobs)s::uuid[]) AND t.state || '' = 'running'
    AND NOT EXISTS (SELECT FROM waiting w WHERE w.job_id = job.id
      AND (w."when" <> 'succeeded' OR w.upstream_failed > 0 OR w.upstream_unsuccessful > 0))
  FOR UPDATE OF t SKIP LOCKED
), held AS MATERIALIZED (
  SELECT f.* FROM free f JOIN (SELECT job, count(*) AS ends FROM free GROUP BY job) AS c ON c.job = f.job
  WHERE f.open_tasks > c.ends
), fewer AS MATERIALIZED (
  SELECT link.downstream, count(*) AS ends FROM held h JOIN link ON link.upstream = h.task GROUP BY link.downstream
){TASKS}, released AS (
  UPDATE tasks w SET upstream_open = w.upstream_open - f.ends,
    state = CASE WHEN w.upstream_open = f.ends THEN 'ready' ELSE w.state END,
    due_at = CASE WHEN w.upstream_open = f.ends THEN statement_timestamp() ELSE w.due_at END
  FROM fewer f
  WHERE w.id = f.downstream AND w.id = ANY(ARRAY(SELECT downstream FROM fewer)) AND w.state || '' = 'waiting'
  RETURNING w.id, w.job_id, w.queue, w.run, w.state
), counted AS (
  UPDATE jobs j SET open_tasks = j.open_tasks - c.ends, event_seq = j.event_seq + c.told
  FROM (SELECT job, count(*) AS ends, sum(jsonb_array_length(told)) AS told FROM held GROUP BY job) AS c
  WHERE j.id = c.job AND j.id = ANY(%(jobs)s::uuid[])
)
SELECT id, job_id, NULL AS queue, NULL AS run FROM ended
UNION ALL SELECT id, job_id, queue, run FROM released WHERE state = 'ready'
"""  # noqa: S608 - built from constants
