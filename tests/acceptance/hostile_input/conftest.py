"""Beside every hostile case honest jobs run, and every process must come through it unhurt."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.running.api import Api
from tests.support.running.processes import Process
from tests.support.running.stack import Stack

ROSTER = b"recipient,course\nAda Lovelace,Engines\n"
CONTROL = "control.csv"
MAIL = {"to": ["control@example.com"], "subject": "Control", "text": "All is well."}
HONEST: list[Callable[[Api], dict[str, Any]]] = [
    lambda api: api.submit("/v1/certificates", files={"files": (CONTROL, ROSTER)}),
    lambda api: api.submit("/v1/reports", json={"report": "orders", "params": {"least_amount": 99}}),
    lambda api: api.submit("/v1/emails", json=MAIL),
    lambda api: api.run({"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}),
]
_turns = itertools.cycle(HONEST)


@pytest.fixture(autouse=True)
def honest_job(stack: Stack) -> Iterator[None]:
    """One beside each case, for each service in turn. At the end it has succeeded, with the processes that were there
    before the case.
    """
    before = {name: Before(process) for name, process in stack.processes.items()}
    job = next(_turns)(stack.api)
    yield
    stack.api.succeeded(job)
    for name, process in stack.processes.items():
        before[name].assert_unhurt(process)


class Before:
    """A process before a hostile case."""

    def __init__(self, process: Process) -> None:
        self._pid = process.pid
        self._children = sorted(process.children())
        self._said = len(process.output())

    def assert_unhurt(self, process: Process) -> None:
        assert process.running, process
        if process.pid == self._pid:  # else a test has replaced it
            assert sorted(process.children()) == self._children, process
            assert "Traceback" not in process.output()[self._said :], process


def form(*parts: tuple[str, bytes]) -> dict[str, object]:
    """A multipart request as it is on the wire: each part's Content-Disposition behind `form-data; `, and its body."""
    body = b"".join(
        b"--edge\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (head.encode("latin-1"), content)
        for head, content in parts
    )
    return {"content": body + b"--edge--\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=edge"}}
