"""Gives a task's module its logger; Bureau's worker writes what it logs."""

import logging


def get_task_logger(name: str) -> logging.Logger:
    """Returns the logger of this name."""
    if name in ("celery", "celery.task"):
        raise RuntimeError(f"Logger name {name!r} is reserved!")
    return logging.getLogger(name)


def get_logger(name: str) -> logging.Logger:
    return logging.getLogger(name)
