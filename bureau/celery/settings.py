"""Holds an app's settings, `app.conf`: those that Bureau honours, those that it has no use for, those it refuses."""

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bureau.celery.exceptions import ImproperlyConfigured, NotInBureau
from bureau.celery.utils.json import refuse_serializer

DEFAULTS: dict[str, Any] = {
    "beat_schedule": {},
    "enable_utc": True,
    "imports": (),
    "include": (),
    "task_acks_late": False,
    "task_always_eager": False,
    "task_create_missing_queues": True,
    "task_default_priority": None,
    "task_default_queue": "celery",
    "task_eager_propagates": False,
    "task_ignore_result": False,
    "task_queues": None,
    "task_routes": None,
    "task_serializer": "json",
    "task_soft_time_limit": None,
    "task_store_eager_result": False,
    "task_time_limit": None,
    "task_track_started": False,
    "result_serializer": "json",
    "accept_content": ["json"],
    "timezone": None,
}
_JSON = {"json", "application/json"}


class Settings(dict[str, Any]):
    """Is a dict whose keys are attributes too: `app.conf.task_always_eager = True`.

    What `config_from_object` names is read when the first setting is asked for, because Django's settings may not be
    importable before. Raises `NotInBureau` for a setting that would change what happens and that Bureau does not have.
    """

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "_sources", [])

    def add_source(self, source: Callable[[], Mapping[str, Any]]) -> None:
        """Has settings read later; those that are set already stay."""
        self._sources.append(source)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __getitem__(self, name: str) -> Any:
        self._load()
        if name in DEFAULTS:
            return super().get(name, DEFAULTS[name])
        try:
            return super().__getitem__(name)
        except KeyError:
            raise AttributeError(f"'Settings' object has no attribute {name!r}") from None

    def __setitem__(self, name: str, value: Any) -> None:
        check(name, value)
        super().__setitem__(name, value)

    def __contains__(self, name: object) -> bool:
        self._load()
        return super().__contains__(name) or name in DEFAULTS

    def __iter__(self) -> Iterator[str]:
        self._load()
        return super().__iter__()

    def get(self, name: str, default: Any = None) -> Any:
        self._load()
        return super().get(name, DEFAULTS.get(name, default))

    def update(self, *others: Any, **more: Any) -> None:
        for name, value in dict(*others, **more).items():
            self[name] = value

    def _load(self) -> None:
        while self._sources:
            for name, value in self._sources.pop(0)().items():
                if not super().__contains__(name):
                    self[name] = value


def source_of(found: Any, namespace: str | None) -> Callable[[], Mapping[str, Any]]:
    """Returns a reader of settings: of an object, of a module by its name, or of `module:attribute`."""

    def read() -> Mapping[str, Any]:
        return named(_object(found), namespace)

    return read


def named(found: Any, namespace: str | None) -> dict[str, Any]:
    """Returns the settings of an object: with a namespace those that begin with it, else those in lower case.

    Raises `ImproperlyConfigured` for the upper-case names of Celery 3.
    """
    names = list(found) if isinstance(found, Mapping) else [name for name in dir(found) if not name.startswith("_")]
    take = found.__getitem__ if isinstance(found, Mapping) else lambda name: getattr(found, name)
    if namespace:
        prefix = f"{namespace}_"
        return {
            name.removeprefix(prefix).lower(): take(name)
            for name in names
            if name.startswith(prefix) and name.upper() == name
        }
    if old := sorted(name for name in names if name.startswith(("CELERY_", "CELERYD_", "CELERYBEAT_", "BROKER_"))):
        raise ImproperlyConfigured(
            f"{old[0]}: upper-case settings need a namespace: app.config_from_object(…, namespace='CELERY')"
        )
    known = {*DEFAULTS, *REFUSED}
    return {name: take(name) for name in names if name in known or (name.islower() and not callable(take(name)))}


def from_environment(variable: str) -> str:
    """Returns the module that an environment variable names. Raises `ImproperlyConfigured`."""
    if not (name := os.environ.get(variable)):
        raise ImproperlyConfigured(f"The environment variable {variable} is not set; it names a module of settings.")
    return name


def check(name: str, value: Any) -> None:
    """Raises `NotInBureau` for a value that Bureau would not honour."""
    if name in ("task_serializer", "result_serializer"):
        refuse_serializer(value)
    if name == "accept_content" and value and not _JSON & set(value):
        raise NotInBureau(f"accept_content={list(value)!r}: Bureau keeps arguments as JSON; add 'json'")
    if value and name in REFUSED:
        raise NotInBureau(f"{name}: {REFUSED[name]}")


def _object(found: Any) -> Any:
    if not isinstance(found, str):
        return found
    module, _, attribute = found.partition(":")
    if not attribute:
        return importlib.import_module(module)
    made: Any = importlib.import_module(module)
    for part in attribute.split("."):
        made = getattr(made, part)
    return made


REFUSED = {
    "task_annotations": "Bureau takes a task's options from its declaration; write them there",
    "task_cls": "use @app.task(base=…)",
    "task_default_rate_limit": "Bureau has no rate limit; give the tasks a queue and a worker with few threads",
    "task_inherit_parent_priority": "a task does not inherit a priority; pass priority=…",
    "task_remote_tracebacks": "tracebacks are on each attempt; see AsyncResult.traceback",
    "worker_pool_restarts": "restart the worker's process",
    "security_key": "Bureau signs no messages, because they carry only an id; leave it out",
}
NOT_NEEDED = (
    "accept_content",
    "beat_",
    "broker_",
    "cache_",
    "cassandra_",
    "control_",
    "couchbase_",
    "database_",
    "deduplicate_",
    "django_",
    "dynamodb_",
    "elasticsearch_",
    "enable_utc",
    "event_",
    "gcs_",
    "loader",
    "mongodb_",
    "override_backends",
    "redis_",
    "result_",
    "s3_",
    "security_",
    "task_acks_",
    "task_create_missing_",
    "task_default_delivery",
    "task_default_exchange",
    "task_default_routing_key",
    "task_protocol",
    "task_publish_",
    "task_queue_",
    "task_reject_on_worker_lost",
    "task_send_",
    "task_store_errors",
    "worker_",
)  # fmt: skip - prefixes of settings about a broker, a result backend, messages and the worker's command


def not_needed(conf: Settings) -> list[str]:
    """Returns the settings of an app for which Bureau has no use, for people to read."""
    honoured = {"beat_schedule"}
    return sorted(name for name in conf if name.startswith(NOT_NEEDED) and name not in honoured)
