"""Keeps the catalogs that a deployment announced: one for each queue, valid until it is replaced or withdrawn."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from bureau.contracts.catalog import Catalog
from bureau.ledger.db.database import Database
from bureau.ledger.db.sql_time import now
from bureau.ledger.db.tables import deployed_catalogs as table


def deploy(db: Database, catalogs: Mapping[str, Catalog]) -> None:
    """Replaces the catalogs of these queues, all in one transaction. Raises `LedgerUnavailable`.

    Deployments of one queue at the same time follow each other. They go by the order of names, so none waits in a
    circle.
    """
    insert = sqlite.insert if db.is_sqlite else postgresql.insert
    with db.transaction() as connection:
        for queue, catalog in sorted(catalogs.items()):
            said = {"catalog": catalog.model_dump(mode="json"), "announced_at": now()}
            made = insert(table).values(queue=queue, **said)
            connection.execute(made.on_conflict_do_update(index_elements=["queue"], set_=said))


def withdraw(db: Database, queues: Iterable[str]) -> list[str]:
    """Deletes the catalogs of these queues. Returns the queues that had one. Raises `LedgerUnavailable`."""
    with db.transaction() as connection:
        gone = delete(table).where(table.c.queue.in_(list(queues))).returning(table.c.queue)
        return sorted(connection.execute(gone).scalars())


def deployed(db: Database) -> dict[str, datetime]:
    """Returns the queues that were announced by a deployment, with the time, by name."""
    with db.read() as connection:
        rows = connection.execute(select(table.c.queue, table.c.announced_at).order_by(table.c.queue))
        return {row.queue: row.announced_at for row in rows}
