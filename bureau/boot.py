"""The composition root of a worker process: `dramatiq <module>` imports the module, which calls `boot`.

Nothing connects until Dramatiq boots its worker: then the process has forked, and its own connections are made.
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
from bureau.observability.startup import say_started
from bureau.runtime.storage_check import SharedStorage
from bureau.runtime.worker_process import WorkerProcess
from bureau.service import Resources, ServiceFactory, refuse_shipped_names
from bureau.settings import PlatformSettings, SettingsError, load
from bureau.storage import Storage

log = structlog.get_logger(__name__)


def boot(factory: ServiceFactory) -> Broker:
    """The broker for Dramatiq's command to run. Leaves with status 2 where the settings are wrong."""
    try:
        (settings,) = load(PlatformSettings)
        settings.refuse_memory_broker("a worker process")
    except SettingsError as error:
        error.exit()
    logs.configure(settings)
    # Order: CurrentMessage first, so that all others may ask which message it is; what they log names it next.
    middleware = [CurrentMessage(), MessageContext(), MessageMetrics(), WorkerLife(settings, factory)]
    broker = make_broker(settings.broker_url.get_secret_value(), middleware)
    dramatiq.set_broker(broker)
    return broker


class WorkerLife(Middleware):
    """Ties the life of a `WorkerProcess` to that of Dramatiq's worker."""

    def __init__(self, settings: PlatformSettings, factory: ServiceFactory) -> None:
        self._settings = settings
        self._factory = factory
        self._db = Database(settings.database_url.get_secret_value(), job_ended=outcomes.job_ended)
        self._process: WorkerProcess | None = None
        self._shared: SharedStorage | None = None

    def before_worker_boot(self, broker: Broker, worker: Worker) -> None:
        # Dramatiq logs what a middleware raises and carries on: a worker that cannot work must leave instead.
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
        with leaving_at_sigterm():
            wait_for_ledger(self._db, threading.Event())
            self._shared.check()
        worker.queue_prefetch = worker.worker_threads  # what this worker cannot run now, another can
        service = self._factory(Resources(self._db, storage))
        if not self._factory.__module__.startswith("bureau.services."):
            refuse_shipped_names([service.name])
        if errors := announcement_errors(service.catalog):
            raise SettingsError(errors)  # the gateway would leave it out of its catalog
        self._process = WorkerProcess(
            [service],
            broker=broker,
            db=self._db,
            storage=storage,
            relay=Relay(self._db, broker),
            threads=worker.worker_threads,
            grace_seconds=self._settings.grace_seconds,
            health_bind=self._settings.health_bind,
        )
        self._process.start()
        self._shared.start()
        say_started(service.name, self._settings, threads=worker.worker_threads, tasks=[t.name for t in service.tasks])

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
    """Brings the schema up to date, however long the database takes to answer; False where it was stopped meanwhile."""
    said = False
    while not stopping.is_set():
        try:
            migrate(db)
            return True
        except LedgerUnavailable as error:
            if not said:
                log.warning("waiting for the database", database=repr(db), error=str(error))
                said = True
            stopping.wait(0.5)
    return False


@contextmanager
def leaving_at_sigterm() -> Iterator[None]:
    """Until the worker runs there is nothing to hand back: a SIGTERM ends the process at once."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
