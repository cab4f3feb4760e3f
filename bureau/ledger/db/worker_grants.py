"""What a worker's database role may do to the ledger: what claim, lease, progress, finish, hints and deliveries do.

It reads every input and result and adds tasks to jobs. It sees neither keys nor secrets nor the audit, makes no job,
changes no input, owner or priority, and deletes nothing but slots and rows of workers long gone. A new statement in
what workers do needs its grant here: tests/integration/test_worker_role.py runs workers under such a role.
"""

from collections.abc import Iterator

from sqlalchemy import text

from bureau.ledger.db.database import Database

READ = (
    "alembic_version",  # a start looks whether it is the newest
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
    "slots",
)
INSERT = (
    "tasks",  # added by a running one
    "dependencies",
    "attempts",
    "events",
    "artifacts",  # files made
    "workers",
    "deliveries",
    "certificates",  # issued; what is revoked is the gateway's
    "slots",
)
DELETE = (
    "workers",  # its own row before it is made anew, and those of workers that were not seen for a day
    "slots",  # given back, or of a claim that has ended
)
UPDATE = {
    "jobs": ("state", "error", "finished_at", "total_tasks", "open_tasks", "event_seq"),
    "tasks": (
        *("state", "claim_no", "worker", "claimed_at", "started_at", "lease_until"),
        *("progress", "result", "error", "finished_at", "failures", "postponed_since"),
        *("due_at", "hinted_at", "hints"),
        *("upstream_open", "upstream_failed", "upstream_unsuccessful"),
    ),
    "artifacts": ("removed_at",),
    "workers": ("seen_at", "busy", "claimed", "memory_bytes", "trouble", "stopped_at"),
    "deliveries": ("transport", "state", "recipients", "ended_at", "response"),
}


def grant(db: Database, role: str) -> None:
    """Gives a role of PostgreSQL these rights on the ledger's tables and takes away all others.

    In one transaction: workers that run meanwhile notice nothing. Raises `LedgerUnavailable`.
    """
    with db.transaction() as connection:
        quoted = connection.dialect.identifier_preparer.quote(role)
        for statement in statements(quoted):
            connection.execute(text(statement))


def statements(role: str) -> Iterator[str]:
    """`role` is quoted where its name needs it; the ledger's own names need no quotes."""
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT SELECT ON {', '.join(READ)} TO {role}"
    yield f"GRANT INSERT ON {', '.join(INSERT)} TO {role}"
    yield f"GRANT DELETE ON {', '.join(DELETE)} TO {role}"
    for table, columns in UPDATE.items():
        yield f"GRANT UPDATE ({', '.join(columns)}) ON {table} TO {role}"
