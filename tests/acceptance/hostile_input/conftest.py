"""Beside every hostile case honest jobs run, and every process must come through it unhurt."""

from collections.abc import Iterator

import pytest

from tests.support.processes import Process
from tests.support.stack import Stack

ROSTER = b"recipient,course\nAda Lovelace,Engines\n"
CONTROL = "control.csv"


@pytest.fixture(autouse=True)
def honest_jobs(stack: Stack) -> Iterator[None]:
    """One for each service. At the end they have succeeded, with the processes that were there before the case."""
    api = stack.api
    before = {name: Before(process) for name, process in stack.processes.items()}
    jobs = [
        api.submit("/v1/certificates", files={"files": (CONTROL, ROSTER)}),
        api.submit("/v1/reports", json={"report": "orders"}),
        api.submit("/v1/emails", json={"to": ["control@example.com"], "subject": "Control", "text": "All is well."}),
        api.run({"name": "add", "run": "shop.suma", "input": {"a": 2, "b": 2}}),
    ]
    yield
    for job in jobs:
        api.succeeded(job)
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
