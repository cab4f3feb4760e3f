"""Assembles a worker process: the runners of its services, the heartbeat, the reporter and the relay."""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

import dramatiq
from dramatiq.middleware import CurrentMessage

from bureau.ledger.db.database import Database
from bureau.ledger.dispatch.workers import NewWorker
from bureau.messaging.broker import HintBroker, MemoryBroker
from bureau.messaging.relay import Relay
from bureau.process.hooks import HOOKS
from bureau.runtime.claiming import stale_hints
from bureau.runtime.coroutines.blocked_loop import BlockedLoopWatch
from bureau.runtime.coroutines.event_loop import EventLoop
from bureau.runtime.coroutines.lifespans import Lifespans
from bureau.runtime.coroutines.runner import CoroutineRunner
from bureau.runtime.health import HealthChecks
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.pace import Pace
from bureau.runtime.reporter import Reporter, ServedQueue
from bureau.runtime.runner import Runner
from bureau.service import Service
from bureau.stop_token import StopReason
from bureau.storage import Storage
from bureau.version import version

Serve = Callable[[UUID], object]
"""Runs the task of this id on the queue that its hint came from."""

LEASE_TIMEOUT_SECONDS = 5.0
DEAF_SECONDS = 5.0  # between asking a task to stop and exiting without it
HAND_BACK_SECONDS = 2.0  # of these, for the tasks on the event loop
EXIT_DEAF = 70


class WorkerProcess:
    """Runs the services of one process: `start`, then Dramatiq's worker calls the actors; `close`, then `stop`."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        broker: HintBroker | MemoryBroker,
        db: Database,
        storage: Storage,
        relay: Relay,
        threads: int,
        one_pool: bool = False,
        concurrency: int = 1,
        grace_seconds: float,
        health_bind: str = "",
        supervised: bool = True,
    ) -> None:
        """Assembles the process. It runs at most `threads` tasks of each service, and `concurrency` of its async tasks.

        `one_pool`: the services share the threads, as in Dramatiq's worker.
        `supervised`: it is restarted from outside, so it may exit when it is not alive.
        """
        self._services = services
        self._broker = broker
        self._supervised = supervised
        self._grace_seconds = grace_seconds
        self._relay = relay
        self._timers: list[threading.Timer] = []
        self._closed_at = time.monotonic()
        self.prefetch = 1  # how many hints a queue's consumer may hold
        self._lease_db = db.with_timeout(LEASE_TIMEOUT_SECONDS)
        self._heartbeat = Heartbeat(self._lease_db, grace_seconds=grace_seconds)
        self._loop = EventLoop(threads)
        self._pool = Pace(threads, _nothing_waits) if one_pool and len(services) > 1 else None
        self._id = _process_id()  # the rows of all queues end with it
        self._serving: dict[str, dict[str, Serve]] = {}  # by task and queue
        self._runners: list[Runner] = []
        self._coroutines: list[CoroutineRunner] = []
        served = [self._serve(service, db, storage, threads, concurrency) for service in services]
        self._lifespans = Lifespans([one for service in services for one in service.lifespans], self._loop)
        self._loop_watch = BlockedLoopWatch(self._loop)
        self._reporter = Reporter(self._lease_db, self._heartbeat, served)
        loops = {
            "relay": relay.unhealthy_reason,
            "heartbeat": self._heartbeat.unhealthy_reason,
            "reporter": self._reporter.unhealthy_reason,
            "event loop": self._loop_watch.unhealthy_reason,
            **{f"ends of {runner.queue}": runner.unhealthy_reason for runner in self._runners},
            **{f"coroutines of {runner.queue}": runner.unhealthy_reason for runner in self._coroutines},
        }
        self._health = HealthChecks(
            {"consumer": broker.unhealthy_reason, "tasks": self._heartbeat.unresponsive_task, **loops}, health_bind
        )

    def _serve(self, service: Service, db: Database, storage: Storage, threads: int, concurrency: int) -> ServedQueue:
        """Makes the runners of a service: one for its tasks on threads, one for those on the event loop."""
        worker_id = f"{service.name}-{self._id}"
        paces: list[Pace] = []
        stale = stale_hints(db, service.name)
        self._broker.watch(service.name, stale)
        if on_threads := {task.name: task for task in service.tasks if not task.is_async}:
            runner = Runner(
                service.name,
                worker_id,
                on_threads,
                db=db,
                storage=storage,
                heartbeat=self._heartbeat,
                relay=self._relay,
                threads=threads,
                pool=self._pool,
                stale=stale,
            )
            self._runners.append(runner)
            if self._pool is None:  # else threads that are free now may take the hints of another queue
                self._broker.foretell(service.name, runner.foretell)
            paces.append(runner.pace)
            for name in on_threads:
                self._declare(service.name, name, partial(runner.serve, name))
        if on_loop := {task.name: task for task in service.tasks if task.is_async}:
            coroutines = CoroutineRunner(
                service.name,
                worker_id,
                on_loop,
                db=db,
                storage=storage,
                heartbeat=self._heartbeat,
                relay=self._relay,
                loop=self._loop,
                concurrency=concurrency,
                stale=stale,
            )
            self._coroutines.append(coroutines)
            paces.append(coroutines.pace)
            for name in on_loop:
                self._declare(service.name, name, partial(coroutines.take, name))
                self._broker.divert(service.name, name, partial(coroutines.take, name))
        capacity = sum(pace.capacity for pace in paces)
        self.prefetch = max(self.prefetch, capacity)
        return ServedQueue(_worker(service, worker_id, capacity), paces, service.trouble)

    def _declare(self, queue: str, name: str, serve: Serve) -> None:
        """Declares a Dramatiq actor with the task's name, so that Dramatiq's logs and metrics use task names.

        A task may be served on several queues; its actor then asks which queue its message came from.
        """
        if (on := self._serving.get(name)) is not None:
            on[queue] = serve
            self._broker.declare_queue(queue)
            return
        on = self._serving[name] = {queue: serve}

        def execute(task_id: str) -> None:
            if chosen := _serving_this_message(on):
                chosen(UUID(task_id))

        dramatiq.Actor(execute, broker=self._broker, actor_name=name, queue_name=queue, priority=0, options={})

    @property
    def heartbeat(self) -> Heartbeat:
        return self._heartbeat

    def start(self) -> None:
        """Calls hooks, begins the lifespans, announces the services and starts the loops. Raises `LifespanFailed`."""
        HOOKS.call("process_started")
        if self._coroutines or self._lifespans:
            self._loop.start()
            self._loop_watch.start()
            variables = self._lifespans.begin()
            for coroutines in self._coroutines:
                coroutines.start(variables)
        for service in self._services:
            self._broker.prepare(service.name)
        self._reporter.register()
        self._heartbeat.start()
        for runner in self._runners:
            runner.start()
        self._reporter.start()
        self._relay.start()
        self._relay.wake()
        if self._supervised:
            self._health.start()

    def close(self) -> None:
        """Takes no new work; tasks that still run after the grace are asked to stop, and handed back.

        A task that does not react to that ends with the process: its lease expires, and it is tried again.
        """
        for runner in self._runners:
            runner.close()
        for coroutines in self._coroutines:
            coroutines.close()
        self._closed_at = time.monotonic()
        self._after(self._grace_seconds, self._heartbeat.stop_all, StopReason.SHUTDOWN)
        self._after(self._grace_seconds + DEAF_SECONDS, os._exit, EXIT_DEAF)

    def _after(self, seconds: float, act: Callable[..., object], *arguments: object) -> None:
        timer = threading.Timer(seconds, act, arguments)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def stop(self) -> None:
        """Marks the workers as stopped and ends the loops, after the last task has ended.

        Dramatiq has waited for the tasks on its threads; those on the event loop are waited for here.
        """
        deadline = self._closed_at + self._grace_seconds + HAND_BACK_SECONDS
        ended = [coroutines.join(deadline - time.monotonic()) for coroutines in self._coroutines]
        ended += [runner.stop(deadline - time.monotonic()) for runner in self._runners]
        self._health.stop()
        self._relay.stop()
        for coroutines in self._coroutines:
            coroutines.stop()
        HOOKS.call("process_stopping")
        self._lifespans.end()
        self._loop_watch.stop()
        self._loop.stop()
        self._heartbeat.stop()
        self._reporter.stop()
        for service in self._services:
            service.close()
        self._lease_db.close()
        if all(ended):  # else the last timer ends the process, which would wait for the threads of deaf tasks
            for timer in self._timers:
                timer.cancel()


def _serving_this_message(on: Mapping[str, Serve]) -> Serve | None:
    """Returns what serves the current message, by its queue; None if it came from a queue that has no such task."""
    if len(on) == 1:
        return next(iter(on.values()))  # the claim checks the queue
    message = CurrentMessage.get_current_message()
    return on.get(message.queue_name) if message else None


def _nothing_waits() -> None:
    """Does nothing: the paces of the queues wake the relay, and that of their common threads need not."""


def _process_id() -> str:
    return f"{socket.gethostname()[:50]}-{secrets.token_hex(4)}"


def _worker(service: Service, worker_id: str, threads: int) -> NewWorker:
    return NewWorker(
        id=worker_id,
        service=service.name,
        queue=service.name,
        version=version(),
        host=socket.gethostname(),
        pid=os.getpid(),
        threads=threads,
        catalog=service.catalog,
    )
