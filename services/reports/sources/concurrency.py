"""Limits how many reports of all workers read a source at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from bureau.contracts.errors import Postponed
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch import concurrency_slots
from bureau.task import Context

RETRY_SECONDS = 3.0

log = structlog.get_logger(__name__)


class SourceConcurrency:
    """Limits concurrent reports per source. A report that finds no free slot is postponed and blocks no thread."""

    def __init__(self, ledger: Database) -> None:
        self._ledger = ledger

    @contextmanager
    def taken(self, ctx: Context, source: str, at_a_time: int) -> Iterator[None]:
        """Holds a slot of `source` during the block.

        Raises `Postponed` (`source_busy`), `TransientError` (`ledger_unavailable`).
        """
        name = f"source.{source}"
        with asking_ledger():
            free = concurrency_slots.take(self._ledger, name, at_a_time, task_id=ctx.task_id, claim_no=ctx.claim_no)
        if not free:
            message = f'The source "{source}" is busy: SOURCE_{source.upper()}_AT_A_TIME reports are reading it.'
            raise Postponed("source_busy", message, delay=RETRY_SECONDS)
        try:
            yield
        finally:
            self._release(name, ctx)

    def _release(self, name: str, ctx: Context) -> None:
        try:
            concurrency_slots.give_back(self._ledger, name, task_id=ctx.task_id, claim_no=ctx.claim_no)
        except LedgerUnavailable:
            log.warning("the slot could not be released; it is released when its task ends", slot=name)
