"""What is logged while a message is worked on names its task, by Dramatiq and pika too."""

import structlog
from dramatiq.broker import Broker, MessageProxy
from dramatiq.middleware import Middleware

_NAMES = ("task_id", "run")


class MessageContext(Middleware):
    """Binds the hint's task to the worker's thread; the runner adds job and claim once it has claimed."""

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
