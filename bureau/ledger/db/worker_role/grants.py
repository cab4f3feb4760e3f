"""Grants a worker's database role what claims, leases, progress, finishes, hints and deliveries need, and nothing else.

The role reads every input and result and adds tasks to jobs. It cannot see keys, secrets or the audit, create a job,
or change an input, an owner or a priority, and it deletes nothing but slots and rows of dead workers. `rules`
says which rows it may change. A new statement of workers needs its grant here:
tests/acceptance/processes/test_worker_role.py runs workers under such a role.
"""

from collections.abc import Iterator

from sqlalchemy import text

from bureau.ledger.db.database import Database
from bureau.ledger.db.worker_role.rules import rules

READ = (
    "alembic_version",  # a starting worker checks the revision
    "jobs",
    "tasks",
    "dependencies",
    "artifacts",
    "artifact_uses",
    "schedule_uses",
    "workers",
    "paused_queues",
    "deliveries",
    "mail_events",
    "suppressions",
    "storage_probe",
    "deployed_catalogs",  # a task that adds tasks knows what is announced
    "slots",
)
INSERT = (
    "tasks",  # a running task adds tasks
    "dependencies",
    "attempts",
    "events",
    "artifacts",  # a task makes files
    "workers",
    "deliveries",
    "certificates",  # a task issues them; only the gateway revokes
    "slots",
)
DELETE = (
    "workers",  # its own row before it registers again, and rows of workers unseen for a day
    "slots",  # its own, or that of a claim that has ended
)
UPDATE = {
    "jobs": ("state", "error", "finished_at", "total_tasks", "open_tasks", "event_seq"),
    "tasks": (
        *("state", "claim_no", "claim_seal", "worker", "claimed_at", "started_at", "lease_until"),
        *("progress", "result", "error", "finished_at", "failures", "postponed_since"),
        *("due_at", "hinted_at", "hints"),
        *("upstream_open", "upstream_failed", "upstream_unsuccessful"),
    ),
    "artifacts": ("removed_at",),
    "workers": ("seen_at", "busy", "claimed", "memory_bytes", "trouble", "stopped_at"),
    "deliveries": ("transport", "state", "recipients", "ended_at", "response", "reasons"),
}


def grant(db: Database, role: str) -> None:
    """Grants a PostgreSQL role these rights on the ledger's tables, revokes all others, and makes its rules.

    One transaction revokes and grants, so that running workers notice nothing. Each rule has a transaction of its own:
    it locks its table for a moment, and several such locks at once could form a cycle with those of running workers.
    Raises `LedgerUnavailable`.
    """
    quoted = db.engine.dialect.identifier_preparer.quote(role)
    with db.transaction() as connection:
        for statement in statements(quoted):
            connection.execute(text(statement))
    for statement in rules(quoted, "'" + role.replace("'", "''") + "'"):
        with db.transaction() as connection:
            connection.execute(text(statement))


def statements(role: str) -> Iterator[str]:
    """Returns the statements. `role` is quoted if its name needs it; the ledger's own names need no quotes."""
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT SELECT ON {', '.join(READ)} TO {role}"
    yield f"GRANT INSERT ON {', '.join(INSERT)} TO {role}"
    yield f"GRANT DELETE ON {', '.join(DELETE)} TO {role}"
    for table, columns in UPDATE.items():
        yield f"GRANT UPDATE ({', '.join(columns)}) ON {table} TO {role}"
