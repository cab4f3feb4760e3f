"""Runs workers that die at the first line they run, and at every EVERYth line after it.

`python -m tests.support.faults.dying FOLDER EVERY` runs it. Each worker is a process forked for it, so that only the
line's number decides how far it came. The parent process only watches: it is single-threaded and closes its connections
before it forks.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import update

from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import later
from bureau.ledger.db.tables import tasks
from bureau.ledger.jobs import finish, leases
from bureau.runtime import runner
from bureau.runtime.execution import execution
from bureau.runtime.heartbeat import Heartbeat
from bureau.runtime.runner import Runner
from bureau.storage import Storage
from bureau.task import Context, Task
from tests.support.faults.lines import Lines
from tests.support.ledger.book import Book, no_jitter, task
from tests.support.ledger.ledgers import sqlite_ledger
from tests.support.ledger.soundness import assert_sound

DIED = 9
NEVER = 1 << 30


class _Silent:
    def wake(self) -> None:
        """Nobody listens."""


def _work(ctx: Context) -> int:
    ctx.log("writing")
    with ctx.artifact("a.txt", "text/plain") as file:
        file.write(b"text")
    return 1


def _worker(folder: Path, task_ids: Sequence[UUID], at: int) -> int:
    """Runs tasks in a process of its own, which dies at its `at`th line; 0 when it came to the end."""
    child = os.fork()
    if child == 0:
        db = Database(f"sqlite:///{folder}/ledger.db")
        works = Runner(
            "shop",
            "w",
            {"shop.work": Task("shop.work", _work)},
            db=db,
            storage=Storage.from_url(f"file://{folder}/storage"),
            heartbeat=Heartbeat(db, grace_seconds=25),
            relay=_Silent(),
            threads=4,
        )
        lines = Lines([runner, execution, finish], at, lambda: os._exit(DIED))
        with lines.traced():
            for task_id in task_ids:
                works.execute("shop.work", task_id)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main(folder: Path, every: int) -> int:
    """Says at which line the last worker was to die, which came to its end."""
    db = sqlite_ledger(folder)
    book = Book(db)
    job_ids: list[UUID] = []
    ended = DIED
    while ended == DIED:
        job_ids.append(book.submit(task("only"), task("then", "only")))
        first = book.task(job_ids[-1]).id
        db.close()
        ended = _worker(folder, [first], at=_line(len(job_ids), every))
    assert ended == 0, f"at line {_line(len(job_ids), every)} the worker ended with {ended}"
    _take_back(db)
    found = {name: [book.task(job_id, name) for job_id in job_ids] for name in ("only", "then")}
    assert {row.state for row in found["only"]} == {"ready", "succeeded"}
    db.close()
    for rows in found.values():
        assert _worker(folder, [row.id for row in rows], NEVER) == 0
    for number, job_id in enumerate(job_ids, start=1):
        at = _line(number, every)
        assert book.states(job_id) == {"only": "succeeded", "then": "succeeded"}, f"line {at}: {book.story(job_id)}"
        assert book.task(job_id).crashes <= 1, f"line {at}: {book.story(job_id)}"
    assert_sound(db)
    db.close()
    print(_line(len(job_ids), every))
    return 0


def _line(number: int, every: int) -> int:
    """At which line the worker of this number dies."""
    return 1 + (number - 1) * every


def _take_back(db: Database) -> None:
    """The leases of the dead end now."""
    with db.transaction() as connection:
        connection.execute(update(tasks).where(tasks.c.state == "running").values(lease_until=later(-1)))
    leases.expire(db, no_jitter, limit=10_000)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
