"""Writes `bureau.submit(jsonb)`, which submits a job in the transaction of its caller and returns the job's id.

The insert is the statement of `submissions.statement`, the gateway's own: here it only gets its document. The function
runs with the rights of the ledger's owner, and the role that opened the session decides whose job it is.
"""

from bureau.contracts.catalog import RetryPolicy
from bureau.ledger.submissions.in_sql import graph, shape
from bureau.ledger.submissions.statement import text_of_one

SEEN_SECONDS, KEPT_SECONDS = 30.0, 24 * 3600.0  # those of `dispatch.workers`, a sibling; a test compares them
VERSION = 1  # grows when a document that was accepted is refused, or means something else
ID_TAKEN = "BU409"  # the SQLSTATE of an id that another owner's job has

_NEW_ID = """
CREATE OR REPLACE FUNCTION bureau.new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$
  -- version 7 (RFC 9562): 48 bits of milliseconds, then the random bits of a version 4, with the version changed
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
    substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex')::uuid
$$
"""

# As `dispatch.announced`: what deployments announced and the catalogs of a queue's live workers, else those of
# its last ones since its deployment, for a day. Of live workers and deployments, the newest one decides about a task.
_ANNOUNCED = """
CREATE OR REPLACE FUNCTION bureau.announced(runs text[]) RETURNS TABLE (run text, description jsonb)
LANGUAGE sql STABLE AS $$
  WITH seen AS (
    SELECT queue, catalog, started_at, seen_at, id,
      stopped_at IS NULL AND seen_at > statement_timestamp() - interval '%(seen)s s' AS live
    FROM workers WHERE seen_at > statement_timestamp() - interval '%(kept)s s'
  ), judged AS (
    SELECT seen.*, bool_or(live) OVER (PARTITION BY queue) AS served,
      max(seen_at) OVER (PARTITION BY queue) AS last_seen,
      (SELECT announced_at FROM deployed_catalogs AS d WHERE d.queue = seen.queue) AS deployed_at
    FROM seen
  ), valid AS (
    SELECT queue, catalog, live AS standing, started_at, id FROM judged
    WHERE live OR NOT served AND seen_at >= last_seen - interval '%(seen)s s'
      AND (deployed_at IS NULL OR started_at > deployed_at)
    UNION ALL SELECT queue, catalog, true, announced_at, 'deployed:' || queue FROM deployed_catalogs
  )
  SELECT DISTINCT ON (task ->> 'name') task ->> 'name',
    task || jsonb_build_object('queues', jsonb_agg(queue) OVER (PARTITION BY task ->> 'name'))
  FROM valid, jsonb_array_elements(catalog::jsonb -> 'tasks') AS task
  WHERE task ->> 'name' = ANY (runs)
  ORDER BY task ->> 'name', standing DESC, started_at DESC, id DESC
$$
"""

_SUBMIT = r"""
CREATE OR REPLACE FUNCTION bureau.submit(document jsonb) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, {schema}, pg_temp AS $$
#variable_conflict use_column
DECLARE
  v_owner text := (SELECT owner FROM application_roles WHERE role = session_user);
  v_id uuid;
  v_known jsonb;
  v_missing record;
  v_ids jsonb;
  v_given jsonb;
  v_uses uuid[];
  v_there uuid[];
  v_row record;
BEGIN
  IF v_owner IS NULL THEN
    RAISE insufficient_privilege USING MESSAGE = format('the role %s submits no jobs', session_user),
      HINT = 'python -m bureau.ledger grant-application ROLE OWNER';
  END IF;
  PERFORM bureau.check_document(document);
  document := jsonb_strip_nulls(document - 'tasks') || jsonb_build_object('tasks', document -> 'tasks');
  PERFORM bureau.check_terms(document);
  PERFORM bureau.check_graph(document -> 'tasks');
  v_id := coalesce((document ->> 'id')::uuid, bureau.new_id());
  SELECT coalesce(jsonb_object_agg(run, description), '{{}}') INTO v_known FROM bureau.announced(
    ARRAY(SELECT DISTINCT t ->> 'run' FROM jsonb_array_elements(document -> 'tasks') AS t));
  SELECT n - 1 AS at, t ->> 'run' AS run INTO v_missing
  FROM jsonb_array_elements(document -> 'tasks') WITH ORDINALITY AS e(t, n) WHERE NOT v_known ? (t ->> 'run') LIMIT 1;
  IF FOUND THEN
    PERFORM bureau.refuse('unknown_run', format('#/tasks/%s/run', v_missing.at),
      format('No service has announced %s.', v_missing.run));
  END IF;
  SELECT n - 1 AS at, t ->> 'run' AS run, t ->> 'queue' AS queue INTO v_missing
  FROM jsonb_array_elements(document -> 'tasks') WITH ORDINALITY AS e(t, n)
  WHERE t ->> 'queue' <> v_known #>> ARRAY[t ->> 'run', 'queue']
    AND NOT v_known #> ARRAY[t ->> 'run', 'queues'] ? (t ->> 'queue') LIMIT 1;
  IF FOUND THEN
    PERFORM bureau.refuse('unknown_queue', format('#/tasks/%s/queue', v_missing.at),
      format('No worker serves %s on the queue %s.', v_missing.run, v_missing.queue));
  END IF;
  -- Files are locked as `files.artifacts.use` does, in the order of their ids.
  v_uses := ARRAY(
    SELECT DISTINCT (f ->> 'artifact')::uuid FROM jsonb_array_elements(document -> 'tasks') AS t,
      jsonb_path_query(t -> 'input', 'strict $.** ? (@.artifact.type() == "string")') AS f
    WHERE f - 'artifact' - 'name' = '{{}}'
      AND f ->> 'artifact' ~* '^[0-9a-f]{{8}}-([0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}$');
  v_there := ARRAY(
    SELECT id FROM artifacts WHERE id = ANY (v_uses) AND owner = v_owner AND removed_at IS NULL ORDER BY id FOR SHARE);
  IF cardinality(v_there) < cardinality(v_uses) THEN
    PERFORM bureau.refuse('unknown_artifact', '#/tasks',
      format('File %s not found.', (SELECT u FROM unnest(v_uses) AS u WHERE u <> ALL (v_there) LIMIT 1)));
  END IF;
  SELECT jsonb_object_agg(t ->> 'name', bureau.new_id()) INTO v_ids FROM jsonb_array_elements(document -> 'tasks') AS t;
  v_given := jsonb_build_array(jsonb_build_object(
    'n', 0, 'id', v_id, 'owner', v_owner, 'kind', 'job',
    'title', coalesce(document ->> 'title', left((document #>> '{{tasks,0,run}}') ||
      CASE WHEN jsonb_array_length(document -> 'tasks') > 1
        THEN format(' and %s more', jsonb_array_length(document -> 'tasks') - 1) ELSE '' END, 200)),
    'tags', bureau.unique_tags(document)::text, 'tag_list', bureau.unique_tags(document),
    'priority', coalesce((document ->> 'priority')::numeric::int, 5), 'total', jsonb_array_length(document -> 'tasks'),
    'at_once', NOT document ? 'run_at' AND coalesce((document ->> 'delay_seconds')::float8, 0) = 0,
    'run_at', document -> 'run_at', 'delay', round(coalesce((document ->> 'delay_seconds')::numeric, 0), 3),
    'expires_at', document -> 'expires_at', 'nobody', false,
    'tasks', (SELECT jsonb_agg(bureau.task_row(t, n - 1, document, v_known -> (t ->> 'run'), v_ids))
      FROM jsonb_array_elements(document -> 'tasks') WITH ORDINALITY AS e(t, n)),
    'links', (
      SELECT coalesce(
        jsonb_agg(jsonb_build_object('upstream', v_ids -> up, 'downstream', v_ids -> (t ->> 'name'))), '[]')
      FROM jsonb_array_elements(document -> 'tasks') AS t, jsonb_array_elements_text(t -> 'after') AS up)));
  FOR v_row IN {statement} LOOP
    IF v_row.id_taken THEN
      IF EXISTS (SELECT FROM jobs WHERE id = v_id AND owner = v_owner) THEN
        RETURN v_id;  -- submitted before
      END IF;
      RAISE EXCEPTION USING ERRCODE = '{taken}', HINT = 'job-id-taken',
        MESSAGE = format('another job has the id %s', v_id);
    END IF;
  END LOOP;
  UPDATE jobs SET submitted_by = session_user WHERE id = v_id;
  INSERT INTO artifact_uses (artifact_id, job_id) SELECT u, v_id FROM unnest(v_there) AS u;
  RETURN v_id;
END $$
"""

_TASK_ROW = """
CREATE OR REPLACE FUNCTION bureau.task_row(t jsonb, n bigint, job jsonb, known jsonb, ids jsonb) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'id', ids -> (t ->> 'name'), 'position', n, 'name', t ->> 'name', 'run', t ->> 'run',
    'queue', coalesce(t ->> 'queue', known ->> 'queue'),
    'state', CASE WHEN jsonb_array_length(coalesce(t -> 'after', '[]')) > 0 THEN 'waiting' ELSE 'ready' END,
    'input', coalesce(t -> 'input', '{}')::text, 'after', coalesce(t -> 'after', '[]')::text,
    'when', coalesce(t ->> 'when', 'succeeded'), 'optional', coalesce((t ->> 'optional')::boolean, false),
    'max_attempts', coalesce(t #>> '{retry,max_attempts}', job #>> '{retry,max_attempts}',
      known #>> '{retry,max_attempts}', '%(max_attempts)s')::numeric::int,
    'base_seconds', coalesce(t #>> '{retry,base_seconds}', job #>> '{retry,base_seconds}',
      known #>> '{retry,base_seconds}', '%(base_seconds)s')::float8,
    'cap_seconds', coalesce(t #>> '{retry,cap_seconds}', job #>> '{retry,cap_seconds}',
      known #>> '{retry,cap_seconds}', '%(cap_seconds)s')::float8,
    'time_limit_seconds', coalesce(t ->> 'time_limit_seconds', job ->> 'time_limit_seconds',
      known ->> 'time_limit_seconds', '1800')::float8,
    'upstream_open', jsonb_array_length(coalesce(t -> 'after', '[]')), 'hints', 0)
$$
"""

_UNIQUE_TAGS = """
CREATE OR REPLACE FUNCTION bureau.unique_tags(document jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT coalesce(jsonb_agg(tag ORDER BY n), '[]') FROM (
    SELECT tag, min(n) AS n FROM jsonb_array_elements_text(document -> 'tags') WITH ORDINALITY AS e(tag, n) GROUP BY tag
  ) AS once
$$
"""

_CHECK_TERMS = """
CREATE OR REPLACE FUNCTION bureau.check_terms(document jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF document ?& ARRAY['run_at', 'delay_seconds'] THEN
    PERFORM bureau.refuse('given_twice', '#/delay_seconds', 'Give run_at or delay_seconds, not both.');
  ELSIF (document ->> 'expires_at')::timestamptz <= (document ->> 'run_at')::timestamptz
    OR (document ->> 'delay_seconds')::float8 > 0 AND (document ->> 'expires_at')::timestamptz
      <= statement_timestamp() + make_interval(secs => (document ->> 'delay_seconds')::float8) THEN
    PERFORM bureau.refuse('refused', '#/expires_at', 'The job would expire before it starts.');
  END IF;
END $$
"""

_VERSION = f"""
CREATE OR REPLACE FUNCTION bureau.submit_version() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT {VERSION} $$
"""


def functions(schema: str) -> list[str]:
    """Returns the statements that make all functions. `schema` is where the ledger's tables are, quoted."""
    task_row = _filled(_TASK_ROW, RetryPolicy().model_dump())
    announced = _filled(_ANNOUNCED, {"seen": SEEN_SECONDS, "kept": KEPT_SECONDS})
    submit = _SUBMIT.format(schema=schema, taken=ID_TAKEN, statement=text_of_one("v_given"))
    pinned = [
        made.replace(" AS $$", f" SET search_path = pg_catalog, {schema}, pg_temp AS $$", 1)
        for made in (_NEW_ID, announced, _UNIQUE_TAGS, task_row, _CHECK_TERMS, *shape.functions(), *graph.functions())
    ]
    return [*pinned, submit, _VERSION]


def _filled(text: str, values: dict[str, float]) -> str:
    for name, value in values.items():
        text = text.replace(f"%({name})s", str(value))
    return text
