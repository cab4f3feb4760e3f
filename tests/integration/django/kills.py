"""Kills processes of the shop at each line of what they do, one process for each line; for test_outbox.

`kills.py enqueue` stores orders and enqueues their receipts; `kills.py drain` sends what is in the outbox; `kills.py
thread` enqueues several, and is killed at the lines of the thread that sends them. Prints how many processes were
killed.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any
from unittest import mock

import django

django.setup()

from django.db import connections, transaction  # noqa: E402 - models need the settings
from shop.models import Order  # noqa: E402
from shop.tasks import receipt  # noqa: E402

from bureau.django import background, outbox  # noqa: E402

WATCHED = ("/bureau/django/", "/django/db/transaction.py", "kills.py")


def enqueue() -> None:
    with transaction.atomic():
        order = Order.objects.create(customer="Ada", total=5)
        order.job = receipt.enqueue(order.pk).id
        order.save()


def drain() -> None:
    outbox.drain()


def leave() -> None:
    """Enqueues as a process does that sends nothing after its commit."""
    with mock.patch.object(outbox, "hand_over"):
        enqueue()


def enqueue_two() -> None:
    """Hands two rows over and waits for the thread, which may get both at once or one by one."""
    with transaction.atomic():
        enqueue()
        enqueue()
    background.of_this_process().close(seconds=60)


ACTS = {"enqueue": enqueue, "drain": drain, "thread": enqueue_two}


def killed_at(line: int, act: Callable[[], None]) -> bool:
    """Runs `act` in a child that is killed at its `line`-th line. Returns whether it came so far.

    Lines are counted in the main thread, or in the others for `enqueue_two`.
    """
    connections.close_all()
    child = os.fork()
    if child == 0:
        left = iter(range(line, -1, -1))

        def at_line(frame: FrameType, event: str, _argument: Any) -> Any:
            if event == "line" and next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return at_line

        def at_call(frame: FrameType, _event: str, _argument: Any) -> Any:
            return at_line if any(part in frame.f_code.co_filename for part in WATCHED) else None

        (threading if act is enqueue_two else sys).settrace(at_call)
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
            leave()
        if not killed_at(line, ACTS[what]):
            return line
        line += 1


print(main(sys.argv[1]))
