"""RabbitMQ's answers, waited for so long and no longer."""

from typing import Any

import pika.exceptions

ANSWER_SECONDS = 15.0


def bound_answers(connection: Any, seconds: float = ANSWER_SECONDS) -> None:
    """Breaks a pika connection off when an answer on it takes longer; what waited for it raises `StreamLostError`.

    pika itself waits for ever. A RabbitMQ that is just starting may take a `basic.consume` on a quorum queue, or the
    close of a channel that published to one, and never answer, while it answers heartbeats [seen with 3.10].
    """
    loop, wait = connection._impl.ioloop, connection._flush_output  # every wait of every channel goes through here

    def break_off() -> None:
        connection._impl._terminate_stream(pika.exceptions.StreamLostError(f"no answer within {seconds:g} s"))

    def bounded(*waiters: Any) -> None:
        timer = loop.call_later(seconds, break_off)
        try:
            wait(*waiters)
        finally:
            loop.remove_timeout(timer)

    connection._flush_output = bounded
