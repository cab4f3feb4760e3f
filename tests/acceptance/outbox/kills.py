"""Kills processes of an application at each line of what they do, one process for each line; for test_outbox.

`kills.py submit` stores orders and submits their jobs; `kills.py drain` sends what is in the outbox.
Prints how many processes were killed.
"""

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any
from uuid import uuid4

from sqlalchemy import Column, MetaData, String, Table, Uuid, create_engine

from bureau.client import Bureau, Patience
from bureau.outbox.sql import Outbox, outbox_table

WATCHED = ("/bureau/outbox/", "outbox/kills.py")
metadata = MetaData()
table = outbox_table(metadata)
orders = Table("orders", metadata, Column("id", Uuid, primary_key=True), Column("job", String(40)))


def submit() -> None:
    engine = create_engine(os.environ["OUTBOX_URL"])
    outbox = Outbox(engine, Bureau(patience=Patience(seconds=2)), table)
    order = uuid4()
    with engine.begin() as connection:
        connection.execute(orders.insert().values(id=order))
        job = outbox.task(connection, "shop.suma", a=1, b=2, title=str(order))
        connection.execute(orders.update().where(orders.c.id == order).values(job=str(job)))


def drain() -> None:
    engine = create_engine(os.environ["OUTBOX_URL"])
    Outbox(engine, Bureau(patience=Patience(seconds=2)), table).drain()


def killed_at(line: int, act: Callable[[], None]) -> bool:
    """Runs `act` in a child that is killed at its `line`-th line. Returns whether it came so far."""
    child = os.fork()
    if child == 0:
        left = iter(range(line, -1, -1))

        def at_line(_frame: FrameType, event: str, _argument: Any) -> Any:
            if event == "line" and next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return at_line

        def at_call(frame: FrameType, _event: str, _argument: Any) -> Any:
            return at_line if any(part in frame.f_code.co_filename for part in WATCHED) else None

        sys.settrace(at_call)
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status):
        raise SystemExit("a child failed")
    return os.WIFSIGNALED(status)


def main(what: str) -> int:
    line = 0
    while True:
        if what == "drain":
            submit()
        if not killed_at(line, drain if what == "drain" else submit):
            return line
        line += 1


if __name__ == "__main__":
    print(main(sys.argv[1]))
