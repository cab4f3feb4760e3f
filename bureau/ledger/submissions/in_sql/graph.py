"""Writes the functions that check in SQL how a job's tasks depend on each other, as `contracts.jobs.graph` does."""

from bureau.contracts.jobs.graph import MAX_LINKS

_CHECK_GRAPH = """
CREATE OR REPLACE FUNCTION bureau.check_graph(tasks jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
  one record;
  ups int[];
  downs int[];
BEGIN
  SELECT n - 1 AS at, t ->> 'name' AS name INTO one FROM (
    SELECT t, n, row_number() OVER (PARTITION BY t ->> 'name' ORDER BY n) AS times
    FROM jsonb_array_elements(tasks) WITH ORDINALITY AS e(t, n)) AS named
  WHERE times > 1 ORDER BY n LIMIT 1;
  IF FOUND THEN
    PERFORM bureau.refuse('repeated_name', format('#/tasks/%s/name', one.at),
      format('Another task is called %s too; each task needs its own name.', one.name));
  END IF;
  IF (SELECT sum(jsonb_array_length(t -> 'after')) FROM jsonb_array_elements(tasks) AS t) > %(links)s THEN
    PERFORM bureau.refuse('too_many_links', '#/tasks', 'The tasks name at most %(links)s others in `after`.');
  END IF;
  SELECT d.n - 1 AS at, a.n - 1 AS spot, a.name, u.n AS up,
    count(*) OVER (PARTITION BY d.n, a.name ORDER BY a.n) AS times INTO one
  FROM jsonb_array_elements(tasks) WITH ORDINALITY AS d(t, n),
    jsonb_array_elements_text(d.t -> 'after') WITH ORDINALITY AS a(name, n)
  LEFT JOIN jsonb_array_elements(tasks) WITH ORDINALITY AS u(t, n) ON u.t ->> 'name' = a.name
  ORDER BY u.n IS NOT NULL, count(*) OVER (PARTITION BY d.n, a.name ORDER BY a.n) = 1, d.n, a.n LIMIT 1;
  IF FOUND AND one.up IS NULL THEN
    PERFORM bureau.refuse('unknown_task', format('#/tasks/%s/after/%s', one.at, one.spot),
      format('No task of this job is called %s.', one.name));
  ELSIF FOUND AND one.times > 1 THEN
    PERFORM bureau.refuse('repeated_task', format('#/tasks/%s/after/%s', one.at, one.spot),
      format('%s is listed twice.', one.name));
  END IF;
  SELECT n - 1 AS at INTO one FROM jsonb_array_elements(tasks) WITH ORDINALITY AS e(t, n)
  WHERE t ->> 'when' = 'failed' AND jsonb_array_length(coalesce(t -> 'after', '[]')) = 0 LIMIT 1;
  IF FOUND THEN
    PERFORM bureau.refuse('nothing_to_fail', format('#/tasks/%s/when', one.at),
      'A task that runs after a failure needs the task that may fail in `after`.');
  END IF;
  SELECT array_agg(u.n::int ORDER BY u.n, d.n), array_agg(d.n::int ORDER BY u.n, d.n) INTO ups, downs
  FROM jsonb_array_elements(tasks) WITH ORDINALITY AS d(t, n),
    jsonb_array_elements_text(d.t -> 'after') AS a(name)
  JOIN jsonb_array_elements(tasks) WITH ORDINALITY AS u(t, n) ON u.t ->> 'name' = a.name;
  -- Most graphs name only tasks above, which cannot be a circle.
  IF EXISTS (SELECT FROM unnest(ups, downs) AS link(up, down) WHERE up >= down) THEN
    PERFORM bureau.check_cycles(tasks, ups, downs);
  END IF;
  PERFORM bureau.check_references(tasks);
END $$
"""

# Kahn's algorithm: it takes away what waits for nothing that is left. `ups` is in order, so the links of a task are
# neighbours, and each link is looked at once.
_CHECK_CYCLES = """
CREATE OR REPLACE FUNCTION bureau.check_cycles(tasks jsonb, ups int[], downs int[])
RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
  links int := array_length(ups, 1);
  size int := jsonb_array_length(tasks);
  waits int[] := array_fill(0, ARRAY[size]);
  first int[] := array_fill(links + 1, ARRAY[size]);
  free int[] := '{}';
  head int := 1;
  i int;
BEGIN
  FOR i IN REVERSE links..1 LOOP
    waits[downs[i]] := waits[downs[i]] + 1;
    first[ups[i]] := i;
  END LOOP;
  FOR i IN 1..size LOOP
    IF waits[i] = 0 THEN
      free := free || i;
    END IF;
  END LOOP;
  WHILE head <= coalesce(array_length(free, 1), 0) LOOP
    i := first[free[head]];
    WHILE i <= links AND ups[i] = free[head] LOOP
      waits[downs[i]] := waits[downs[i]] - 1;
      IF waits[downs[i]] = 0 THEN
        free := free || downs[i];
      END IF;
      i := i + 1;
    END LOOP;
    head := head + 1;
  END LOOP;
  IF head <= size THEN
    PERFORM bureau.refuse('cycle', '#/tasks', format('These tasks wait for each other, or for such: %s.', (
      SELECT string_agg(t ->> 'name', ', ') FROM (
        SELECT t FROM jsonb_array_elements(tasks) WITH ORDINALITY AS e(t, n) WHERE waits[n] > 0 ORDER BY n LIMIT 20
      ) AS blocked)));
  END IF;
END $$
"""

_CHECK_REFERENCES = r"""
CREATE OR REPLACE FUNCTION bureau.check_references(tasks jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
  one record;
  target text;
  wrong text;
BEGIN
  FOR one IN
    SELECT n - 1 AS at, t -> 'after' AS known, node
    FROM jsonb_array_elements(tasks) WITH ORDINALITY AS e(t, n),
      jsonb_path_query(t -> 'input', 'strict $.** ? (exists(@."$result"))') AS node
  LOOP
    target := one.node ->> '$result';
    wrong := CASE
      WHEN one.node - '$result' <> '{}' THEN 'An object with $result must have no other field.'
      WHEN jsonb_typeof(one.node -> '$result') <> 'string'
        THEN 'The value of $result must be a JSON Pointer such as "/task/rows".'
      WHEN target = '' THEN 'A reference starts with a task''s name: "/task".'
      WHEN target !~ '^(/([^~/]|~[01])*)+$' THEN format('%s is not a JSON Pointer.', target)
      WHEN NOT coalesce(one.known, '[]') ? replace(replace(split_part(target, '/', 2), '~1', '/'), '~0', '~')
        THEN format('%s is not in this task''s `after`, so its result is not known when this task starts.',
          split_part(target, '/', 2))
    END;
    IF wrong IS NOT NULL THEN
      PERFORM bureau.refuse('wrong_result_reference', format('#/tasks/%s/input', one.at), wrong);
    END IF;
  END LOOP;
END $$
"""


def functions() -> list[str]:
    """Returns the statements that make the functions; `bureau.check_graph` is the one that others call."""
    return [_CHECK_REFERENCES, _CHECK_CYCLES, _CHECK_GRAPH.replace("%(links)s", str(MAX_LINKS))]
