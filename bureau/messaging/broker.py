"""Connects to RabbitMQ through Dramatiq. RabbitMQ only carries hints; the ledger decides.

It differs from Dramatiq's own broker in these points (docs/decisions.md says more):

* queues are durable and limited in length; there is no delay queue (`.DQ`) and no dead-letter queue (`.XQ`), because
  delays and failed tasks are rows; a hint that was rejected or dropped is published again from its row
* the virtual host sets the queue's type: classic by default; in a cluster set its default queue type to quorum
* publishing neither declares queues, nor waits for confirms, nor retries, because a lost hint only delays work
* prefetch equals what the worker can run at once, so that another worker can run what this one cannot run now
* hints of `async def` tasks never take a worker thread (`divert`)
* the consumer checks a message's shape, because an unknown queue or `options: null` would end a thread
"""

import time
from collections import defaultdict
from queue import Queue
from typing import Any, Literal, Protocol, cast
from uuid import UUID

import pika
import pika.exceptions
from dramatiq.broker import Consumer
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import BrokerError, ConnectionClosed
from dramatiq.message import Message
from dramatiq.middleware import Middleware

from bureau.messaging.consumer import Foretell, HintConsumer
from bureau.messaging.diverting import DivertingConsumer, Take
from bureau.messaging.stale_hints import StaleHints
from bureau.metrics import relay as metrics
from bureau.secrets.redaction import scrub_cut

MAX_QUEUE_LENGTH = 100_000  # further hints are dropped, and published again from their rows
QUEUE_ARGUMENTS = {"x-max-length": MAX_QUEUE_LENGTH, "x-overflow": "drop-head"}
HEARTBEAT_SECONDS = 30
STUCK_SECONDS = 60.0  # a consumer polls once a second; connecting takes 15 s at most


class QueueMismatch(Exception):
    """Says that the queue exists in RabbitMQ with other arguments; delete it there, its hints are published again."""


_connection: Any = RabbitmqBroker.connection  # Dramatiq's own property, which `HintBroker` wraps


class BrokerBlocked(BrokerError):
    """Says that RabbitMQ accepts no messages now, because a memory or disk alarm is on."""

    def __init__(self) -> None:
        super().__init__(  # type: ignore[no-untyped-call]  # Dramatiq's
            "RabbitMQ blocks publishers: a memory or disk alarm is on (rabbitmqctl status says which)"
        )


def make_broker(url: str, middleware: list[Middleware]) -> "HintBroker | MemoryBroker":
    """Returns the broker for `amqp://…` or `memory://`. It connects on first use."""
    if url.startswith("memory://"):
        return MemoryBroker(middleware)
    return HintBroker(url, middleware)


def hint(queue: str, run: str, task_id: UUID) -> Message[Any]:
    """Builds the message that wakes a worker: it holds the task's id and nothing else."""
    return Message(queue_name=queue, actor_name=run, args=(str(task_id),), kwargs={}, options={})


BrokerKind = Literal["amqp", "memory"]


class HintPublisher(Protocol):
    """Defines what the relay and the scheduler need of a broker, each in its own thread."""

    @property
    def kind(self) -> BrokerKind: ...
    def enqueue(self, message: Message[Any]) -> Message[Any]: ...
    def ensure_open(self) -> None: ...
    def depth(self, queue_name: str) -> int | None: ...
    def close_thread(self) -> None: ...


class MemoryBroker(StubBroker):
    """Adapts Dramatiq's StubBroker, without delay queues: the default of the embedded mode, which is one process."""

    kind: BrokerKind = "memory"

    def __init__(self, middleware: list[Middleware]) -> None:
        super().__init__(middleware)
        self._diverted: defaultdict[str, dict[str, Take]] = defaultdict(dict)  # by queue and actor

    def divert(self, queue_name: str, actor_name: str, take: Take) -> None:
        """Hands the queue's hints of this actor to `take`, in the consumer's thread, and not to a worker thread."""
        self._diverted[queue_name][actor_name] = take

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 100) -> Consumer:
        return DivertingConsumer(super().consume(queue_name, prefetch, timeout), self._diverted[queue_name])

    def declare_queue(self, queue_name: str) -> None:
        if queue_name in self.queues:
            return
        self.emit_before("declare_queue", queue_name)
        self.queues[queue_name] = Queue()
        self.emit_after("declare_queue", queue_name)

    def depth(self, queue_name: str) -> int | None:
        """Returns the number of messages waiting in the queue; None if there is no such queue."""
        queue = self.queues.get(queue_name)
        return None if queue is None else queue.qsize()

    def prepare(self, queue_name: str) -> None:
        """Does nothing: the queue was made with its first actor."""

    def unhealthy_reason(self) -> str | None:
        """Returns None: nothing of it can fail alone."""
        return None

    def watch(self, queue_name: str, stale: StaleHints) -> None:
        """Does nothing: nobody outside the process writes messages."""

    def stale_hints(self, queue_name: str) -> StaleHints | None:
        """Returns None: nothing is watched."""

    def foretell(self, queue_name: str, claimer: Foretell) -> None:
        """Does nothing: SQLite has one writer, and a process with it few tasks at once."""

    def ensure_open(self) -> None:
        """Does nothing: there is no connection to open."""

    def close_thread(self) -> None:
        """Does nothing: there is no connection to close."""


class HintBroker(RabbitmqBroker):
    """Publishes and consumes hints. A pika connection belongs to one thread, so each thread has its own."""

    kind: BrokerKind = "amqp"

    def __init__(self, url: str, middleware: list[Middleware]) -> None:
        super().__init__(url=url, middleware=middleware)
        self._turned_at: dict[str, float] = {}
        self._diverted: defaultdict[str, dict[str, Take]] = defaultdict(dict)  # by queue and actor
        self._stale: dict[str, StaleHints] = {}
        self._claimers: dict[str, Foretell] = {}
        for parameters in self.parameters if isinstance(self.parameters, list) else [self.parameters]:
            parameters.heartbeat = HEARTBEAT_SECONDS
            parameters.socket_timeout = 5
            parameters.stack_timeout = 10

    @property
    def consumer_class(self) -> type["HintConsumer"]:
        return HintConsumer

    @property
    def connection(self) -> Any:
        """Returns this thread's connection, which notes when RabbitMQ blocks publishers (a memory or disk alarm)."""
        connection = getattr(self.state, "connection", None)
        if connection is None:
            connection = _connection.fget(self)
            if getattr(self.state, "connected", False):
                metrics.RECONNECTS.inc()
            self.state.connected, self.state.blocked = True, False
            connection.add_on_connection_blocked_callback(lambda *_: setattr(self.state, "blocked", True))
            connection.add_on_connection_unblocked_callback(lambda *_: setattr(self.state, "blocked", False))
        return connection

    @connection.deleter
    def connection(self) -> None:
        _connection.fdel(self)

    def prepare(self, queue_name: str) -> None:
        """Declares the queue before its worker is announced.

        Relays publish after the announcement, and RabbitMQ silently drops messages for a queue that does not exist yet
        or is being declared. If the declaration fails, the consumer meets the same error and reports it; dropped hints
        are published again from their rows.
        """
        try:
            self.declare_queue(queue_name, ensure=True)
        except (ConnectionClosed, QueueMismatch) as error:
            self.logger.warning("The queue %r could not be declared yet: %s", queue_name, error)
        finally:
            self.close_thread()

    def watch(self, queue_name: str, stale: StaleHints) -> None:
        """Lets the queue's consumer drop stale hints while there are many of them."""
        self._stale[queue_name] = stale

    def stale_hints(self, queue_name: str) -> StaleHints | None:
        return self._stale.get(queue_name)

    def foretell(self, queue_name: str, claimer: Foretell) -> None:
        """Lets the queue's consumer tell which hints have arrived, so that one transaction claims them all."""
        self._claimers[queue_name] = claimer

    def claimer(self, queue_name: str) -> Foretell | None:
        return self._claimers.get(queue_name)

    def unhealthy_reason(self) -> str | None:
        """Returns why a consumer of this process is not alive; None while all poll, connected or reconnecting."""
        for queue, turned_at in self._turned_at.items():
            idle = time.monotonic() - turned_at
            if idle > STUCK_SECONDS:
                return f"the consumer of {queue} has not responded for {idle:.0f} s"
        return None

    def divert(self, queue_name: str, actor_name: str, take: Take) -> None:
        """Hands the queue's hints of this actor to `take`, in the consumer's thread, and not to a worker thread."""
        self._diverted[queue_name][actor_name] = take

    def turned(self, queue_name: str) -> None:
        """Notes that a consumer polled for messages."""
        self._turned_at[queue_name] = time.monotonic()

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        self.turned(queue_name)
        self.queues_pending.add(queue_name)  # declared again with each consumer: RabbitMQ may be a new, empty one
        return DivertingConsumer(super().consume(queue_name, prefetch, timeout), self._diverted[queue_name])

    def declare_queue(self, queue_name: str, *, ensure: bool = False) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.queues_pending.add(queue_name)
            self.emit_after("declare_queue", queue_name)
        if ensure:
            self._ensure_queue(queue_name)

    def _ensure_queue(self, canonical_queue_name: str) -> None:
        if canonical_queue_name not in self.queues_pending:
            return
        try:
            self.channel.queue_declare(queue=canonical_queue_name, durable=True, arguments=QUEUE_ARGUMENTS)
        except pika.exceptions.ChannelClosedByBroker as error:
            del self.connection
            if error.reply_code == 406:  # PRECONDITION_FAILED
                raise QueueMismatch(
                    f"Queue {canonical_queue_name!r} exists in RabbitMQ with other arguments than {QUEUE_ARGUMENTS}. "
                    f"Delete it (rabbitmqctl delete_queue {canonical_queue_name}): its hints are published again."
                ) from error
            raise self.closed(error) from None
        except (pika.exceptions.AMQPError, OSError) as error:
            del self.connection
            raise self.closed(error) from None
        self.queues_pending.discard(canonical_queue_name)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Publishes once, without a confirm. Raises `ConnectionClosed`; the caller knows what was not published."""
        if delay is not None:
            raise ValueError("delays are rows in the ledger: due_at")
        self.emit_before("enqueue", message, delay)
        try:
            self.channel.basic_publish(
                exchange="",
                routing_key=message.queue_name,
                body=message.encode(),
                properties=pika.BasicProperties(delivery_mode=2),
            )
        except (pika.exceptions.AMQPError, OSError) as error:
            del self.connection
            raise self.closed(error) from None
        self.emit_after("enqueue", message, delay)
        return message

    def ensure_open(self) -> None:
        """Opens this thread's channel if it is not open, and answers heartbeats.

        Raises `ConnectionClosed`, or `BrokerBlocked` while an alarm is on, when published messages would only wait.
        """
        try:
            if not self.channel.is_open:
                del self.connection
            self.connection.process_data_events(0)
            _ = self.channel
            if self.state.blocked:
                raise BrokerBlocked
        except (pika.exceptions.AMQPError, OSError) as error:
            del self.connection
            raise self.closed(error) from None

    def closed(self, error: BaseException) -> ConnectionClosed:
        """Returns the error that says which RabbitMQ it is, and what pika or the server said."""
        all_parameters = self.parameters if isinstance(self.parameters, list) else [self.parameters]
        servers = ", ".join(f"{one.host}:{one.port}" for one in all_parameters)
        return ConnectionClosed(scrub_cut(f"RabbitMQ at {servers}: {error!r}", 300))

    def close_thread(self) -> None:
        """Closes this thread's connection, which no other thread may do."""
        del self.connection

    def depth(self, queue_name: str) -> int | None:
        """Returns the number of messages waiting in the queue; None if it does not exist. Raises `ConnectionClosed`."""
        try:
            declared = self.channel.queue_declare(queue=queue_name, passive=True)
        except pika.exceptions.ChannelClosedByBroker:
            del self.channel
            return None
        except (pika.exceptions.AMQPError, OSError) as error:
            del self.connection
            raise self.closed(error) from None
        return cast(int, declared.method.message_count)
