"""Configures logs on stderr, one line for each record: JSON for machines, text for a terminal.

Records of structlog and of the standard library (pika, dramatiq, gunicorn) look the same and contain the values that
are bound to the context: `request_id`, `job_id`, `task_id`, `claim_no`.
Credentials never reach the output (`bureau.secrets.redaction`), and tracebacks show no local variables.
"""

import logging
import os
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from bureau.secrets.redaction import keep_environment, scrub
from bureau.settings import LogSettings

# These are quiet unless something is wrong. pika's errors also come as exceptions, which are logged once, where they
# are handled; by itself it writes seven records for each refused connection.
_QUIETER = {
    "pika": logging.CRITICAL,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "alembic": logging.WARNING,
    "sqlalchemy": logging.WARNING,  # at DEBUG it would write every row
}

# These have their own handlers by the time a worker process imports the application.
_WITH_HANDLERS = ("gunicorn.error", "gunicorn.access", "werkzeug")


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Configures the process's logging, to stderr or to `stream`.

    Only composition roots call it, before anything is logged.
    """
    keep_environment(os.environ)
    level = logging.getLevelNamesMapping()[settings.log_level]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(settings.log_format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _QUIETER.items():
        logging.getLogger(name).setLevel(max(level, least))
    for name in _WITH_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.captureWarnings(True)
    sys.excepthook, threading.excepthook = _log_uncaught, _log_uncaught_in_thread
    structlog.configure(
        processors=[*_shared_processors(), ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Logs an uncaught error. Python would print it unredacted, and a library's error may quote a password."""
    if issubclass(kind, Exception):
        logging.getLogger("bureau").critical("the process ends because of an error", exc_info=(kind, error, traceback))
    else:
        sys.__excepthook__(kind, error, traceback)


def _log_uncaught_in_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and not issubclass(ended.exc_type, SystemExit):
        name = ended.thread.name if ended.thread else ""
        exc_info = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        logging.getLogger("bureau").critical("thread %s ends because of an error", name, exc_info=exc_info)


def _shared_processors() -> Sequence[Processor]:
    """Returns the processors for every record, whether from structlog or the standard library."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
    ]


def _formatter(log_format: str) -> ProcessorFormatter:
    terminal = _stderr_is_terminal()
    if log_format == "text" or (log_format == "auto" and terminal):
        rendered: list[Processor] = [
            structlog.dev.ConsoleRenderer(
                colors=terminal and not os.environ.get("NO_COLOR"),
                exception_formatter=structlog.dev.plain_traceback,  # rich's would show local variables
                timestamp_key="at",
            )
        ]
    else:
        rendered = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),  # an escape would hide a password from `scrub`
        ]
    return _ScrubbingFormatter(
        processors=[ProcessorFormatter.remove_processors_meta, *rendered], foreign_pre_chain=_shared_processors()
    )


class _ScrubbingFormatter(ProcessorFormatter):
    """Redacts secrets in the finished line, so that no value, message or traceback is missed."""

    def format(self, record: logging.LogRecord) -> str:
        # Lone surrogates (undecodable file names) would make the stream raise.
        return scrub(super().format(record)).encode("utf-8", "backslashreplace").decode()


def _stderr_is_terminal() -> bool:
    """Tells whether the process's stderr is a terminal.

    It checks the file descriptor and not `sys.stderr`, because in Dramatiq's workers that is a pipe to the parent,
    which prints it.
    """
    try:
        return os.isatty(2)
    except OSError:
        return False
