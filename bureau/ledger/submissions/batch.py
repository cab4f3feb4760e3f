"""Submits several jobs in one transaction; each is accepted or refused on its own.

The transaction that inserts a submission also checks it: whether its key is still valid, the rate limit, and the
Idempotency-Key. So nothing is read before the transaction, and nothing stays reserved when it fails.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from bureau.ledger.access import idempotency, keys, rate_limits
from bureau.ledger.access.idempotency import KeyTaken
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.jobs.submit import JobIdTaken, Room, insert_job, no_room
from bureau.ledger.submissions import statement
from bureau.ledger.submissions.submission import (
    Accepted,
    IdTaken,
    NotAdmitted,
    Repeated,
    Submission,
    SubmissionOutcome,
)


def submit_batch(db: Database, submissions: Sequence[Submission], room: Room = no_room) -> list[SubmissionOutcome]:
    """Submits jobs, commits, and returns the outcomes in the order of the submissions.

    `room` decides for each task that is due at once whether it gets the stamp of its hint.
    Raises `LedgerUnavailable`; then either all submissions were committed or none.
    """
    if not db.is_sqlite:
        return statement.submit_batch(db, submissions, room)
    with db.transaction() as connection:
        return [_submit(connection, submission, room) for submission in submissions]


def _submit(connection: Connection, submission: Submission, room: Room) -> SubmissionOutcome:
    check = submission.check
    if check.key and not keys.holds(connection, check.key):
        return NotAdmitted()
    if check.without_keys and keys.any_within(connection):
        return NotAdmitted()
    limit = None
    if check.bucket and check.rate:
        limit = rate_limits.take_within(connection, check.bucket, check.rate)
        if not limit.allowed:
            return NotAdmitted()
    if submission.once and submission.answer:
        try:
            idempotency.take(connection, submission.once, submission.answer)
        except KeyTaken:
            return Repeated(limit)
    at = connection.execute(select(now())).scalar_one()
    try:
        return Accepted(at, tuple(insert_job(connection, submission.job, at=at, room=room)), limit)
    except JobIdTaken:
        return IdTaken(limit)
