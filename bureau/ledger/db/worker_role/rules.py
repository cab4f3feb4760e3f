"""Writes the rules that PostgreSQL applies to each row that a worker's role changes: triggers, made for that role only.

A grant allows a column in every row; these rules allow what a claim needs. The end of a claim must show the claim's
token, of which the row holds a hash, so only the process that claimed a task can end it. The role can neither see the
token nor switch the triggers off, because it does not own the tables. Claims by versions before 0.2.0 have no hash and
need no token. A function of triggers costs a changed row a few microseconds.
"""

from collections.abc import Iterator

_TASKS = """
CREATE OR REPLACE FUNCTION bureau_worker_changes_task() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  allowed boolean := false;
BEGIN
  IF OLD.state = 'ready' AND NEW.state = 'running' THEN
    allowed := NEW.claim_no = OLD.claim_no + 1;
  ELSIF OLD.state = 'running' AND NEW.state = 'running' THEN
    -- A lease is renewed, never shortened, nor made longer than a frozen worker may be waited for.
    allowed := NEW.lease_until >= least(OLD.lease_until, now() + interval '20 s')
      AND NEW.lease_until < now() + interval '10 min'
      AND (NEW.claim_no, NEW.claim_seal, NEW.worker, NEW.failures) IS NOT DISTINCT FROM
          (OLD.claim_no, OLD.claim_seal, OLD.worker, OLD.failures)
      AND NEW.result IS NULL;
  ELSIF OLD.state = 'running' AND NEW.state IN ('succeeded', 'failed', 'cancelled', 'ready') THEN
    allowed := NEW.claim_no = OLD.claim_no AND (OLD.claim_seal IS NULL OR OLD.claim_seal =
      encode(substring(sha256(uuid_send(NEW.claim_seal)) FOR 16), 'hex')::uuid);
    NEW.claim_seal := NULL;  -- the token was shown, and nobody else is to see it
  ELSIF OLD.state = 'ready' AND NEW.state = 'ready' THEN  -- a hint is published, or was not
    allowed := NEW.result IS NULL
      AND (NEW.claim_no, NEW.worker, NEW.failures, NEW.due_at, NEW.finished_at, NEW.upstream_open) IS NOT DISTINCT FROM
          (OLD.claim_no, OLD.worker, OLD.failures, OLD.due_at, OLD.finished_at, OLD.upstream_open);
  ELSIF OLD.state = 'waiting' AND NEW.state IN ('waiting', 'ready', 'skipped') THEN
    allowed := NEW.result IS NULL AND NEW.claim_no = OLD.claim_no
      AND NEW.upstream_open BETWEEN 0 AND OLD.upstream_open
      AND NEW.upstream_failed >= OLD.upstream_failed AND NEW.upstream_unsuccessful >= OLD.upstream_unsuccessful
      AND (NEW.state <> 'ready' OR NEW.upstream_open = 0);
  END IF;
  IF allowed IS NOT TRUE THEN
    RAISE insufficient_privilege USING MESSAGE = format(
      'a worker may not change task %s from %s to %s without its claim', OLD.id, OLD.state, NEW.state);
  END IF;
  RETURN NEW;
END $$
"""

_JOBS = """
CREATE OR REPLACE FUNCTION bureau_worker_changes_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'open' AND (NEW.state, NEW.finished_at) IS DISTINCT FROM (OLD.state, OLD.finished_at)
    OR NEW.state <> 'open' AND EXISTS (
      -- OFFSET 0 makes it read the job's tasks: the index of open tasks holds those of all jobs.
      SELECT FROM (SELECT state FROM tasks WHERE job_id = NEW.id OFFSET 0) AS its_tasks
      WHERE state IN ('waiting', 'ready', 'running'))
    OR NEW.event_seq < OLD.event_seq OR NEW.total_tasks < OLD.total_tasks
  THEN
    RAISE insufficient_privilege USING MESSAGE = format('a worker may not change job %s so', OLD.id);
  END IF;
  RETURN NEW;
END $$
"""

# Files are removed by the transaction that ends a claim of a job that made or uses them, and nobody else does.
_ARTIFACTS = """
CREATE OR REPLACE FUNCTION bureau_worker_removes_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.removed_at IS NOT NULL
    OR NOT EXISTS (
      SELECT FROM tasks
      WHERE state = 'succeeded' AND xmin = pg_current_xact_id()::xid AND job_id IN (
        SELECT OLD.job_id UNION ALL SELECT job_id FROM artifact_uses WHERE artifact_id = OLD.id))
    OR EXISTS (SELECT FROM schedule_uses WHERE artifact_id = OLD.id)
  THEN
    RAISE insufficient_privilege USING MESSAGE = format('a worker may not remove file %s without a claim', OLD.id);
  END IF;
  RETURN NEW;
END $$
"""

_DELIVERIES = """
CREATE OR REPLACE FUNCTION bureau_worker_ends_delivery() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state <> 'open' THEN
    RAISE insufficient_privilege USING MESSAGE = format('the delivery %s of task %s has ended', OLD.n, OLD.task_id);
  END IF;
  RETURN NEW;
END $$
"""

_WORKERS = """
CREATE OR REPLACE FUNCTION bureau_worker_forgets_worker() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.seen_at > now() - interval '1 day' THEN
    RAISE insufficient_privilege USING MESSAGE = format('the worker %s was seen within a day', OLD.id);
  END IF;
  RETURN OLD;
END $$
"""

_RULES = (  # table, event, function, its text
    ("tasks", "UPDATE", "bureau_worker_changes_task", _TASKS),
    ("jobs", "UPDATE", "bureau_worker_changes_job", _JOBS),
    ("artifacts", "UPDATE", "bureau_worker_removes_file", _ARTIFACTS),
    ("deliveries", "UPDATE", "bureau_worker_ends_delivery", _DELIVERIES),
    ("workers", "DELETE", "bureau_worker_forgets_worker", _WORKERS),
)


def rules(quoted_name: str, literal: str) -> Iterator[str]:
    """Yields the statements that make the rules for one role; `literal` is its name as a text in SQL."""
    for table, event, function, text in _RULES:
        yield text
        yield (
            f"CREATE OR REPLACE TRIGGER {quoted_name} BEFORE {event} ON {table} FOR EACH ROW "
            f"WHEN (current_user = {literal}) EXECUTE FUNCTION {function}()"
        )
