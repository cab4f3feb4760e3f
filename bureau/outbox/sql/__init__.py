"""Holds an outbox for applications: a table of their database with submissions that a transaction decided on.

    from bureau.outbox.sql import Outbox, outbox_table

    table = outbox_table(metadata)  # of the application's own tables
    outbox = Outbox(engine, Bureau(), table)
    with Session(engine) as session, session.begin():
        session.add(order)
        job_id = outbox.task(session, "shop.receipt", order=order.id)

`python -m bureau.outbox` sends what is committed. It needs SQLAlchemy, and httpx for the client.
"""

from bureau.outbox.sql.outbox import Outbox
from bureau.outbox.sql.table import outbox_table

__all__ = ["Outbox", "outbox_table"]
