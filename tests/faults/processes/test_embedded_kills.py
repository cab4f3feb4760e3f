"""The embedded process is killed over and over while it works: nothing is lost, nothing is mailed twice."""

import email.parser
import hashlib
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bureau.ledger.db.database import Database
from tests.support.faults.patience import ROUNDS
from tests.support.ledger.soundness import assert_sound
from tests.support.running.embedded import EmbeddedBureau

KILLS = ROUNDS or 2
JOBS = 50
ENDS_SECONDS = 60.0
SEED = 20261120


@dataclass
class Submission:
    """A request and its key. `job` is set by the answer: without one the client sends it again."""

    key: str
    path: str
    request: dict[str, Any]
    mails: int
    job: str | None = None


def test_kills_lose_nothing_and_mail_nothing_twice(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    jobs: list[dict[str, Any]] = []
    expected_mails = 0
    with EmbeddedBureau(tmp_path / "bureau", env={"TASKS": "examples.suma.tasks"}) as bureau:
        bureau.start()
        for number in range(KILLS):
            submissions = [submission(f"{number}-{n}", dice) for n in range(JOBS)]
            expected_mails += sum(one.mails for one in submissions)
            submit_and_kill(bureau, submissions, after=dice.randrange(1, JOBS), seconds=dice.uniform(0, 0.5))
            bureau.start()
            restarted = time.monotonic()
            submit(bureau, submissions)
            jobs += [ended(bureau, one, restarted + ENDS_SECONDS) for one in submissions]
        assert len(list_of_jobs(bureau)) == len({job["id"] for job in jobs}) == KILLS * JOBS
        assert {job["state"] for job in jobs} == {"succeeded"}, [job for job in jobs if job["state"] != "succeeded"]
        hit = sum(len(task["attempts"]) > 1 for job in jobs for task in job["tasks"])
        assert hit >= (ROUNDS or 1), "it did hit tasks"
        assert_files_whole(bureau, jobs)
        assert_each_mail_once(bureau, jobs, expected_mails)
        assert bureau.process.stop(10) == 0
    db = Database(f"sqlite:///{bureau.folder}/var/bureau.db")
    assert_sound(db)
    db.close()


def submission(key: str, dice: random.Random) -> Submission:
    n = dice.randrange(1000)
    to = f"{key}@example.com"
    report = {"report": "customers", "params": {"country": ("DE", "FR", "GB", "PL")[n % 4]}}
    match dice.choice(("mail", "template", "certificates", "report", "report mailed", "own", "chain", "chain")):
        case "mail":
            return Submission(key, "/v1/emails", {"json": {"to": [to], "subject": key, "text": "x" * (n * 40)}}, 1)
        case "template":
            body = {"to": [to], "template": "welcome", "context": {"name": key}}
            return Submission(key, "/v1/emails", {"json": body}, 1)
        case "certificates":
            rows = "".join(f"Person {row} of {key},Course\n" for row in range(1 + n % 4))
            files = {"files": (f"{key}.csv", f"recipient,course\n{rows}", "text/csv")}
            return Submission(key, "/v1/certificates", {"files": files, "data": {"email_to": to}}, 1)
        case "report":
            return Submission(key, "/v1/reports", {"json": report}, 0)
        case "report mailed":
            return Submission(key, "/v1/reports", {"json": {**report, "email_to": [to]}}, 1)
        case "own":
            task = {"name": "names", "run": "shop.initials", "input": {"names": [f"Ada {n}", "Grace Hopper"]}}
            return Submission(key, "/v1/jobs", {"json": {"tasks": [task]}}, 0)
        case _:
            return Submission(key, "/v1/jobs", {"json": {"tasks": chain(n, to, report)}}, 1)


def chain(n: int, to: str, report: dict[str, Any]) -> list[dict[str, Any]]:
    context = {"rows": {"$result": "/sum"}}
    return [
        {"name": "report", "run": "reports.generate", "input": report},
        {"name": "sum", "run": "shop.suma", "input": {"a": {"$result": "/report/rows"}, "b": n}, "after": ["report"]},
        {
            "name": "mail",
            "run": "mailer.send",
            "after": ["report", "sum"],
            "input": {
                "to": [to],
                "template": "reports-ready",
                "context": context,
                "attachments": [{"$result": "/report/artifact"}],
            },
        },
    ]


def submit_and_kill(bureau: EmbeddedBureau, submissions: list[Submission], *, after: int, seconds: float) -> None:
    """kill -9 some time after so many were accepted, while the others are being sent."""
    submit(bureau, submissions[:after])
    killer = threading.Timer(seconds, bureau.process.kill)
    killer.start()
    submit(bureau, submissions)
    killer.join()


def submit(bureau: EmbeddedBureau, submissions: list[Submission]) -> None:
    """Sends what has no answer yet, until the process is gone."""
    for one in submissions:
        if one.job is None:
            try:
                answer = bureau.api.client.post(one.path, headers={"Idempotency-Key": one.key}, **one.request)
            except httpx.TransportError:
                return
            assert answer.status_code == 202, answer.text
            one.job = answer.json()["id"]


def ended(bureau: EmbeddedBureau, one: Submission, deadline: float) -> dict[str, Any]:
    """The job once it ended; asked with Prefer, so that the asking does not keep the process busy."""
    wait = {"Prefer": f"wait={max(0, int(deadline - time.monotonic()))}"}
    job: dict[str, Any] = bureau.api.get(f"/v1/jobs/{one.job}", headers=wait)
    if not job["finished_at"] and time.monotonic() < deadline:  # the longest wait is shorter than the time there is
        return ended(bureau, one, deadline)
    assert job["finished_at"], job
    return job


def list_of_jobs(bureau: EmbeddedBureau) -> list[str]:
    pages = [bureau.api.get("/v1/jobs", params={"limit": 200})]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(bureau.api.get("/v1/jobs", params={"limit": 200, "cursor": cursor}))
    return [job["id"] for page in pages for job in page["items"]]


def assert_files_whole(bureau: EmbeddedBureau, jobs: list[dict[str, Any]]) -> None:
    for job in jobs:
        for number, artifact in enumerate(job["artifacts"]):
            assert hashlib.sha256(bureau.api.file(job, number)).hexdigest() == artifact["sha256"]


def assert_each_mail_once(bureau: EmbeddedBureau, jobs: list[dict[str, Any]], expected: int) -> None:
    """Every mail is there, and none twice unless its job says that it may be."""
    parse = email.parser.BytesHeaderParser()
    mails = [parse.parsebytes(path.read_bytes()) for path in bureau.outbox.glob("*.eml")]
    sent = [task["result"] for job in jobs for task in job["tasks"] if task["run"] == "mailer.send"]
    assert len({mail["Message-ID"] for mail in mails}) == len(sent) == expected
    doubtful = {result["message_id"] for result in sent if result["outcome"] == "unknown"}
    times = Counter(mail["Message-ID"] for mail in mails)
    assert {message_id for message_id, count in times.items() if count > 1} <= doubtful
    assert len({mail["To"] for mail in mails}) == expected  # each job's recipient is its own
