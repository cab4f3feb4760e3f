"""Measures how long each console page takes and its bytes, with a million jobs in the ledger: `make bench-console`.

PostgreSQL is private, with fsync; the gateway is in this process. The first view of the overview counts an hour, later
ones the last minutes: both are shown.
"""

import statistics
import time
from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient
from sqlalchemy import func, select

from bureau.contracts.jobs.states import JobState
from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.ledger.db.tables import jobs
from bureau.observability import logs
from bureau.settings import LogSettings
from tests.benchmarks.client import listing_client
from tests.benchmarks.filled_ledger import fill, multiply
from tests.support.servers.postgres import PostgreSQL

FIRST, TIMES = 20_000, 50
ROUNDS = 9
BAR_SECONDS, BAR_BYTES = 0.3, 100_000


def main() -> int:
    logs.configure(LogSettings(log_level="WARNING"))
    with PostgreSQL() as server:
        db = Database(server.fresh_database().replace("postgresql://", "postgresql+psycopg://"))
        migrate(db)
        fill(db, FIRST)
        multiply(db, TIMES)
        holds = measure(db)
        db.close()
    print("holds" if holds else "does not hold")
    return 0 if holds else 1


def measure(db: Database) -> bool:
    """Prints a line a page; whether all stay below the bars."""
    client = listing_client(db)
    with db.read() as connection:
        print(f"{connection.execute(select(func.count()).select_from(jobs)).scalar_one():,} jobs")
    print(f"{'page':<44}{'first':>10}{'median':>10}{'worst':>10}{'bytes':>10}")
    held = [_page(client, address) for address in addresses(db)]  # all of them, also behind one that does not
    return all(held)


def addresses(db: Database) -> list[str]:
    with db.read() as connection:
        failed = select(jobs.c.id).where(jobs.c.state == JobState.FAILED).limit(1)
        job_id = connection.execute(failed).scalar_one()
    lists = ["", "?state=failed", "?state=running", "?state=queued", "?state=cancelled", "?kind=report"]
    lists += ["?q=sales+12", "?q=nothing+like+it", "?error=mailbox_full"]
    tabs = ("active", "reserved", "queued", "scheduled", "retrying", "waiting")
    since = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    recent = f"/jobs/retry?state=failed&run=mailer.send&error=mailbox_full&finished_after={since}"
    return [
        *("/", *(f"/jobs{query}" for query in lists), f"/jobs/{job_id}", recent, "/jobs/cancel?state=queued"),
        *(*(f"/tasks?tab={tab}" for tab in tabs), "/workers", "/schedules", "/reports", "/audit"),
    ]


def _page(client: FlaskClient, address: str) -> bool:
    seconds, size = [], 0
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        answer = client.get(address, headers={"Accept": "text/html"})
        seconds.append(time.perf_counter() - begun)
        assert answer.status_code == 200, (address, answer.status_code)
        size = len(answer.data)
    first, later = seconds[0], sorted(seconds[1:])
    shown = address if len(address) < 43 else f"{address[:42]}…"
    numbers = "".join(f"{number * 1000:>7.0f} ms" for number in (first, statistics.median(later), later[-1]))
    print(f"{shown:<44}{numbers}{size:>10,}", flush=True)
    return statistics.median(later) < BAR_SECONDS and size < BAR_BYTES


if __name__ == "__main__":
    raise SystemExit(main())
