"""Translates an outage of the ledger into an error of the running task that asked it."""

from collections.abc import Iterator
from contextlib import contextmanager

from bureau.contracts.errors import TransientError
from bureau.ledger.db.database import LedgerUnavailable


@contextmanager
def asking_ledger() -> Iterator[None]:
    """Raises `TransientError` (`ledger_unavailable`) instead of `LedgerUnavailable`, so that the task is retried."""
    try:
        yield
    except LedgerUnavailable as error:
        raise TransientError("ledger_unavailable", "The ledger did not answer.") from error
