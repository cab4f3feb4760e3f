"""Adds the task to all log lines written while its message is processed, those of Dramatiq and pika included."""

import structlog
from dramatiq.broker import Broker, MessageProxy
from dramatiq.middleware import Middleware

_NAMES = ("task_id", "run")


class MessageContext(Middleware):
    """Binds the hint's task to the worker's thread; the runner adds the job and the claim after claiming."""

    def before_process_message(self, broker: Broker, message: MessageProxy) -> None:  # noqa: ARG002 - Dramatiq's
        structlog.contextvars.bind_contextvars(task_id=message.args[0], run=message.actor_name)

    def after_process_message(
        self,
        broker: Broker,  # noqa: ARG002
        message: MessageProxy,  # noqa: ARG002
        *,
        result: object = None,  # noqa: ARG002
        exception: BaseException | None = None,  # noqa: ARG002
    ) -> None:
        structlog.contextvars.unbind_contextvars(*_NAMES)

    def after_skip_message(self, broker: Broker, message: MessageProxy) -> None:  # noqa: ARG002 - Dramatiq's
        structlog.contextvars.unbind_contextvars(*_NAMES)
