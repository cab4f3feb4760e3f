"""Assembles a worker process: the runners of its services, the heartbeat, the reporter and the relay."""

import os
import secrets
import socket
import threading
from collections.abc import Callable, Sequence
from uuid import UUID

import dramatiq

from bureau.ledger.db.database import Database
from bureau.ledger.dispatch.workers import NewWorker
from bureau.messaging.broker import HintBroker, MemoryBroker
from bureau.messaging.relay import Relay
from bureau.runtime.health import Health
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.reporter import Reporter, Served
from bureau.runtime.runner import Runner
from bureau.service import Service
from bureau.stop_token import StopReason
from bureau.storage import Storage
from bureau.version import version

LEASE_TIMEOUT_SECONDS = 5.0
DEAF_SECONDS = 5.0  # between asking a task to stop and exiting without it
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
        grace_seconds: float,
        health_bind: str = "",
        supervised: bool = True,
    ) -> None:
        """Assembles the process. `supervised`: it is restarted from outside, so it may exit when it is not alive."""
        self._services = services
        self._broker = broker
        self._supervised = supervised
        self._grace_seconds = grace_seconds
        self._relay = relay
        self._timers: list[threading.Timer] = []
        self._lease_db = db.with_timeout(LEASE_TIMEOUT_SECONDS)
        self._heartbeat = Heartbeat(self._lease_db, grace_seconds=grace_seconds)
        served = []
        self._runners: list[Runner] = []
        for service in services:
            worker = _worker(service, threads)
            tasks = {task.name: task for task in service.tasks}
            runner = Runner(
                service.name,
                worker.id,
                tasks,
                db=db,
                storage=storage,
                heartbeat=self._heartbeat,
                relay=relay,
                threads=threads,
            )
            served.append(Served(worker, [runner.pace], service.trouble))
            self._runners.append(runner)
            for name in tasks:
                _declare(broker, runner, name)
        self._reporter = Reporter(self._lease_db, self._heartbeat, served)
        loops = {
            "relay": relay.unhealthy_reason,
            "heartbeat": self._heartbeat.unhealthy_reason,
            "reporter": self._reporter.unhealthy_reason,
        }
        self._health = Health(
            {"consumer": broker.unhealthy_reason, "tasks": self._heartbeat.unresponsive_task, **loops}, health_bind
        )

    @property
    def heartbeat(self) -> Heartbeat:
        return self._heartbeat

    def start(self) -> None:
        """Announces the services and starts the loops."""
        for runner in self._runners:
            self._broker.prepare(runner.queue)
        self._reporter.register()
        self._heartbeat.start()
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
        self._after(self._grace_seconds, self._heartbeat.stop_all, StopReason.SHUTDOWN)
        self._after(self._grace_seconds + DEAF_SECONDS, os._exit, EXIT_DEAF)

    def _after(self, seconds: float, act: Callable[..., object], *arguments: object) -> None:
        timer = threading.Timer(seconds, act, arguments)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def stop(self) -> None:
        """Marks the workers as stopped and ends the loops, after the last task has ended."""
        self._health.stop()
        self._relay.stop()
        self._heartbeat.stop()
        self._reporter.stop()
        for service in self._services:
            service.close()
        self._lease_db.close()
        for timer in self._timers:
            timer.cancel()


def _declare(broker: HintBroker | MemoryBroker, runner: Runner, name: str) -> None:
    """Declares a Dramatiq actor with the task's name, so that Dramatiq's logs and metrics use task names."""

    def execute(task_id: str) -> None:
        runner.serve(name, UUID(task_id))

    dramatiq.Actor(execute, broker=broker, actor_name=name, queue_name=runner.queue, priority=0, options={})


def _worker(service: Service, threads: int) -> NewWorker:
    host = socket.gethostname()
    return NewWorker(
        id=f"{service.name}-{host[:60]}-{secrets.token_hex(4)}",
        service=service.name,
        queue=service.name,
        version=version(),
        host=host,
        pid=os.getpid(),
        threads=threads,
        catalog=service.catalog,
    )
