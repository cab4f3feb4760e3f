"""Tests that the asynchronous client is as persistent and as careful as the blocking one, whose code it shares."""

import asyncio
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
import pytest

from bureau.client import (
    Artifact,
    AsyncArtifact,
    AsyncBureau,
    AsyncJob,
    Bureau,
    Damaged,
    Job,
    JobFailed,
    NotInTime,
    Patience,
    Problem,
    Unreachable,
)
from tests.support.servers.http_servers import Behaviour, ends_early, replies, resets
from tests.unit.client.conftest import JOB, Served, answer, problem
from tests.unit.client.test_artifact import BODY, data
from tests.unit.client.test_following import tells

Returned = TypeVar("Returned")
RUNNING = {**JOB, "state": "running", "finished_at": None}


class Asked:
    """Runs what a test does with an `AsyncBureau` that speaks to a fake gateway."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.waits: list[float] = []
        self.requests: list[Any] = []

    def __call__(
        self,
        does: Callable[[AsyncBureau], Awaitable[Returned]],
        *behaviours: Behaviour,
        patience: Patience | None = None,
    ) -> Returned:
        _, server = self._served(*behaviours)
        self.requests = server.requests

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        async def run() -> Returned:
            async with AsyncBureau(server.url, "bureau_abc_verysecret", patience=patience) as bureau:
                bureau.connection.sleep = sleep
                return await does(bureau)

        return asyncio.run(run())


@pytest.fixture
def asked(served: Served) -> Asked:
    return Asked(served)


@pytest.mark.parametrize(("ours", "theirs"), [(AsyncBureau, Bureau), (AsyncJob, Job), (AsyncArtifact, Artifact)])
def test_it_has_the_methods_of_the_blocking_client_with_their_parameters(ours: type, theirs: type) -> None:
    for name in dir(theirs):
        if name.startswith("_"):
            continue
        method = getattr(theirs, name)
        assert hasattr(ours, name), name
        if inspect.isfunction(method):
            assert list(inspect.signature(getattr(ours, name)).parameters) == list(
                inspect.signature(method).parameters
            ), name


def test_a_submission_is_retried_with_its_idempotency_key_until_it_is_answered(asked: Asked) -> None:
    trouble = [resets, problem(503, "ledger-unavailable", Retry_After="7"), problem(409, "idempotency-key-busy")]
    job = asked(lambda bureau: bureau.task("shop.suma", a=2, b=2), *trouble, answer(JOB, 202))
    assert (job.id, job.state) == (JOB["id"], "succeeded")
    assert len(asked.requests) == 4
    assert len({(request.headers["Idempotency-Key"], request.body) for request in asked.requests}) == 1
    assert 7 <= asked.waits[1] <= 8
    assert asked.requests[0].headers["Authorization"] == "Bearer bureau_abc_verysecret"


def test_every_try_sends_the_complete_files(asked: Asked, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_bytes(b"recipient,course\nAda,Patience\n" * 10_000)
    asked(
        lambda bureau: bureau.certificates(roster, ("more.csv", b""), email_to="ada@example.com", idempotency_key="k"),
        problem(503, "storage-unavailable"),
        answer(JOB, 202),
    )
    assert len(asked.requests) == 2
    for request in asked.requests:
        assert request.headers["Idempotency-Key"] == "k"
        assert request.body.count(b"Ada,Patience") == 10_000
        assert b'{"email_to": ["ada@example.com"]}' in request.body
        assert int(request.headers["Content-Length"]) == len(request.body)


def test_a_batch_and_an_upload_are_answered(asked: Asked) -> None:
    async def does(bureau: AsyncBureau) -> tuple[list[AsyncJob], AsyncArtifact]:
        jobs = await bureau.batch([{"tasks": []}], idempotency_key="three")
        return jobs, await bureau.upload(("sales.csv", BODY))

    jobs, stored = asked(does, answer({"items": [JOB, JOB]}, 202), answer(data(), 201))
    assert [job.id for job in jobs] == [JOB["id"]] * 2
    assert (stored.id, stored.size) == ("a1", len(BODY))
    assert BODY in asked.requests[1].body


def test_a_refusal_is_not_retried(asked: Asked) -> None:
    with pytest.raises(Problem, match="So it is"):
        asked(lambda bureau: bureau.email("nobody", "Hello", "text"), problem(422, "invalid"))
    assert (len(asked.requests), asked.waits) == (1, [])


def test_a_gateway_that_stays_down_is_named(asked: Asked) -> None:
    with pytest.raises(Unreachable, match="BUREAU_URL"):
        asked(lambda bureau: bureau.queues(), resets, patience=Patience(seconds=0))


@pytest.mark.parametrize("lost", [True, False])
def test_deleting_again_after_a_lost_answer_succeeds(lost: bool) -> None:
    tries: list[httpx.Request] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        tries.append(request)
        if lost and len(tries) == 1:
            raise httpx.ReadError("the connection was lost")
        return httpx.Response(404, json={"type": "/problems/not-found", "title": "Not found"})

    async def does() -> None:
        async with AsyncBureau("http://gateway.test", patience=Patience(base_seconds=0)) as bureau:
            bureau.connection._client = httpx.AsyncClient(base_url=bureau.url, transport=httpx.MockTransport(gateway))
            with nullcontext() if lost else pytest.raises(Problem, match="Not found"):
                await bureau.delete_schedule("daily")

    asyncio.run(does())
    assert [request.method for request in tries] == ["DELETE"] * (2 if lost else 1)


def test_pages_of_a_list_are_requested_as_they_are_needed(asked: Asked) -> None:
    async def does(bureau: AsyncBureau) -> list[str]:
        return [job.id async for job in bureau.jobs(state="failed", limit=2)]

    pages = [answer({"items": [{**JOB, "id": str(n)}], "next_cursor": f"c{n}"}) for n in range(3)]
    assert asked(does, *pages) == ["0", "1"]
    assert [request.path for request in asked.requests] == [
        "/v1/jobs?state=failed&limit=2",
        "/v1/jobs?state=failed&limit=1&cursor=c0",
    ]


def test_a_schedule_is_run_and_many_jobs_are_retried(asked: Asked) -> None:
    async def does(bureau: AsyncBureau) -> int:
        await bureau.run_schedule("daily")
        return (await bureau.retry(state="failed", expect=1)).changed

    assert asked(does, answer(JOB, 202), answer({"count": 1, "changed": 1, "dry_run": False})) == 1
    assert asked.requests[0].path == "/v1/schedules/daily/run"
    assert json.loads(asked.requests[1].body) == {"filter": {"state": ["failed"]}, "dry_run": False, "expect": 1}


def test_a_lost_stream_of_events_continues_behind_the_last_event(asked: Asked) -> None:
    async def does(bureau: AsyncBureau) -> list[int]:
        return [event.id async for event in AsyncJob(bureau.connection, cast("Any", JOB)).follow()]

    behaviours = [tells(1, half=True), resets, tells(2, 3, ends=False), tells(), problem(503, "too-many-streams")]
    assert asked(does, *behaviours, tells(4), replies(204)) == [1, 2, 3, 4]
    told = [request.headers.get("Last-Event-ID", "") for request in asked.requests]
    assert told == ["", "1", "1", "3", "3", "3", "4"]


def test_wait_polls_until_the_job_has_ended(asked: Asked) -> None:
    async def does(bureau: AsyncBureau) -> AsyncJob:
        return await AsyncJob(bureau.connection, cast("Any", RUNNING)).wait(60)

    assert asked(does, answer(RUNNING), resets, answer(JOB)).state == "succeeded"
    assert asked.requests[0].headers["Prefer"] == "wait=30"


def test_wait_tells_a_failure_and_a_job_that_takes_too_long(asked: Asked) -> None:
    error = {"code": "shop_away", "message": "The shop does not answer.", "retryable": True, "task": "add"}

    async def does(bureau: AsyncBureau) -> None:
        job = await bureau.get(JOB["id"])
        with pytest.raises(JobFailed, match=r"shop_away: The shop does not answer\.") as caught:
            await job.wait(60)
        assert caught.value.job is job
        with pytest.raises(NotInTime, match="still running after 0 s"):
            await (await job.retry()).wait(0)

    asked(does, answer({**JOB, "state": "failed", "error": error}), answer(RUNNING))


def test_a_download_that_was_cut_off_continues_where_it_ended(asked: Asked, tmp_path: Path) -> None:
    async def does(bureau: AsyncBureau) -> Path:
        file = await (await bureau.get(JOB["id"])).artifact("sales*")
        return await file.save(tmp_path)

    job = {**JOB, "artifacts": [data()]}
    cut = ends_early(BODY[:4000], len(BODY))
    saved = asked(does, answer(job), cut, resets, replies(206, BODY[4000:7000]), replies(200, BODY))
    assert saved == tmp_path / "sales.csv"
    assert hashlib.sha256(saved.read_bytes()).hexdigest() == data()["sha256"]
    assert list(tmp_path.iterdir()) == [saved]


def test_a_file_with_another_content_is_refused_and_deleted(asked: Asked, tmp_path: Path) -> None:
    async def does(bureau: AsyncBureau) -> None:
        await AsyncArtifact(bureau.connection, data()).save(tmp_path)

    with pytest.raises(Damaged):
        asked(does, replies(200, BODY[:-1] + b"x"))
    assert list(tmp_path.iterdir()) == []
