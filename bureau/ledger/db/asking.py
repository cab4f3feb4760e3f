"""What a running task is told when the ledger does not answer it."""

from collections.abc import Iterator
from contextlib import contextmanager

from bureau.contracts.errors import TransientError
from bureau.ledger.db.database import LedgerUnavailable


@contextmanager
def asking_ledger() -> Iterator[None]:
    """Raises `TransientError` (`ledger_unavailable`) in the place of `LedgerUnavailable`: the task is tried again."""
    try:
        yield
    except LedgerUnavailable as error:
        raise TransientError("ledger_unavailable", "The ledger did not answer.") from error
