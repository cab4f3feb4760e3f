"""Gunicorn's configuration, from the gateway's settings: BIND, WEB_CONCURRENCY, WEB_THREADS, GRACE_SECONDS.

Without keys the gateway listens on loopback only: BIND is checked here, before a socket is opened, and so is
whatever the command line put in its place.
"""

import signal
import sys
from types import FrameType
from typing import Any

from bureau.settings import PlatformSettings, SettingsError, load
from services.gateway.settings import GatewaySettings, is_loopback

try:
    _platform, _settings = load(PlatformSettings, GatewaySettings)
    _platform.refuse_memory_broker("a gateway")
except SettingsError as error:
    error.exit()

bind = _settings.bind
worker_class = "gthread"
workers = _settings.web_concurrency
threads = _settings.web_threads
worker_connections = 1000
timeout = 120  # a worker whose main loop is silent for so long is replaced; slow requests do not count
graceful_timeout = int(_platform.grace_seconds)
keepalive = 75  # longer than a proxy's usual 60 s: the proxy, not we, closes idle connections
control_socket_disable = True  # it would lie in the home folder, which a container does not have


def on_starting(server: Any) -> None:
    """`--bind` on the command line wins over BIND: it is held to the same rule."""
    for address in server.cfg.address:
        if isinstance(address, tuple) and not is_loopback(address[0]):
            print(
                f"Bureau cannot start: without keys it listens on loopback only, not on {address[0]}.", file=sys.stderr
            )
            sys.exit(2)


def post_worker_init(_worker: Any) -> None:
    """In the forked process: connect, and answer who waits when the stop begins."""
    from services.gateway.wsgi import process

    process.start()
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        process.release_waits()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, stop)


def worker_exit(_server: Any, _worker: Any) -> None:
    from services.gateway.wsgi import process

    process.stop()
