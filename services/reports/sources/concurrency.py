"""Turns at a source: so many reports at a time, of all workers together."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from bureau.contracts.errors import Postponed
from bureau.ledger.db.asking import asking_ledger
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.dispatch import concurrency_slots
from bureau.task import Context

AGAIN_SECONDS = 3.0

log = structlog.get_logger(__name__)


class SourceConcurrency:
    """So many reports at a time read a source; who finds it taken comes again, and holds no thread meanwhile."""

    def __init__(self, ledger: Database) -> None:
        self._ledger = ledger

    @contextmanager
    def taken(self, ctx: Context, source: str, at_a_time: int) -> Iterator[None]:
        """The block reads `source`. Raises `Postponed` (`source_busy`)."""
        name = f"source.{source}"
        with asking_ledger():
            free = concurrency_slots.take(self._ledger, name, at_a_time, task_id=ctx.task_id, claim_no=ctx.claim_no)
        if not free:
            message = f'As many reports as SOURCE_{source.upper()}_AT_A_TIME allows read "{source}" already.'
            raise Postponed("source_busy", message, delay=AGAIN_SECONDS)
        try:
            yield
        finally:
            self._give_back(name, ctx)

    def _give_back(self, name: str, ctx: Context) -> None:
        try:
            concurrency_slots.give_back(self._ledger, name, task_id=ctx.task_id, claim_no=ctx.claim_no)
        except LedgerUnavailable:
            log.warning("the turn ends with its task", slot=name)
