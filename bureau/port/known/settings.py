"""Says what becomes of Celery's settings under the names layer: read, without a meaning, or to be decided."""

from typing import Literal

_READ = frozenset(
    [
        "task_always_eager",
        "task_eager_propagates",
        "task_store_eager_result",
        "task_time_limit",
        "task_soft_time_limit",
        "task_default_queue",
        "task_routes",
        "task_queues",
        "task_track_started",
        "task_ignore_result",
        "task_default_priority",
        "timezone",
        "enable_utc",
        "beat_schedule",
        "imports",
        "include",
        "result_expires",
        "task_create_missing_queues",
        "task_publish_retry",
        "task_send_sent_event",
        "result_extended",
    ]
)
_WITHOUT_MEANING = (
    "broker_",
    "redis_",
    "result_",
    "database_",
    "cassandra_",
    "elasticsearch_",
    "mongodb_",
    "cache_",
    "event_",
    "worker_",
    "task_",
    "accept_content",
    "beat_",
    "control_",
    "deprecated_",
    "enable_remote_control",
    "override_backends",
    "loader",
    "namespace",
    "main",
    "rpc_",
    "django_celery_",
)
_BY_HAND = {
    "worker_max_tasks_per_child": "Bureau does not replace a worker's process after a number of tasks. If a task "
    "leaks, restart the worker by its memory: `bureau workers` and the metrics show it.",
    "worker_max_memory_per_child": "Bureau does not replace a worker's process by its memory: let the supervisor or "
    "the container's limit restart it. A task that ran then is taken back and counts as one lost attempt.",
    "worker_pool": "A Bureau worker runs `def` tasks on threads (THREADS) and `async def` tasks on an event loop "
    "(CONCURRENCY); CPU-bound tasks get several worker processes.",
    "worker_pool_restarts": "Restart the worker's process.",
    "task_default_rate_limit": "Bureau has no rate limit for each worker: give such tasks a queue and a worker with "
    "few threads, or remove the limit.",
    "task_remote_tracebacks": "A traceback is on each attempt: read AsyncResult.traceback, or the job's page.",
    "task_inherit_parent_priority": "A task does not inherit a priority: pass priority=….",
    "worker_consumer": "It is a part of Celery's worker.",
    "worker_autoscaler": "Start more or fewer workers from outside.",
    "beat_scheduler": "Schedules are rows of Bureau's ledger: import those of django-celery-beat once "
    "(`python -m bureau.celery -A APP schedules`), or write them into SCHEDULES_FILE.",
    "task_annotations": "Write the options at the tasks.",
    "task_cls": "See the base class: it may only hold options.",
    "security_key": "Messages hold ids only; keys and TLS guard the gateway (docs/security.md).",
}
_OLD = {  # names of Celery before version 4, which it still reads
    "celeryd_max_tasks_per_child": "worker_max_tasks_per_child",
    "celeryd_max_memory_per_child": "worker_max_memory_per_child",
    "celeryd_pool": "worker_pool",
    "celerybeat_schedule": "beat_schedule",
    "celerybeat_scheduler": "beat_scheduler",
    "celeryd_task_time_limit": "task_time_limit",
    "celeryd_task_soft_time_limit": "task_soft_time_limit",
    "always_eager": "task_always_eager",
    "eager_propagates_exceptions": "task_eager_propagates",
    "eager_propagates": "task_eager_propagates",
    "routes": "task_routes",
    "queues": "task_queues",
    "default_queue": "task_default_queue",
    "annotations": "task_annotations",
    "ignore_result": "task_ignore_result",
    "track_started": "task_track_started",
    "cls": "task_cls",
}
# Settings of other packages, and of the project, that begin with the same word.
_OLD_WITHOUT_MEANING = (
    "celeryd_", "celerybeat_", "celerymon_", "celeryev_", "acks_late", "default_", "send_", "store_",
    "disable_rate_limits", "message_compression", "mongodb_", "task_result_expires", "amqp_",
    "create_missing_queues", "eager_",
)  # fmt: skip

Answer = Literal["read", "without meaning", "by hand", "unknown"]


def setting(name: str) -> tuple[Answer, str]:
    """Returns what becomes of a setting, named as Celery names it in small letters, and why if a person decides."""
    name = _OLD.get(name, name)
    if name in _BY_HAND:
        return "by hand", _BY_HAND[name]
    if name in _READ:
        return "read", ""
    if name.startswith((*_WITHOUT_MEANING, *_OLD_WITHOUT_MEANING)):
        return "without meaning", ""
    return "unknown", ""
