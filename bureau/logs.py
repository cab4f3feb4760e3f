"""Logs on stderr, one line a record: JSON for machines, text for a terminal.

Records of structlog and of the standard library (pika, dramatiq, gunicorn) look the same and carry what is bound
to the context: `request_id`, `job_id`, `task_id`, `claim_no`. Credentials in URLs never reach the output, and
tracebacks show no local variables.
"""

import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import Processor

from bureau.settings import LogSettings

# Quiet unless something is wrong. pika's errors also come as exceptions, which are logged once, where they are
# handled; by itself it writes seven records for each refused connection.
_QUIETER = {"pika": logging.CRITICAL, "httpx": logging.WARNING, "httpcore": logging.WARNING, "alembic": logging.WARNING}

# With handlers of their own by the time a worker process imports the application.
_WITH_HANDLERS = ("gunicorn.error", "gunicorn.access", "werkzeug")

# `://user:password@` or `://token@`. A password may hold anything but white space and quotes, even "/" or "@":
# rather too much of a URL is lost here than part of a password kept. The lengths keep hostile text linear.
_CREDENTIALS = re.compile(r"""://(?:[^\s@/:"'<>]{0,256}:[^\s"'<>]{0,1024}|[^\s@/?#:"'<>]{1,1024})@""")

# The gateway's keys, whose id may be seen, and the tokens of its signed links.
_KEYS = re.compile(r"\b(bureau_[0-9a-z]{4,16}_)[0-9A-Za-z]{32,}")
_TOKENS = re.compile(r"""([?&]token=)[^\s&"'<>]+""")


def scrub(text: str) -> str:
    """`text` with its secrets replaced: credentials in URLs (`amqp://***@host`), keys, tokens of links."""
    if "://" in text:
        text = _CREDENTIALS.sub("://***@", text)
    if "bureau_" in text:
        text = _KEYS.sub(r"\1***", text)
    return _TOKENS.sub(r"\1***", text) if "token=" in text else text


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Sets the process's logging, to stderr or to `stream`. For composition roots only, before anything is logged."""
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
    structlog.configure(
        processors=[*_described(), ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )


def _described() -> Sequence[Processor]:
    """What every record gets, wherever it comes from."""
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
        processors=[ProcessorFormatter.remove_processors_meta, *rendered], foreign_pre_chain=_described()
    )


class _ScrubbingFormatter(ProcessorFormatter):
    """Scrubs the finished line, so that no value, message or traceback is forgotten."""

    def format(self, record: logging.LogRecord) -> str:
        # Lone surrogates (undecodable file names) would make the stream raise.
        return scrub(super().format(record)).encode("utf-8", "backslashreplace").decode()


def _stderr_is_terminal() -> bool:
    """Of the process, not of `sys.stderr`: in Dramatiq's workers that is a pipe to the parent, which prints it."""
    try:
        return os.isatty(2)
    except OSError:
        return False
