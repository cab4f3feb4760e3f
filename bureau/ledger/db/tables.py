"""Defines the ledger's tables. Migrations follow them; a test compares the two on both databases."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    text,
)

from bureau.ledger.db.access_tables import application_roles as application_roles
from bureau.ledger.db.access_tables import audit as audit
from bureau.ledger.db.access_tables import ended_sessions as ended_sessions
from bureau.ledger.db.access_tables import keys as keys
from bureau.ledger.db.access_tables import rate_limits as rate_limits
from bureau.ledger.db.access_tables import secrets as secrets
from bureau.ledger.db.certificate_tables import certificates as certificates
from bureau.ledger.db.dispatch_tables import deployed_catalogs as deployed_catalogs
from bureau.ledger.db.dispatch_tables import slots as slots
from bureau.ledger.db.mail_tables import mail_events as mail_events
from bureau.ledger.db.mail_tables import suppressions as suppressions
from bureau.ledger.db.metadata import Json as Json
from bureau.ledger.db.metadata import metadata as metadata
from bureau.ledger.db.schedule_tables import schedule_uses as schedule_uses
from bureau.ledger.db.schedule_tables import schedules as schedules
from bureau.ledger.db.sql_time import UtcDateTime

_EXPIRING = text("state = 'open' AND expires_at IS NOT NULL")
_ENDED = text("finished_at IS NOT NULL")

jobs = Table(
    "jobs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner", String(100), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("title", Text, nullable=False),
    Column("tags", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("total_tasks", Integer, nullable=False),
    Column("open_tasks", Integer, nullable=False),  # tasks that have not ended; 0 ends the job
    Column("event_seq", Integer, nullable=False, server_default="0"),  # the number of the last event
    Column("created_at", UtcDateTime, nullable=False),
    Column("run_at", UtcDateTime),
    Column("expires_at", UtcDateTime),
    Column("cancel_requested_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("error", Json),
    Column("submitted_by", String(63)),  # the database role that called `bureau.submit`; NULL for the gateway
    Index("ix_jobs_owner_newest", "owner", "created_at", "id"),
    # The last two have no entry for most new jobs, because each index adds to the cost of a submission.
    Index("ix_jobs_owner_state_newest", "owner", "state", "created_at", "id"),  # lists of one state; quotas count
    Index("ix_jobs_expiring", "expires_at", postgresql_where=_EXPIRING, sqlite_where=_EXPIRING),
    Index("ix_jobs_ended", "state", "finished_at", postgresql_where=_ENDED, sqlite_where=_ENDED),  # retention
)

job_tags = Table(
    "job_tags",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("tag", String(64), nullable=False),
    PrimaryKeyConstraint("tag", "job_id"),
    Index("ix_job_tags_job_id", "job_id"),
)

_RUNNING = text("state = 'running'")
_UNENDED = text("state IN ('waiting', 'ready', 'running')")
_FINISHED = text("finished_at IS NOT NULL")

tasks = Table(
    "tasks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),  # order within the job
    Column("name", String(100), nullable=False),
    Column("run", String(120), nullable=False),
    Column("queue", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("input", Json, nullable=False),
    Column("after", Json, nullable=False),  # names, for display; `dependencies` decides
    Column("when", String(16), nullable=False),
    Column("optional", Boolean, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("base_seconds", Float, nullable=False),
    Column("cap_seconds", Float, nullable=False),
    Column("time_limit_seconds", Float, nullable=False),
    # counts of the tasks in `after`: still open, failed, ended without success
    Column("upstream_open", Integer, nullable=False),
    Column("upstream_failed", Integer, nullable=False, server_default="0"),
    Column("upstream_unsuccessful", Integer, nullable=False, server_default="0"),
    # when the task may run, and when its hint was last published
    Column("due_at", UtcDateTime),
    Column("expires_at", UtcDateTime),  # the job's expiry, on tasks that could start it
    Column("hinted_at", UtcDateTime),
    Column("hints", Integer, nullable=False, server_default="0"),
    # the claim; claim_no grows with every claim and is never reset
    Column("claim_no", Integer, nullable=False, server_default="0"),
    Column("claim_seal", Uuid),  # a hash of the running claim's token: see `worker_role.rules`
    Column("worker", String(100)),
    Column("claimed_at", UtcDateTime),
    Column("lease_until", UtcDateTime),
    Column("stop_requested_at", UtcDateTime),
    # separate budgets
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("postponed_since", UtcDateTime),
    Column("progress", Json),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("result", Json),
    Column("error", Json),
    Index("ix_tasks_job", "job_id", "position", unique=True),
    Index(
        "ix_tasks_hinted",
        "queue",
        "hinted_at",
        postgresql_where=text("state = 'ready' AND hinted_at IS NOT NULL"),
        sqlite_where=text("state = 'ready' AND hinted_at IS NOT NULL"),
    ),
    Index("ix_tasks_lease", "lease_until", postgresql_where=_RUNNING, sqlite_where=_RUNNING),
    # for the console: lists of open tasks, the last hour, tasks that wait for an outage to end
    Index("ix_tasks_unended", "state", "id", postgresql_where=_UNENDED, sqlite_where=_UNENDED),
    Index("ix_tasks_finished", "finished_at", "queue", "state", postgresql_where=_FINISHED, sqlite_where=_FINISHED),
)
# The relay takes tasks without a hint in this order, and counts those with one.
Index(
    "ix_tasks_ready",
    tasks.c.queue,
    tasks.c.priority.desc(),
    tasks.c.due_at,
    postgresql_where=text("state = 'ready' AND hinted_at IS NULL"),
    sqlite_where=text("state = 'ready' AND hinted_at IS NULL"),
)

dependencies = Table(
    "dependencies",
    metadata,
    Column("upstream", Uuid, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("downstream", Uuid, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("upstream", "downstream"),
    Index("ix_dependencies_downstream", "downstream"),
)

# A row for each claim that did not end in success; the last claim is read from the task itself.
attempts = Table(
    "attempts",
    metadata,
    Column("task_id", Uuid, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("claim_no", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),  # retry, postponed, crashed, handed_back, failed, cancelled
    Column("worker", String(100)),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime, nullable=False),
    Column("error", Json),
    Column("traceback", Text),  # of what the task raised, for people who operate; bounded, without secrets
    PrimaryKeyConstraint("task_id", "claim_no"),
)

events = Table(
    "events",
    metadata,
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),  # within the job, in commit order
    Column("type", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("task", String(100)),
    Column("data", Json, nullable=False),
    Column("tx", BigInteger),  # the transaction that wrote it: see `EventCursor`
    PrimaryKeyConstraint("job_id", "seq"),
    Index("ix_events_tx", "tx"),
)

_STORED = text("deleted_at IS NULL")
_KEPT = text("removed_at IS NULL")
_UNDECIDED = text("removed_at IS NULL AND expires_at IS NULL")
_DELETED = text("deleted_at IS NOT NULL")

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("owner", String(100), nullable=False),
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE")),  # the job that made it; NULL for uploads
    Column("task", String(100)),
    Column("name", String(255), nullable=False),
    Column("media_type", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("key", Text, nullable=False),  # in storage
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),  # NULL until the job that made it has ended
    Column("removed_at", UtcDateTime),  # no longer available for download; its bytes are deleted next
    Column("deleted_at", UtcDateTime),  # its bytes are gone
    Index("ix_artifacts_job_id", "job_id"),
    Index(
        "ix_artifacts_removed",
        "removed_at",
        postgresql_where=text("removed_at IS NOT NULL AND deleted_at IS NULL"),
        sqlite_where=text("removed_at IS NOT NULL AND deleted_at IS NULL"),
    ),
    Index("ix_artifacts_stored", "owner", "size", postgresql_where=_STORED, sqlite_where=_STORED),  # quotas sum it
    Index("ix_artifacts_key", "key"),  # the search for orphans looks keys up
    # retention, in the order of its steps
    Index("ix_artifacts_undecided", "job_id", postgresql_where=_UNDECIDED, sqlite_where=_UNDECIDED),
    Index("ix_artifacts_expiring", "expires_at", postgresql_where=_KEPT, sqlite_where=_KEPT),
    Index("ix_artifacts_deleted", "deleted_at", postgresql_where=_DELETED, sqlite_where=_DELETED),
)

# References of jobs to artifacts of others: a referenced artifact is kept while one of these jobs is open.
artifact_uses = Table(
    "artifact_uses",
    metadata,
    Column("artifact_id", Uuid, ForeignKey("artifacts.id", ondelete="CASCADE"), nullable=False),
    Column("job_id", Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    PrimaryKeyConstraint("artifact_id", "job_id"),
    Index("ix_artifact_uses_job_id", "job_id"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", String(100), nullable=False),
    Column("method", String(10), nullable=False),
    Column("path", String(255), nullable=False),
    Column("key", String(255), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("token", Uuid, nullable=False),  # the request that holds the key
    Column("created_at", UtcDateTime, nullable=False),
    Column("held_until", UtcDateTime, nullable=False),  # a dead holder is replaced after this time
    Column("status", SmallInteger),  # the status of the first answer; NULL while the request runs
    Column("location", String(255)),
    PrimaryKeyConstraint("owner", "method", "path", "key"),
    Index("ix_idempotency_created_at", "created_at"),
)

workers = Table(
    "workers",
    metadata,
    Column("id", String(100), primary_key=True),
    Column("service", String(40), nullable=False),
    Column("queue", String(40), nullable=False),
    Column("version", String(40), nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("threads", Integer, nullable=False),
    Column("busy", Integer, nullable=False, server_default="0"),
    Column("claimed", Integer, nullable=False, server_default="0"),  # in the last 10 s
    Column("memory_bytes", BigInteger),  # resident in the process
    Column("trouble", Json),  # the outages that it reports; NULL for none
    Column("catalog", Json, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("stopped_at", UtcDateTime),
)

paused_queues = Table(
    "paused_queues",
    metadata,
    Column("queue", String(40), primary_key=True),
    Column("paused_at", UtcDateTime, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("task_id", Uuid, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("message_id", String(255), nullable=False),
    Column("transport", String(40), nullable=False),
    Column("state", String(16), nullable=False),  # open, sent, refused, unknown
    Column("recipients", Json, nullable=False),  # each address with its own state
    Column("opened_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("response", Text),  # the provider's answer to the whole
    Column("reasons", Json),  # its answer for each refused recipient; NULL while open, and in rows before 0012
    PrimaryKeyConstraint("task_id", "n"),
)

# A file that a gateway wrote into its storage: a process that does not find it has another storage.
storage_probe = Table(
    "storage_probe",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),  # always 1: there is one row
    Column("key", String(100), nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
)
