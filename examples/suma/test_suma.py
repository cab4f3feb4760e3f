"""Tests this service, each task through a real worker, in one process: `python -m pytest examples/suma`."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bureau.client import JobFailed, Problem
from bureau.testing import BureauInProcess
from examples.suma.files import count_lines, join
from examples.suma.patterns import flaky, total
from examples.suma.prices import prices
from examples.suma.tasks import initials, suma

JOBS = Path(__file__).parent / "jobs"


@contextmanager
def shop_that_answers(price: bytes) -> Iterator[str]:
    """Runs a shop on a free port; yields its address."""

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(price)))
            self.end_headers()
            self.wfile.write(price)

        def log_message(self, format: str, *args: object) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_two_and_two_is_four(bureau: BureauInProcess) -> None:
    assert bureau.submit(suma, a=2, b=2).wait(10).result() == 4


def test_an_input_that_does_not_fit_is_refused(bureau: BureauInProcess) -> None:
    with pytest.raises(Problem, match='"two" is not of type "integer"'):
        bureau.submit(suma, a="two", b=2)


def test_initials_are_a_result_and_a_file(bureau: BureauInProcess) -> None:
    job = bureau.submit(initials, names=["Ada Lovelace", "Grace Hopper"]).wait(10)
    assert job.result() == {"Ada Lovelace": "AL", "Grace Hopper": "GH"}
    assert job.artifact("initials.txt").read() == b"AL\tAda Lovelace\nGH\tGrace Hopper\n"


def test_an_uploaded_file_is_the_input_of_a_task(bureau: BureauInProcess) -> None:
    roster = bureau.upload(("roster.txt", b"Ada\nGrace\n"))
    assert bureau.submit(count_lines, file=roster).wait(10).result() == 2
    assert bureau.task(count_lines.name, {"file": {"artifact": roster.id}}).wait(10).result() == 2


def test_several_files_are_joined_and_the_new_file_is_passed_on(bureau: BureauInProcess) -> None:
    files = [bureau.upload((name, text)) for name, text in (("a.txt", b"Ada\n"), ("b.txt", b"Grace\nMary\n"))]
    tasks = [
        {"name": "join", "run": join.name, "input": {"files": files}},
        {"name": "count", "run": count_lines.name, "after": ["join"], "input": {"file": {"$result": "/join/file"}}},
    ]
    job = bureau.job(tasks).wait(10)
    assert job.result("join")["lines"] == job.result("count") == 3
    assert job.artifact("joined.txt").read() == b"Ada\nGrace\nMary\n"


def test_a_field_that_a_result_does_not_have_is_refused(bureau: BureauInProcess) -> None:
    tasks = [
        {"name": "join", "run": join.name, "input": {"files": []}},
        {"name": "count", "run": count_lines.name, "after": ["join"], "input": {"file": {"$result": "/join/files"}}},
    ]
    with pytest.raises(Problem, match=r"The result of join \(shop.join\) has no files; it has: file, lines"):
        bureau.job(tasks)


def test_an_async_task_asks_several_shops_at_once(bureau: BureauInProcess) -> None:
    with shop_that_answers(b"42") as url:
        job = bureau.submit(prices, urls=[f"{url}/a", f"{url}/b"]).wait(30)
    assert job.result() == {f"{url}/a": 42, f"{url}/b": 42}
    assert job.artifact("prices.csv").read() == f"{url}/a,42\n{url}/b,42\n".encode()


def test_what_fails_at_first_is_tried_again(bureau: BureauInProcess) -> None:
    job = bureau.submit(flaky, fails=1).wait(10)
    assert [attempt["error"] is None for attempt in job.tasks[0]["attempts"]] == [False, True]


def test_what_fails_every_time_fails(bureau: BureauInProcess) -> None:
    job = bureau.submit(flaky, fails=9, retry={"max_attempts": 1})
    with pytest.raises(JobFailed, match="out_of_luck"):
        job.wait(10)


def test_a_chord_adds_up(bureau: BureauInProcess) -> None:
    job = bureau.job(**json.loads((JOBS / "chord.json").read_text())).wait(10)
    assert job.result(job.tasks[-1]["name"]) == 12
    assert job.tasks[-1]["run"] == total.name


def test_the_total_is_mailed(bureau: BureauInProcess) -> None:
    add = {"name": "add", "run": suma.name, "input": {"a": 2, "b": 2}}
    mail = {"to": ["ada@example.com"], "subject": "The total", "text": "It is ready."}
    bureau.job([add, {"name": "mail", "run": "mailer.send", "after": ["add"], "input": mail}]).wait(10)
    (sent,) = bureau.outbox
    assert (sent["To"], sent["Subject"]) == ("ada@example.com", "The total")
