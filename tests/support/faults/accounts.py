"""Audits a round: what became of each job, in the ledger and in the outside world."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from psycopg.rows import dict_row

from tests.support.archives import contents
from tests.support.faults.counting import ARCHIVE, CountingApi, CountingMail
from tests.support.servers.postgres import connect

# A mail that was handed over and whose end nobody wrote waits until its intent is 180 s old.
_IN_DOUBT = "EXISTS (SELECT FROM deliveries d WHERE d.task_id = t.id AND d.state IN ('open', 'unknown'))"


class Books:
    """Reads the ledger by itself, not through the code under test."""

    def __init__(self, url: str) -> None:
        self._url = url

    def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        with connect(self._url) as connection, connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query.encode(), parameters).fetchall()

    def one(self, query: str, *parameters: Any) -> int:
        """The first column of the first row."""
        return int(next(iter(self.rows(query, *parameters)[0].values())) or 0)

    def unfinished(self, job_ids: Sequence[str]) -> int:
        return self.one("SELECT count(*) FROM jobs WHERE state = 'open' AND id = ANY(%s::uuid[])", list(job_ids))

    def running(self, job_ids: Sequence[str]) -> int:
        """Tasks of theirs in a worker's hands."""
        query = "SELECT count(*) FROM tasks WHERE state = 'running' AND job_id = ANY(%s::uuid[])"
        return self.one(query, list(job_ids))

    def in_doubt(self, job_ids: Sequence[str]) -> int:
        """Of the unfinished ones, those that wait because a mail of theirs may or may not have left."""
        query = f"""SELECT count(DISTINCT j.id) FROM jobs j JOIN tasks t ON t.job_id = j.id
                    WHERE j.state = 'open' AND j.id = ANY(%s::uuid[]) AND {_IN_DOUBT}"""  # noqa: S608 - our own words
        return self.one(query, list(job_ids))

    def open_tasks(self, job_ids: Sequence[str]) -> list[dict[str, Any]]:
        """For a message: what the unfinished ones wait for."""
        return self.rows(
            """SELECT t.run, t.state, t.failures, t.crashes, t.hints, t.claim_no, t.error->>'code' AS error,
                      round(extract(epoch FROM t.due_at - now())::numeric, 1)::float AS due_in,
                      round(extract(epoch FROM t.lease_until - now())::numeric, 1)::float AS lease
               FROM tasks t JOIN jobs j ON j.id = t.job_id
               WHERE j.state = 'open' AND j.id = ANY(%s::uuid[]) LIMIT 20""",
            list(job_ids),
        )

    def recorded(self, job_ids: Sequence[str]) -> Counter[str]:
        """Claims that did not succeed, by what became of them: crashed, retry, postponed, handed_back …"""
        rows = self.rows(
            """SELECT a.outcome, count(*) AS n FROM attempts a JOIN tasks t ON t.id = a.task_id
               WHERE t.job_id = ANY(%s::uuid[]) GROUP BY 1""",
            list(job_ids),
        )
        return Counter({row["outcome"]: row["n"] for row in rows})


@dataclass
class Account:
    """Holds the result of a round. `lost` and `doubled` name the jobs concerned, in words."""

    submitted: int = 0
    states: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unknown_mails: int = 0

    @property
    def balanced(self) -> bool:
        ended = sum(self.states[state] for state in ("succeeded", "failed", "cancelled"))
        return self.submitted == ended + self.states["open"]


class Auditor:
    """Compares the ledger with the mail server, the certificates API, the effects and the files."""

    def __init__(self, books: Books, *, mail: CountingMail, api: CountingApi, effects: Path, gateway: str) -> None:
        self._books = books
        self._mail = mail
        self._api = api
        self._effects = effects
        self._gateway = gateway

    def account(self, job_ids: Sequence[str]) -> Account:
        account = Account(submitted=len(job_ids))
        jobs = self._books.rows("SELECT id, state, error FROM jobs WHERE id = ANY(%s::uuid[])", list(job_ids))
        account.states = Counter(job["state"] for job in jobs)
        account.lost += [f"job {job_id} is gone" for job_id in set(job_ids) - {str(job["id"]) for job in jobs}]
        account.failed += [f"{job['id']}: {job['error']}" for job in jobs if job["state"] == "failed"]
        tasks = self._books.rows("SELECT * FROM tasks WHERE job_id = ANY(%s::uuid[])", list(job_ids))
        self._events(account, list(job_ids))
        self._mails(account, [task for task in tasks if task["run"] == "mailer.send"])
        self._work(account, [task for task in tasks if task["run"].startswith("chaos.")])
        self._issued(account, [task for task in tasks if task["run"] == "certificates.issue"])
        self._files(account, [task for task in tasks if task["state"] == "succeeded"])
        return account

    def _events(self, account: Account, job_ids: list[str]) -> None:
        """A result counts once, and so does a job's end."""
        twice = self._books.rows(
            """SELECT job_id, type, task FROM events WHERE job_id = ANY(%s::uuid[])
               AND type IN ('task.succeeded', 'task.failed', 'job.finished') GROUP BY 1, 2, 3 HAVING count(*) > 1""",
            job_ids,
        )
        account.doubled += [f"{row['type']} of {row['job_id']} {row['task']}" for row in twice]

    def _mails(self, account: Account, tasks: list[dict[str, Any]]) -> None:
        accepted = self._mail.accepted()
        for task in tasks:
            result = task["result"] or {}
            doubtful = result.get("outcome") == "unknown"
            account.unknown_mails += doubtful
            refused = set(result.get("refused", ()))
            for recipient in set(task["input"]["to"]) - refused:
                count = accepted[f"<{task['id']}@faults.test>", recipient]
                if task["state"] == "succeeded" and count == 0:
                    account.lost.append(f"mail {task['id']} to {recipient}")
                if count > 1 and not doubtful:
                    account.doubled.append(f"mail {task['id']} to {recipient}: {count} times")

    def _work(self, account: Account, tasks: list[dict[str, Any]]) -> None:
        lines = Counter(tuple(line.split()[:2]) for line in self._lines())
        by_task: Counter[str] = Counter()
        for (task_id, claim_no), count in lines.items():
            by_task[task_id] += 1
            if count > 1:
                account.doubled.append(f"claim {claim_no} of {task_id} ran {count} times")
        results = {(task["job_id"], task["name"]): task["result"] for task in tasks}
        for task in tasks:
            if task["state"] == "succeeded" and not by_task[str(task["id"])]:
                account.lost.append(f"the effect of {task['run']} {task['id']}")
            if task["state"] == "succeeded" and task["run"] == "chaos.total":
                whole = sum(results[task["job_id"], name] for name in task["after"])
                if task["result"] != whole:
                    account.lost.append(f"join {task['id']}: {task['result']} in place of {whole}")

    def _issued(self, account: Account, tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            requests = self._api.requests[str(task["id"])]
            if task["state"] == "succeeded" and not requests:
                account.lost.append(f"request of {task['id']}")
            if requests > task["claim_no"]:
                account.doubled.append(f"{requests} requests by {task['claim_no']} claims of {task['id']}")

    def _files(self, account: Account, tasks: list[dict[str, Any]]) -> None:
        """Each task that makes a file has made one, and it can be fetched."""
        made = {"certificates.issue": "zip", "reports.generate": "csv", "chaos.file": "txt"}
        artifacts: dict[tuple[Any, str], list[dict[str, Any]]] = {}
        job_ids = sorted({str(task["job_id"]) for task in tasks})
        for row in self._books.rows("SELECT * FROM artifacts WHERE job_id = ANY(%s::uuid[])", job_ids):
            artifacts.setdefault((row["job_id"], row["task"]), []).append(row)
        with httpx.Client(base_url=self._gateway, timeout=30) as client:
            for task in tasks:
                if task["run"] not in made:
                    continue
                files = artifacts.get((task["job_id"], task["name"]), [])
                if len(files) > 1:
                    account.doubled.append(f"{len(files)} files of {task['id']}")
                if not files or not _fetched(client, files[0]):
                    account.lost.append(f"the file of {task['run']} {task['id']}")

    def _lines(self) -> list[str]:
        return self._effects.read_text().splitlines() if self._effects.exists() else []


def _fetched(client: httpx.Client, file: dict[str, Any]) -> bool:
    answer = client.get(f"/v1/artifacts/{file['id']}/{file['name']}")
    whole = answer.status_code == 200 and len(answer.content) == file["size"]
    return whole and (file["media_type"] != "application/zip" or contents(answer.content) == contents(ARCHIVE))
