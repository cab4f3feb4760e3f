"""Writes the functions that check a job's shape in SQL, by the same JSON Schema that the gateway publishes.

They know the keywords that the schema of a job uses. A test compares both for each keyword.
"""

import json
from typing import Any

from bureau.contracts.jobs.jobs import JobSpec

INVALID = "BU422"  # the SQLSTATE of a document that is refused: its DETAIL is the place, its HINT the code
LARGEST_BYTES = 16_000_000  # of a document: it is in the memory of the database's server several times

_REFUSE = f"""
CREATE OR REPLACE FUNCTION bureau.refuse(code text, place text, message text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING ERRCODE = '{INVALID}', MESSAGE = message, DETAIL = place, HINT = code;
END $$
"""

_CHECK_SHAPE = r"""
CREATE OR REPLACE FUNCTION bureau.check_shape(v jsonb, s jsonb, defs jsonb, place text)
RETURNS void LANGUAGE plpgsql STABLE AS $$
DECLARE
  kind text;
  given text := jsonb_typeof(v);
  wanted text;
  name text;
  inner_value jsonb;
  n int := 0;
BEGIN
  IF s ? '$ref' THEN
    s := defs -> substring(s ->> '$ref' FROM '[^/]+$');
  END IF;
  IF s ? 'anyOf' THEN  -- a value or null, as all fields that may be missing
    IF given <> 'null' THEN
      PERFORM bureau.check_shape(v, s -> 'anyOf' -> 0, defs, place);
    END IF;
    RETURN;
  END IF;
  kind := s ->> 'type';
  wanted := CASE kind WHEN 'integer' THEN 'number' ELSE kind END;
  IF given <> wanted OR (kind = 'integer' AND trunc(v::numeric) <> v::numeric) THEN
    PERFORM bureau.refuse('wrong_type', place, format('It is of type %s, and has to be of type %s.', given, kind));
  END IF;
  IF s ? 'enum' AND NOT s -> 'enum' @> v THEN
    PERFORM bureau.refuse('not_a_choice', place, format('It has to be one of %s.', s ->> 'enum'));
  END IF;
  IF kind = 'string' THEN
    IF length(v #>> '{}') < (s ->> 'minLength')::int THEN
      PERFORM bureau.refuse('too_short', place, format('It has at least %s characters.', s ->> 'minLength'));
    ELSIF length(v #>> '{}') > (s ->> 'maxLength')::int THEN
      PERFORM bureau.refuse('too_long', place, format('It has at most %s characters.', s ->> 'maxLength'));
    ELSIF (v #>> '{}') !~ (s ->> 'pattern') THEN
      PERFORM bureau.refuse('wrong_form', place, format('It does not match %s.', s ->> 'pattern'));
    ELSIF s ->> 'format' = 'uuid'
      AND (v #>> '{}') !~* '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' THEN
      PERFORM bureau.refuse('wrong_form', place, 'It has to be a UUID.');
    ELSIF s ->> 'format' = 'date-time' THEN
      PERFORM bureau.check_moment(v #>> '{}', place);
    END IF;
  ELSIF wanted = 'number' THEN
    IF v::numeric < (s ->> 'minimum')::numeric OR v::numeric > (s ->> 'maximum')::numeric
      OR v::numeric <= (s ->> 'exclusiveMinimum')::numeric THEN
      PERFORM bureau.refuse('out_of_range', place, format('It has to be from %s to %s.',
        coalesce(s ->> 'minimum', 'more than ' || (s ->> 'exclusiveMinimum')), s ->> 'maximum'));
    END IF;
  ELSIF kind = 'array' THEN
    IF jsonb_array_length(v) < (s ->> 'minItems')::int THEN
      PERFORM bureau.refuse('too_short', place, format('It has at least %s items.', s ->> 'minItems'));
    ELSIF jsonb_array_length(v) > (s ->> 'maxItems')::int THEN
      PERFORM bureau.refuse('too_long', place, format('It has at most %s items.', s ->> 'maxItems'));
    END IF;
    FOR inner_value IN SELECT jsonb_array_elements(v) LOOP
      PERFORM bureau.check_shape(inner_value, s -> 'items', defs, format('%s/%s', place, n));
      n := n + 1;
    END LOOP;
  ELSIF kind = 'object' AND s ? 'properties' THEN
    FOR name IN SELECT jsonb_array_elements_text(s -> 'required') LOOP
      IF NOT v ? name THEN
        PERFORM bureau.refuse('missing', format('%s/%s', place, name), format('%s is required.', name));
      END IF;
    END LOOP;
    FOR name, inner_value IN SELECT * FROM jsonb_each(v) LOOP
      IF NOT s -> 'properties' ? name THEN
        PERFORM bureau.refuse('unknown_field', place, format('%s is not a field here.', left(name, 100)));
      END IF;
      PERFORM bureau.check_shape(inner_value, s -> 'properties' -> name, defs, format('%s/%s', place, name));
    END LOOP;
  END IF;
END $$
"""

_CHECK_MOMENT = r"""
CREATE OR REPLACE FUNCTION bureau.check_moment(given text, place text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF given !~* '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$' THEN
    PERFORM bureau.refuse('wrong_form', place, 'It has to be a time with its zone, such as 2026-11-30T12:00:00Z.');
  ELSIF given::timestamptz NOT BETWEEN '1970-01-01T00:00:00Z' AND '9000-01-01T00:00:00Z' THEN
    PERFORM bureau.refuse('out_of_range', place, 'It is outside the years 1970 to 9000.');
  END IF;
EXCEPTION WHEN datetime_field_overflow OR invalid_datetime_format THEN
  PERFORM bureau.refuse('wrong_form', place, 'There is no such time.');
END $$
"""


def functions() -> list[str]:
    """Returns the statements that make the functions; `bureau.check_document` is the one that others call."""
    schema = _bare(JobSpec.model_json_schema())
    defs = schema.pop("$defs")
    check_document = f"""
CREATE OR REPLACE FUNCTION bureau.check_document(document jsonb) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF document IS NULL OR octet_length(document::text) > {LARGEST_BYTES} THEN
    PERFORM bureau.refuse('too_large', '#', 'A job has at most {LARGEST_BYTES:,} bytes, and is not NULL.');
  END IF;
  PERFORM bureau.check_shape(document, '{json.dumps(schema)}'::jsonb, '{json.dumps(defs)}'::jsonb, '#');
END $$
"""
    return [_REFUSE, _CHECK_MOMENT, _CHECK_SHAPE, check_document]


def _bare(schema: Any) -> Any:
    """Returns a schema without what is for people, whose quotes would need care."""
    if isinstance(schema, dict):
        return {
            name: _bare(value) if name != "properties" else {key: _bare(one) for key, one in value.items()}
            for name, value in schema.items()
            if name not in ("description", "title", "default")
        }
    return [_bare(one) for one in schema] if isinstance(schema, list) else schema
