"""Sends Bureau's log lines in tests to `logging`."""


def log_to_logging() -> None:
    """Sends log lines to `logging`, which pytest shows beside a failure, unless structlog is configured already.

    Without it structlog prints every line: Django's runner would show each request among its dots.
    """
    import structlog  # comes with Bureau's services, which may be missing; `NotInstalled` says so before this

    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.format_exc_info,
                structlog.processors.KeyValueRenderer(key_order=["event"]),
            ],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
        )
