"""Runs all services in one process without servers: `bureau run`, for a laptop, demo or test.

It uses SQLite, files and an in-memory broker. A lock file prevents a second process. So tasks that are running when
this one starts belong to a dead process, and are requeued at once, without waiting for their leases to expire.
"""

import fcntl
import os
import random
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dramatiq
import structlog
from dramatiq.middleware import CurrentMessage
from prometheus_client import REGISTRY
from pydantic import SecretStr

from bureau.ledger.access import idempotency
from bureau.ledger.access.shared_secrets import CERTIFICATES, kept_secret
from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.ledger.dispatch import hints
from bureau.ledger.jobs import leases
from bureau.lifespans import LIFESPANS
from bureau.messaging.broker import MemoryBroker
from bureau.messaging.log_context import MessageContext
from bureau.messaging.queue_pools import PooledWorker
from bureau.messaging.relay import Relay
from bureau.metrics import exposition, outcomes
from bureau.metrics.messages import MessageMetrics
from bureau.metrics.survey import LedgerCollector
from bureau.runtime.worker_process import WorkerProcess
from bureau.service import Resources, Service, services_of
from bureau.services.certificates.issuer.links import CertificateLinks
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.service import certificates_service
from bureau.services.embedded.demo_shop import DemoShop
from bureau.services.embedded.settings import EmbeddedSettings
from bureau.services.gateway.app import create_app
from bureau.services.gateway.auth.exposure import refuse_without_keys
from bureau.services.gateway.serving.embedded_server import EmbeddedServer
from bureau.services.gateway.settings import GatewaySettings, key_list
from bureau.services.mailer.service import mailer_service
from bureau.services.reports.service import reports_service
from bureau.services.scheduler.scheduler import DUE_SECONDS, Scheduler
from bureau.services.scheduler.settings import SchedulerSettings
from bureau.settings import PlatformSettings, SettingsError, WorkerSettings, load, words
from bureau.signing.certificate_tokens import Signer
from bureau.storage import Storage
from bureau.task import DECLARED
from bureau.task_modules import import_task_modules, refuse_no_tasks

GRACE_SECONDS = 1.0  # with all that follows, Ctrl-C takes at most five seconds, even if a task does not respond

log = structlog.get_logger(__name__)


class AlreadyRunning(Exception):
    """Says that another embedded Bureau holds the lock; the message is its address."""


class Embedded:
    """Runs one Bureau in this process, at `url` after `start`."""

    def __init__(
        self,
        platform: PlatformSettings,
        gateway: GatewaySettings,
        scheduler: SchedulerSettings,
        embedded: EmbeddedSettings,
        working: WorkerSettings,
    ) -> None:
        """Builds all services and binds the port. Raises `SettingsError`, `AlreadyRunning`."""
        if not platform.broker_url.get_secret_value().startswith("memory://"):
            raise SettingsError(["BROKER_URL: the embedded process needs no broker; leave it unset, or use memory://"])
        schedules = scheduler.schedules()
        host, port = _address(gateway.bind)
        self.url = f"http://{gateway.bind}"
        self._stopping = threading.Event()
        self._lock = _lock(embedded.lock_file, self.url)
        self._db = Database(platform.database_url.get_secret_value(), job_ended=outcomes.job_ended)
        storage = Storage.from_url(platform.storage_url.get_secret_value())
        self._broker = MemoryBroker([CurrentMessage(), MessageContext(), MessageMetrics()])
        dramatiq.set_broker(self._broker)
        relay = Relay(self._db, self._broker, look_seconds=DUE_SECONDS)
        self._prepare_ledger()
        refuse_without_keys(gateway, self._db, [host])
        (issuer,) = load(IssuerSettings)
        key = issuer.issuer_signing_key.get_secret_value()
        self._process = WorkerProcess(
            _services(Resources(self._db, storage), embedded, _links(self._db, key, gateway.base_url)),
            broker=self._broker,
            db=self._db,
            storage=storage,
            relay=relay,
            threads=embedded.threads,
            concurrency=working.concurrency,
            grace_seconds=GRACE_SECONDS,
            supervised=False,
        )
        self._worker = PooledWorker(self._broker, threads=embedded.threads)
        self._worker.queue_prefetch = self._process.prefetch
        self._scheduler = Scheduler(
            self._db,
            storage,
            self._broker,
            relay,
            scheduler.keep,
            schedules=schedules,
            quota=scheduler.quota,
            limits=scheduler.limits,
            expires_leases=False,
        )
        self._survey = LedgerCollector(self._db)
        self._metrics = exposition.listen(gateway.metrics_bind) if gateway.metrics_bind else None
        app = create_app(_trusting_issuer(gateway, key), self._db, storage, relay, stopping=self._stopping)
        self._server = _server(host, port, gateway.web_threads, app)

    def start(self) -> None:
        self._process.start()
        self._worker.start()
        self._scheduler.start()
        if self._metrics:
            REGISTRY.register(self._survey)
            exposition.serve(self._metrics)
        threading.Thread(target=self._server.serve, name="http", daemon=True).start()

    def stop(self) -> None:
        """Stops within five seconds. Running tasks are handed back and continue at the next start."""
        self._stopping.set()  # waiting requests are answered now
        self._server.stop()
        self._process.close()
        self._worker.stop(timeout=int((GRACE_SECONDS + 1.5) * 1000))
        self._scheduler.stop()
        self._process.stop()
        if self._metrics:
            REGISTRY.unregister(self._survey)
        self._survey.close()
        self._db.close()
        self._lock.close()

    def _prepare_ledger(self) -> None:
        migrate(self._db)
        requeued = leases.take_back_all(self._db, lambda seconds: random.uniform(0, seconds))  # noqa: S311 - jitter
        hints.forget_all(self._db)
        idempotency.release_all(self._db)
        if requeued.tasks:
            log.info("requeued tasks of the previous run", tasks=requeued.tasks)


def _address(bind: str) -> tuple[str, int]:
    if bind.startswith("unix:"):
        raise SettingsError(["BIND: the embedded process listens on host:port, such as 127.0.0.1:8600"])
    parts = urlsplit(f"//{bind}")  # the settings have checked the form
    return parts.hostname or "", parts.port or 0


def _links(db: Database, key: str, base_url: str) -> CertificateLinks:
    """Returns the certificates' links. Without a configured key the ledger keeps one, where the gateway finds it."""
    return CertificateLinks(lambda: key or kept_secret(db, CERTIFICATES), base_url)


def _trusting_issuer(gateway: GatewaySettings, key: str) -> GatewaySettings:
    """Returns the gateway's settings with the public half of the issuer's key added."""
    public_keys = [*key_list(gateway.certificates_public_keys), *([Signer(key).public_key] if key else [])]
    return gateway.model_copy(update={"certificates_public_keys": SecretStr(" ".join(public_keys))})


def _services(resources: Resources, embedded: EmbeddedSettings, links: CertificateLinks) -> list[Service]:
    """Returns all services. No other process serves a queue here, so each of a user's tasks may use each of theirs."""
    shipped = [certificates_service(resources, links), reports_service(resources), mailer_service(resources)]
    modules = words(embedded.tasks)
    import_task_modules(modules, "TASKS")
    refuse_no_tasks(modules, DECLARED, "TASKS")
    queues = {task.queue for task in DECLARED.values()}.union(embedded.queue_names)
    return [*shipped, *services_of(DECLARED.values(), LIFESPANS, sorted(queues))]


def _lock(path: Path, url: str) -> Any:
    """Locks the lock file for the life of this process. Raises `AlreadyRunning` with the other process's address."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise AlreadyRunning(file.read().strip()) from None
    file.truncate(0)
    file.write(url)
    file.flush()
    return file


def _server(host: str, port: int, threads: int, app: Any) -> EmbeddedServer:
    """Returns a server that is bound but does not serve yet. Raises `SettingsError` if the port is taken."""
    server = EmbeddedServer((host, port), app, threads=threads, shutdown_timeout=2)
    try:
        server.prepare()
    except OSError as error:
        raise SettingsError(
            [f"BIND: {host}:{port} cannot be used ({error.strerror or error}); choose another one: BIND=127.0.0.1:8601"]
        ) from error
    return server


def build(shop: DemoShop | None = None) -> Embedded:
    """Builds Bureau from the environment; without SOURCE_DEMO_URL that source is the demo shop: `shop`, or a new one.

    Raises `SettingsError`, `AlreadyRunning`.
    """
    shop = shop or DemoShop()
    platform, gateway, scheduler, embedded, working = load(
        PlatformSettings, GatewaySettings, SchedulerSettings, EmbeddedSettings, WorkerSettings
    )
    os.environ["PUBLIC_URL"] = gateway.base_url  # for the links in mails and QR codes
    process = Embedded(platform, gateway, scheduler, embedded, working)
    os.environ.setdefault("BUREAU_URL", process.url)  # for tasks that submit jobs themselves
    shop.wait()
    return process
