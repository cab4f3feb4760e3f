"""Writes the intents of first attempts on PostgreSQL in one statement, which is a transaction of its own.

Nearly all mails are tried once, to recipients who are on no suppression list. Their intents need no look by the
process between the lock and the insert, so one round trip does what takes six for other intents.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from bureau.ledger.db.database import Database


def open_first(db: Database, intents: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Writes those intents that are the first of their task and whose recipients are all to be mailed.

    Each is written under the lock of its task's row and with its claim checked. Returns the tasks of those that were
    written. Nothing is known about the others: another transaction has the row locked, the claim was lost, there is an
    earlier attempt, or a recipient is on the suppression list. Raises `LedgerUnavailable`.
    """
    given = json.dumps([{**one, "recipients": json.dumps(one["recipients"])} for one in intents], default=str)
    ids = f"{{{','.join(str(one['task']) for one in intents)}}}"
    return {row.task_id for row in db.hot.execute(_OPEN, {"given": given, "ids": ids})}


# No partial index fits the condition on `state`, so that the row is found by its key. The claim is read again once the
# row is locked, so a cancel or a lost lease that came first is seen. An attempt that this statement's snapshot does not
# show yet has the same key and is not written twice.
_OPEN = """
WITH given AS MATERIALIZED (
  SELECT * FROM jsonb_to_recordset(%(given)s::jsonb) AS g(
    task uuid, claim_no int, message_id text, transport text, recipients text, owner text, addresses jsonb)
), mine AS MATERIALIZED (
  SELECT t.id FROM given g JOIN tasks t ON t.id = g.task AND t.claim_no = g.claim_no
  WHERE t.id = ANY(%(ids)s::uuid[]) AND t.state || '' = 'running' AND t.stop_requested_at IS NULL
  FOR NO KEY UPDATE OF t SKIP LOCKED
)
INSERT INTO deliveries (task_id, n, message_id, transport, recipients, state, opened_at)
SELECT g.task, 1, g.message_id, g.transport, g.recipients::json, 'open', statement_timestamp()
FROM given g JOIN mine ON mine.id = g.task
WHERE NOT EXISTS (SELECT FROM deliveries d WHERE d.task_id = g.task OFFSET 0)
  AND NOT EXISTS (
    SELECT FROM jsonb_array_elements_text(g.addresses) AS a(address)
    CROSS JOIN LATERAL (SELECT FROM suppressions s WHERE s.owner = g.owner AND s.address = a.address LIMIT 1) AS listed
    OFFSET 0)
ON CONFLICT DO NOTHING RETURNING task_id
"""
