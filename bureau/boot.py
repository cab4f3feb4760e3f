"""Assembles a worker process; it is the composition root: `dramatiq <module>` imports the module, which calls `boot`.

Nothing connects until Dramatiq boots its worker. By then the process has forked, so each process makes its own
connections.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dramatiq
import structlog
from dramatiq.broker import Broker
from dramatiq.middleware import CurrentMessage, Middleware
from dramatiq.worker import Worker

from bureau.contracts.schemas import announcement_errors
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.migrate import migrate
from bureau.messaging.broker import HintBroker, MemoryBroker, make_broker
from bureau.messaging.log_context import MessageContext
from bureau.messaging.relay import Relay
from bureau.metrics import outcomes
from bureau.metrics.messages import MessageMetrics
from bureau.observability import logs
from bureau.observability.startup import log_started
from bureau.process import malloc
from bureau.runtime.storage_check import SharedStorage
from bureau.runtime.worker_process import WorkerProcess
from bureau.service import Resources, ServicesFactory, made_by
from bureau.settings import PlatformSettings, SettingsError, WorkerSettings, load
from bureau.storage import Storage
from bureau.task_modules import import_task_modules, named_to_dramatiq

log = structlog.get_logger(__name__)


def boot(factory: ServicesFactory) -> Broker:
    """Returns the broker for Dramatiq's command. Exits with status 2 if the settings are invalid."""
    try:
        settings, working = load(PlatformSettings, WorkerSettings)
        settings.refuse_memory_broker("a worker process")
    except SettingsError as error:
        error.exit()
    logs.configure(settings)
    malloc.limit_arenas()
    # CurrentMessage comes first, so that the others can ask which message it is; MessageContext then adds it to logs.
    middleware = [CurrentMessage(), MessageContext(), MessageMetrics(), WorkerLife(settings, working, factory)]
    broker = make_broker(settings.broker_url.get_secret_value(), middleware)
    dramatiq.set_broker(broker)
    return broker


class WorkerLife(Middleware):
    """Starts and stops a `WorkerProcess` together with Dramatiq's worker."""

    def __init__(self, settings: PlatformSettings, working: WorkerSettings, factory: ServicesFactory) -> None:
        self._settings = settings
        self._working = working
        self._factory = factory
        self._db = Database(settings.database_url.get_secret_value(), job_ended=outcomes.job_ended)
        self._process: WorkerProcess | None = None
        self._shared: SharedStorage | None = None

    def after_process_boot(self, broker: Broker) -> None:  # noqa: ARG002 - Dramatiq's signature
        """Imports the modules on the command line before Dramatiq does, which only logs a traceback."""
        try:
            import_task_modules(named_to_dramatiq(), "dramatiq")
        except SettingsError as error:
            error.exit()

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        # Dramatiq logs errors of a middleware and continues, but a worker that cannot work must exit.
        try:
            self._boot(broker, worker)
        except SettingsError as error:
            error.exit()
        except Exception:
            log.exception("the worker cannot start")
            sys.exit(1)

    def _boot(self, broker: Broker, worker: Worker) -> None:
        assert isinstance(broker, HintBroker | MemoryBroker)  # noqa: S101 - made above
        storage = Storage.from_url(self._settings.storage_url.get_secret_value())
        self._shared = SharedStorage(self._db, storage)
        with exiting_at_sigterm():
            wait_for_ledger(self._db, threading.Event())
            self._shared.check()
        services = made_by(self._factory, Resources(self._db, storage))
        if errors := [error for service in services for error in announcement_errors(service.catalog)]:
            raise SettingsError(errors)  # the gateway would leave the service out of its catalog
        self._process = WorkerProcess(
            services,
            broker=broker,
            db=self._db,
            storage=storage,
            relay=Relay(self._db, broker),
            threads=worker.worker_threads,
            one_pool=True,
            concurrency=self._working.concurrency,
            grace_seconds=self._settings.grace_seconds,
            health_bind=self._settings.health_bind,
        )
        worker.queue_prefetch = self._process.prefetch  # tasks that this worker cannot run now are left to others
        self._process.start()
        self._shared.start()
        names = ", ".join(service.name for service in services)
        tasks = [task.name for service in services for task in service.tasks]
        log_started(names, self._settings, threads=worker.worker_threads, tasks=tasks)

    def before_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002 - Dramatiq's signature
        if self._process:
            self._process.close()

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:  # noqa: ARG002 - Dramatiq's signature
        if self._shared:
            self._shared.stop()
        if self._process:
            self._process.stop()
        self._db.close()


def wait_for_ledger(db: Database, stopping: threading.Event) -> bool:
    """Migrates the schema, and waits for the database as long as necessary. Returns False if it was stopped first."""
    warned = False
    while not stopping.is_set():
        try:
            migrate(db)
            return True
        except LedgerUnavailable as error:
            if not warned:
                log.warning("waiting for the database", database=repr(db), error=str(error))
                warned = True
            stopping.wait(0.5)
    return False


@contextmanager
def exiting_at_sigterm() -> Iterator[None]:
    """Lets a SIGTERM end the process at once during the block.

    Before the worker runs it has no tasks to hand back.
    """
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
