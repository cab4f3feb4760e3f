"""Provides a client of Bureau's HTTP API, as an application would use it, with the expectations of tests."""

from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.waiting import until

ENDS_SECONDS = 60.0
HELD_SECONDS = 5.0  # the gateway holds an answer back for so long, at most


class Api:
    """Calls the gateway at `url`; threads may share it. Close `client` at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, timeout=60.0)

    def get(self, path: str, **request: Any) -> Any:
        """The JSON of a 200."""
        answer = self.client.get(path, **request)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def submit(self, path: str, **request: Any) -> dict[str, Any]:
        """Posts and gives the accepted job."""
        answer = self.client.post(path, **request)
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
        return job

    def run(self, *tasks: Mapping[str, Any], **terms: Any) -> dict[str, Any]:
        """Posts a job of these tasks and gives it accepted."""
        return self.submit("/v1/jobs", json={"tasks": list(tasks), **terms})

    def refused(self, path: str, status: int, **request: Any) -> dict[str, Any]:
        """Posts and gives the problem (RFC 9457) that it must be refused with."""
        return problem_of(self.client.post(path, **request), status)

    def job(self, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/v1/jobs/{job_id}")
        return found

    def ended(self, job: Mapping[str, Any], seconds: float = ENDS_SECONDS) -> dict[str, Any]:
        """The job once it ended, however."""
        found: dict[str, Any] = {}

        def finished() -> bool:
            """The gateway looks for the end itself, which costs less than answering again and again."""
            nonlocal found
            wait = {"Prefer": f"wait={min(seconds, HELD_SECONDS):.0f}"}
            found = self.get(f"/v1/jobs/{job['id']}", headers=wait)
            return found["finished_at"] is not None

        until(finished, seconds, lambda: f"the end of {found}")
        return found

    def succeeded(self, job: Mapping[str, Any], seconds: float = ENDS_SECONDS) -> dict[str, Any]:
        ended = self.ended(job, seconds)
        assert ended["state"] == "succeeded", ended
        assert ended["error"] is None, ended
        return ended

    def failed(self, job: Mapping[str, Any], seconds: float = ENDS_SECONDS) -> dict[str, Any]:
        """The error of a job that must fail."""
        ended = self.ended(job, seconds)
        assert ended["state"] == "failed", ended
        error: dict[str, Any] = ended["error"]
        return error

    def file(self, job: Mapping[str, Any], number: int = 0) -> bytes:
        """An artifact of the job, downloaded."""
        return self.client.get(job["artifacts"][number]["url"]).raise_for_status().content


def problem_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem in an answer, which must have this status and tell its type, its reason and its request."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Request-Id"]
    problem: dict[str, Any] = answer.json()
    assert problem["type"].startswith("/problems/")
    assert problem["status"] == status
    assert problem["detail"], problem
    return problem


def told(problem: Mapping[str, Any]) -> list[tuple[str | None, str, str]]:
    """Each mistake of a problem: where it is, its code, its sentence."""
    return [
        (error.get("pointer") or error.get("parameter") or error.get("header"), error["code"], error["detail"])
        for error in problem["errors"]
    ]
