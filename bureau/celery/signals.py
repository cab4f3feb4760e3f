"""Defines Celery's signals that Bureau sends. A receiver of any other is refused, since it would never be called."""

import weakref
from collections.abc import Callable
from typing import Any

import structlog

from bureau.celery.exceptions import NotInBureau

log = structlog.get_logger(__name__)


class Signal:
    """Calls its receivers in the order in which they were connected. What a receiver raises is logged."""

    def __init__(self, name: str, providing_args: Any = ()) -> None:
        self.name = name
        self.providing_args = set(providing_args)
        self._receivers: list[tuple[Any, Any, Callable[[], Any]]] = []  # key, sender, a reference to the receiver

    @property
    def receivers(self) -> list[Any]:
        return [found for _, _, reference in self._receivers if (found := reference()) is not None]

    def connect(self, *args: Any, sender: Any = None, weak: bool = True, dispatch_uid: Any = None, **_: Any) -> Any:
        """Connects a receiver. It is a decorator too, with and without arguments."""

        def connect(receiver: Any) -> Any:
            key = (dispatch_uid or id(receiver), None if sender is None else id(sender))
            if all(key != known for known, _, _ in self._receivers):
                self._receivers.append((key, sender, _reference(receiver, weak)))
            return receiver

        return connect(args[0]) if args and callable(args[0]) else connect

    def disconnect(self, receiver: Any = None, sender: Any = None, dispatch_uid: Any = None, **_: Any) -> bool:
        """Removes a receiver, and returns whether there was one."""
        key = (dispatch_uid or id(receiver), None if sender is None else id(sender))
        before = len(self._receivers)
        self._receivers = [one for one in self._receivers if one[0] != key]
        return len(self._receivers) < before

    def has_listeners(self, sender: Any = None) -> bool:
        return any(wanted is None or wanted == sender for _, wanted, _ in self._receivers)

    def send(self, sender: Any, **named: Any) -> list[tuple[Any, Any]]:
        """Calls the receivers, and returns what each returned or raised."""
        responses = []
        for _, wanted, reference in list(self._receivers):
            receiver = reference()
            if receiver is None or (wanted is not None and wanted != sender):
                continue
            try:
                responses.append((receiver, receiver(signal=self, sender=sender, **named)))
            except Exception as error:
                log.exception("a receiver of a signal raised", signal=self.name, receiver=repr(receiver))
                responses.append((receiver, error))
        return responses

    send_robust = send

    def __repr__(self) -> str:
        return f"<Signal: {self.name}>"


class NeverSent(Signal):
    """Refuses receivers, because Bureau has nothing of which this signal tells."""

    def connect(self, *_args: Any, **_: Any) -> Any:
        raise NotInBureau(f"the signal {self.name} is never sent: {NEVER_SENT[self.name]}")


def _reference(receiver: Any, weak: bool) -> Callable[[], Any]:
    if not weak:
        return lambda: receiver
    return weakref.WeakMethod(receiver) if hasattr(receiver, "__self__") else weakref.ref(receiver)


before_task_publish = Signal("before_task_publish")
after_task_publish = Signal("after_task_publish")
task_prerun = Signal("task_prerun")
task_postrun = Signal("task_postrun")
task_success = Signal("task_success")
task_retry = Signal("task_retry")
task_failure = Signal("task_failure")
task_revoked = Signal("task_revoked")
worker_init = Signal("worker_init")
worker_process_init = Signal("worker_process_init")
worker_ready = Signal("worker_ready")
worker_shutting_down = Signal("worker_shutting_down")
worker_process_shutdown = Signal("worker_process_shutdown")
worker_shutdown = Signal("worker_shutdown")
setup_logging = Signal("setup_logging")
after_setup_logger = Signal("after_setup_logger")
after_setup_task_logger = Signal("after_setup_task_logger")

_MESSAGES = "messages are only hints in Bureau; use task_prerun"
_COMMAND = "there is no celery command; put it where the app is made"
_BEAT = "Bureau's scheduler keeps the schedules; see docs/schedules.md"
_GREEN = "Bureau runs async def tasks on an event loop, and has no eventlet pool"
NEVER_SENT = {
    "task_received": _MESSAGES,
    "task_rejected": _MESSAGES,
    "task_unknown": "the gateway refuses a task that no worker has announced, when it is submitted",
    "task_internal_error": "see the worker's log",
    "task_sent": "it is deprecated in Celery; use after_task_publish",
    "celeryd_init": _COMMAND,
    "celeryd_after_setup": _COMMAND,
    "import_modules": _COMMAND,
    "user_preload_options": _COMMAND,
    "worker_before_create_process": "it is the prefork pool's; use worker_process_init",
    "heartbeat_sent": "see GET /v1/workers",
    "beat_init": _BEAT,
    "beat_embedded_init": _BEAT,
    "eventlet_pool_started": _GREEN,
    "eventlet_pool_preshutdown": _GREEN,
    "eventlet_pool_postshutdown": _GREEN,
    "eventlet_pool_apply": _GREEN,
}


def __getattr__(name: str) -> Signal:
    if name in NEVER_SENT:
        return NeverSent(name)
    raise AttributeError(f"Celery's signals have no {name}")
