"""Lists what the names layer `bureau.celery` does, and why it does not do the rest. The reasons are read by people."""

CALL_OPTIONS = frozenset(
    [
        "args",
        "kwargs",
        "countdown",
        "eta",
        "expires",
        "queue",
        "priority",
        "task_id",
        "link",
        "link_error",
        "retry",
        "retry_policy",
        "ignore_result",
        "time_limit",
        "soft_time_limit",
        "shadow",
        "headers",
        "connection",
        "producer",
        "publisher",
        "router",
        "add_to_parent",
        "delivery_mode",
        "mandatory",
        "immediate",
        "compression",
        "root_id",
        "parent_id",
        "group_id",
        "group_index",
        "chord",
        "retries",
        "reply_to",
        "route_name",
        "argsrepr",
        "kwargsrepr",
        "logfile",
        "loglevel",
        "origin",
        "interval",
        "max_retries",
        "throw",
    ]
)
_ROUTED = "Bureau has queues and no exchanges: name the queue with `queue=`."
_PICKLED = "An input is JSON: pass ids, numbers, texts, lists and objects in place of Python objects."
TASK_REASONS_BY_OPTION = {
    "serializer": _PICKLED,
    "result_serializer": "A result is JSON: return numbers, texts, lists and objects.",
    "rate_limit": "Bureau has no rate limit for each worker: give the task a queue and a worker of its own with few "
    "threads, or remove the limit.",
    "exchange": _ROUTED,
    "exchange_type": _ROUTED,
    "routing_key": _ROUTED,
    "compression": "An input is a row of a database: leave it out.",
    "backend": "Results are in the ledger: leave it out.",
    "run_every": "Make it a schedule: beat_schedule, or `bureau schedules put`.",
    "pydantic": "Build the model in the task: Model.model_validate(argument).",
    "retry_on_worker_lost": "A task whose worker dies runs again, whatever its retries: leave it out.",
    "filter": "Decorate the function in its place.",
    "Strategy": "It is a part of Celery's worker.",
    "Request": "It is a part of Celery's worker: use signals, or a base class with on_failure.",
}
CALL_REASONS_BY_OPTION = {
    "serializer": _PICKLED,
    "exchange": _ROUTED,
    "routing_key": _ROUTED,
    "stamped_headers": "Bureau has no stamping: pass headers.",
    "chain": "Write chain(…).",
}

SIGNALS = frozenset(
    [
        "before_task_publish",
        "after_task_publish",
        "task_prerun",
        "task_postrun",
        "task_success",
        "task_retry",
        "task_failure",
        "task_revoked",
        "worker_init",
        "worker_process_init",
        "worker_ready",
        "worker_shutting_down",
        "worker_process_shutdown",
        "worker_shutdown",
        "setup_logging",
        "after_setup_logger",
        "after_setup_task_logger",
    ]
)
_MESSAGES = "Messages are only hints in Bureau: connect to task_prerun."
_COMMAND = "Celery's command is not run: put it where the app is made."
_BEAT = "The scheduler is a process of Bureau's and runs no code of the project."
_GREEN = "Bureau runs `async def` tasks on an event loop, and has no eventlet pool."
SIGNAL_REASONS = {
    "task_received": _MESSAGES,
    "task_rejected": _MESSAGES,
    "task_unknown": "The gateway refuses a task that no worker has announced, when it is submitted.",
    "task_internal_error": "Read the worker's log and its metrics (docs/metrics.md).",
    "task_sent": "It is deprecated in Celery: use after_task_publish.",
    "celeryd_init": _COMMAND,
    "celeryd_after_setup": _COMMAND,
    "import_modules": _COMMAND,
    "user_preload_options": _COMMAND,
    "worker_before_create_process": "It belongs to the prefork pool: use worker_process_init.",
    "heartbeat_sent": "The worker's row in the ledger shows when it was seen last: `bureau workers`.",
    "beat_init": _BEAT,
    "beat_embedded_init": _BEAT,
    "eventlet_pool_started": _GREEN,
    "eventlet_pool_preshutdown": _GREEN,
    "eventlet_pool_postshutdown": _GREEN,
    "eventlet_pool_apply": _GREEN,
}

CONTROL = frozenset(["inspect", "revoke", "terminate", "purge", "discard_all", "ping"])
INSPECT = frozenset(
    [
        "active",
        "scheduled",
        "reserved",
        "stats",
        "registered",
        "registered_tasks",
        "ping",
        "active_queues",
        "revoked",
        "query_task",
    ]
)
_WORKERS = "Start or stop workers by your supervisor."
_LOOK = "Bureau's workers have no such command: see `bureau workers` and their metrics."
CONTROL_REASONS = {
    "rate_limit": "Bureau has no rate limit for each worker.",
    "time_limit": "Change the declaration, or pass time_limit to apply_async.",
    "add_consumer": "A worker serves the queues that it was started with.",
    "cancel_consumer": "Pause the queue: `bureau pause QUEUE`.",
    "pool_grow": _WORKERS,
    "pool_shrink": _WORKERS,
    "pool_restart": _WORKERS,
    "autoscale": _WORKERS,
    "shutdown": _WORKERS,
    "broadcast": "No messages go to workers: rows of the ledger decide what they do.",
    "election": "No messages go to workers: rows of the ledger decide what they do.",
    "enable_events": "Bureau keeps all events: docs/events.md.",
    "disable_events": "Bureau keeps all events: docs/events.md.",
    "heartbeat": "The worker's row in the ledger shows when it was seen last: `bureau workers`.",
    "revoke_by_stamped_headers": "Bureau has no stamping.",
    "conf": "Bureau's workers do not tell their settings: see docs/settings.md.",
    "report": _LOOK,
    "memsample": _LOOK,
    "memdump": _LOOK,
    "objgraph": _LOOK,
    "clock": _LOOK,
    "hello": _LOOK,
    "stamped": _LOOK,
}

RESULT_REASONS = {
    "backend": "Results are in the ledger: read them through AsyncResult.",
    "then": "No process listens for results: use link=…, or follow the job's events (docs/events.md).",
    "collect": "Read the tasks of the job: Bureau.get(id).tasks.",
    "iterdeps": "Read the tasks of the job: Bureau.get(id).tasks.",
    "build_graph": "Read the tasks of the job: Bureau.get(id).tasks.",
    "graph": "Read the tasks of the job: Bureau.get(id).tasks.",
    "get_leaf": "Read the tasks of the job: Bureau.get(id).tasks.",
}

TASK_REASONS = {
    "map": "Write a group of signatures, or one task that takes the list: each item is then seen and retried.",
    "starmap": "Write a group of signatures, or one task that takes the list: each item is then seen and retried.",
    "chunks": "Write a group of signatures, each with its part of the list.",
    "replace": "A task cannot replace itself: submit the other one and return, or write a chain.",
    "add_to_chord": "A chord's header is known when it starts: write a chain of two chords.",
    "add_trail": "The names layer links the tasks of a job itself.",
    "send_event": "Use update_state or a log line: both become events of the job (docs/events.md).",
    "backend": "Results are in the ledger: read them through AsyncResult.",
    "start_strategy": "It is a part of Celery's worker.",
    "push_request": "It is a part of Celery's worker: in a test, call `apply`, or use task_always_eager.",
    "pop_request": "It is a part of Celery's worker: in a test, call `apply`, or use task_always_eager.",
}

REASON_BY_PREFIX = (
    ("celery.bin", "Bureau has commands of its own: docs/cli.md."),
    ("celery.worker.request", "It is a part of Celery's worker."),
    ("celery.worker", "It is a part of Celery's worker."),
    ("celery.bootsteps", "Bureau's worker has no bootsteps: use @lifespan, or a process of your own."),
    ("celery.concurrency", "Bureau's worker runs tasks on threads and an event loop: THREADS and CONCURRENCY."),
    ("celery.beat", "The scheduler is a process of Bureau's: schedules are data (docs/schedules.md)."),
    ("celery.backends", "Results are in the ledger: read them through AsyncResult."),
    ("celery.events", "Events are read from Bureau: Job.follow(), docs/events.md."),
    ("celery.loaders", "Bureau's worker imports the modules on its command line."),
    ("celery.fixups", "The names layer sets up Django itself."),
    ("celery.utils.time", "It is a helper of Celery's: use datetime and zoneinfo."),
    ("celery.contrib.rdb", "Use Python's own debugger on the task's function."),
    ("celery.contrib.abortable", "Look at ctx.stopping, or let Bureau interrupt the task: revoke() stops it."),
    ("celery.contrib.testing", "bureau.testing runs a worker in a test: docs/testing.md."),
    ("celery.contrib.pytest", "bureau.testing runs a worker in a test: docs/testing.md."),
    ("celery.contrib", "It is a part of Celery."),
    ("celery.app.amqp", _ROUTED),
    ("celery.app.routes", "Name the queue at the task or in task_routes as a dictionary."),
    ("celery.app.trace", "It is a part of Celery's worker: use the signals."),
    ("celery.app.log", "Bureau's worker sets up its logs itself."),
    ("celery.app.defaults", "Bureau's settings are environment variables: see docs/settings.md."),
    ("celery.app", "It is a part of Celery's application object."),
    ("celery.security", "Messages hold ids only; keys and TLS guard the gateway (docs/security.md)."),
    ("celery.schedules.solar", "No schedule follows the sun: use cron with fixed times."),
    ("celery.schedules.BaseSchedule", "Schedules are data: cron, or an interval."),
    ("celery.utils.dispatch", "It is a part of Celery."),
    ("celery.utils", "It is a helper of Celery's: copy it, or use the standard library's."),
    ("celery.task", "Celery itself removed this module in version 5: use shared_task."),
    ("celery.decorators", "Celery itself removed this module in version 5: use shared_task."),
    ("celery.local", "It is a helper of Celery's."),
    ("celery._state", "It is a part of Celery's application object."),
    ("celery.platforms", "It is a helper of Celery's."),
    ("celery.registry", "`bureau tasks` and Bureau.catalog() list the announced tasks."),
    ("celery.five", "It is a helper of Celery's."),
    ("celery.backend", "Results are in the ledger: read them through AsyncResult."),
)

# What the names layer has, by module; everything else is refused with a reason of the list above.
NAMES = {
    "celery": "Celery Signature Task chain chord current_app current_task group maybe_signature shared_task signature "
    "subtask uuid __version__ VERSION",
    "celery.app": "",
    "celery.app.base": "Celery",
    "celery.app.control": "Control Inspect",
    "celery.app.task": "Task",
    "celery.canvas": "Signature chain chord group maybe_signature signature subtask",
    "celery.exceptions": "CeleryError ImproperlyConfigured SecurityError TaskPredicate Ignore Reject Retry TaskError "
    "QueueNotFound IncompleteStream NotRegistered AlreadyRegistered TimeoutError MaxRetriesExceededError "
    "TaskRevokedError InvalidTaskError ChordError SoftTimeLimitExceeded TimeLimitExceeded WorkerLostError BackendError "
    "BackendGetMetaError BackendStoreError WorkerTerminate WorkerShutdown CeleryWarning",
    "celery.result": "AsyncResult EagerResult GroupResult ResultSet allow_join_result result_from_tuple",
    "celery.schedules": "crontab schedule maybe_schedule",
    "celery.signals": " ".join(sorted(SIGNALS)),
    "celery.states": "PENDING RECEIVED STARTED SUCCESS FAILURE REVOKED REJECTED RETRY IGNORED READY_STATES "
    "UNREADY_STATES EXCEPTION_STATES PROPAGATE_STATES ALL_STATES",
    "celery.utils": "uuid gen_unique_id",
    "celery.utils.log": "get_task_logger",
}


def has(name: str) -> bool:
    """Tells whether the names layer has a module or a name of Celery."""
    module, _, last = name.rpartition(".")
    return name in NAMES or last in NAMES.get(module, "").split()


def reason(name: str) -> str:
    """Returns why the names layer does not have a name of Celery."""
    if name.startswith("celery.signals."):
        return SIGNAL_REASONS.get(name.rpartition(".")[2], "It is a signal of Celery's worker.")
    found = (why for prefix, why in REASON_BY_PREFIX if name == prefix or name.startswith(f"{prefix}."))
    return next(found, "The names layer does not have it.")
