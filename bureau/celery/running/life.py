"""Sends the signals of a worker process: when it begins to take tasks, and when it has ended them."""

import logging
from collections.abc import Iterator

from bureau.celery import signals
from bureau.celery.app.request import hostname
from bureau.lifespans import LIFESPANS, Lifespan


def _life() -> Iterator[None]:
    about = hostname()
    signals.worker_process_init.send(about)
    signals.worker_ready.send(about)
    try:
        yield None
    finally:
        signals.worker_shutting_down.send(about, sig="TERM", how="Warm", exitcode=0)
        signals.worker_process_shutdown.send(about, pid=None, exitcode=0)
        signals.worker_shutdown.send(about)


def begin() -> None:
    """Has the signals sent with the life of the process, and lets receivers set up logging now."""
    root = logging.getLogger()
    about = {"loglevel": root.level, "logfile": None, "format": None, "colorize": False}
    if not signals.setup_logging.send(None, **about):
        signals.after_setup_logger.send(None, logger=root, **about)
        signals.after_setup_task_logger.send(None, logger=root, **about)
    signals.worker_init.send(hostname())
    LIFESPANS.append(Lifespan(_life))
