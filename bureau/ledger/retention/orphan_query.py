"""Finds orphans: stored files without a row, which failed claims and unfinished submissions left behind."""

import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from bureau.contracts.jobs.states import TaskState
from bureau.ledger.db.database import Database
from bureau.ledger.db.tables import tasks
from bureau.ledger.files import artifacts


def orphan_keys(db: Database, keys: Sequence[str]) -> list[str]:
    """Returns the storage keys that no row has and that no running claim may still make into an artifact."""
    # In this order: a file that a claim finishes between the two queries is among the rows.
    being_written = _running(db, keys)
    known = artifacts.kept_keys(db, keys)
    return [key for key in keys if key not in known and _claim(key) not in being_written]


def _running(db: Database, keys: Sequence[str]) -> set[tuple[UUID, int]]:
    ids = {claim[0] for key in keys if (claim := _claim(key))}
    query = select(tasks.c.id, tasks.c.claim_no).where(tasks.c.id.in_(ids), tasks.c.state == TaskState.RUNNING)
    if not ids:
        return set()
    with db.read() as connection:
        return {(row.id, row.claim_no) for row in connection.execute(query)}


def _claim(key: str) -> tuple[UUID, int] | None:
    """Returns task and claim of a key `jobs/<job>/<task>.<claim_no>.…`; None for others. Older versions wrote `/`."""
    match re.split("[/.]", key):
        case ["jobs", _, task, claim_no, *_]:
            try:
                return UUID(task), int(claim_no)
            except ValueError:
                return None
    return None
