"""Bodies of requests that cost more to answer than to send."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Task = Mapping[str, Any]

MAIL = {"to": ["ada@example.com"], "subject": "Hello", "text": "x"}
ODD_HTML = "<a " * 40_000


def batch(tasks: Iterable[Task], jobs: int = 1) -> bytes:
    return json.dumps({"jobs": [{"title": "x", "tasks": list(tasks)}] * jobs}).encode()


def job(tasks: Iterable[Task]) -> bytes:
    return json.dumps({"title": "x", "tasks": list(tasks)}).encode()


def multipart(fields: int, size: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n' + b"x" * size + b"\r\n"
    return b"".join(part % number for number in range(fields)) + b"--b--\r\n"


def wrong_tasks(count: int) -> list[Task]:
    return [{"name": f"t{n}", "run": "nothing.such", "input": {"a": n}, "wrong": True} for n in range(count)]


def mails(count: int) -> list[Task]:
    return [{"name": f"t{n}", "run": "mailer.send", "input": MAIL} for n in range(count)]


def cycles_of_two(count: int) -> list[Task]:
    return [{**task, "after": [f"t{n ^ 1}"]} for n, task in enumerate(mails(count))]


def all_before(count: int) -> list[Task]:
    return [{**task, "after": [f"t{m}" for m in range(n)]} for n, task in enumerate(mails(count))]


def multiplying() -> list[Task]:
    """A request of 300 kB whose second task asks for the result of the first 12,000 times."""
    return [
        {"name": "one", "run": "attacks.echo", "input": {"value": "x" * 60_000}},
        {
            "name": "all",
            "run": "attacks.echo",
            "after": ["one"],
            "input": {"value": [{"$result": "/one"}] * 12_000},
        },
    ]


def nested_lists(count: int) -> bytes:
    head = b'{"to": ["a@example.com"], "subject": "x", "text": "x", "context": {"a": ' + b"[" * 60 + b"[],"
    return head + b"[]," * count + b"[]" + b"]" * 60 + b"}}"


def wide_roster(columns: int) -> bytes:
    return ",".join(f"column {number}" for number in range(columns)).encode() + b"\r\nx\r\n"


def large_cell(size: int) -> bytes:
    return b'name\r\n"' + b"x" * size + b'"\r\n'
