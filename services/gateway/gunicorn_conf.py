"""Configures gunicorn from the gateway's settings: BIND, WEB_CONCURRENCY, WEB_THREADS, GRACE_SECONDS.

Without keys the gateway listens on loopback only: BIND, or the address that the command line put in its place, is
checked before a socket is opened.
"""

import signal
from types import FrameType
from typing import Any

from bureau.process.gc_pause import collector_paused

with collector_paused():
    from bureau.ledger.db.database import Database
    from bureau.metrics.forked import ForkedMetrics
    from bureau.observability.startup import log_started
    from bureau.services.gateway.auth.exposure import refuse_without_keys
    from bureau.services.gateway.serving.arrivals import CONNECTIONS
    from bureau.services.gateway.settings import GatewaySettings
    from bureau.settings import PlatformSettings, SettingsError, load

try:
    _platform, _settings = load(PlatformSettings, GatewaySettings)
    _platform.refuse_memory_broker("a gateway")
except SettingsError as error:
    error.exit()

bind = _settings.bind
logger_class = "bureau.observability.gunicorn_records.Records"
worker_class = "bureau.services.gateway.draining.DrainingWorker"
workers = _settings.web_concurrency
threads = _settings.web_threads
# More than wait for requests at most, so that a new connection is always accepted, and another one is closed for it.
worker_connections = CONNECTIONS + threads + 100
timeout = 120  # a worker whose main loop is silent for this long is replaced; slow requests do not count
graceful_timeout = int(_platform.grace_seconds)
keepalive = 75  # longer than a proxy's usual 60 s, so that the proxy, not the gateway, closes idle connections
limit_request_fields = 100
limit_request_field_size = 8190
control_socket_disable = True  # it would be in the home directory, which a container does not have

_metrics = ForkedMetrics.at(_settings.metrics_bind) if _settings.metrics_bind else None


def on_starting(server: Any) -> None:
    """Refuses to start on addresses that need a key while there is none.

    Its database connections are closed before the workers are forked.
    """
    hosts = [address[0] for address in server.cfg.address if isinstance(address, tuple)]
    db = Database(_platform.database_url.get_secret_value())
    try:
        refuse_without_keys(_settings, db, hosts)
    except SettingsError as error:
        error.exit()
    finally:
        db.close()
    if _metrics:
        _metrics.listen()
    log_started("gateway", _platform, processes=workers, threads=threads)


def post_worker_init(_worker: Any) -> None:
    """Runs in the forked process: connects, and arranges that waiting requests are answered when a stop begins."""
    from bureau.services.gateway.wsgi import process

    process.start()
    if _metrics:
        _metrics.serve()
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        process.release_waits()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, stop)


def worker_exit(_server: Any, _worker: Any) -> None:
    from bureau.services.gateway.wsgi import process

    process.stop()


def child_exit(_server: Any, worker: Any) -> None:
    """Forgets the metrics of a worker. Runs in the parent, however the worker ended."""
    if _metrics:
        _metrics.forget(worker.pid)


def on_exit(_server: Any) -> None:
    if _metrics:
        _metrics.close()
