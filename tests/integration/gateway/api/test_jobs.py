"""/v1/jobs: graphs in, the list, a job, its tasks, cancel."""

import threading
from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.catalog import Catalog
from bureau.contracts.ids import new_id
from bureau.ledger.dispatch import workers
from bureau.ledger.jobs.outcome import Succeeded
from tests.integration.gateway.conftest import SUMA, Door, pointers
from tests.support.waiting import until

NOBODY = "7f3e0f5e-3c4e-4c1e-9d0c-0d7d7d7d7d7d"


def suma(name: str = "add", after: list[str] | None = None, **fields: Any) -> dict[str, Any]:
    return {"name": name, "run": "shop.suma", "input": {"a": 2, "b": 2}, "after": after or [], **fields}


def submit(door: Door, *tasks: dict[str, Any], **terms: Any) -> dict[str, Any]:
    answer = door.post("/v1/jobs", {"tasks": list(tasks) or [suma()], **terms})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def test_a_single_task_is_submitted_and_its_result_shown(door: Door) -> None:
    job = submit(door, title="Two and two")
    assert (job["kind"], job["title"], job["counts"]) == ("job", "Two and two", {"queued": 1})
    door.book.run(UUID(job["id"]), "add", Succeeded(4))
    ended = door.get(f"/v1/jobs/{job['id']}").json()
    assert (ended["state"], ended["tasks"][0]["result"]) == ("succeeded", 4)
    assert ended["finished_at"].endswith("Z")


def test_a_chain_passes_results_on(door: Door) -> None:
    more = {"name": "more", "run": "shop.suma", "after": ["add"], "input": {"a": {"$result": "/add"}, "b": 4}}
    job = submit(door, suma(), more, suma("spare", optional=True))
    assert [task["state"] for task in job["tasks"]] == ["queued", "waiting", "queued"]
    door.book.run(UUID(job["id"]), "add", Succeeded(4))
    assert door.get(f"/v1/jobs/{job['id']}").json()["tasks"][1]["state"] == "queued"


def test_a_task_that_a_new_version_removed_shows_no_worker_and_is_refused(door: Door) -> None:
    """Workers of the new version serve the queue, but leave the removed task alone."""
    picture = {"name": "draw", "run": "shop.picture", "input": {}}
    waiting = submit(door, picture)
    assert waiting["waiting"]["reason"] == "behind"
    (old,) = [worker.id for worker in workers.workers(door.db) if worker.service == "shop"]
    door.announce("shop", Catalog(tasks=[SUMA]))
    assert door.post("/v1/jobs", {"tasks": [picture]}).status_code == 202  # the old worker still serves it
    workers.stopped(door.db, [old])
    until(lambda: door.get(f"/v1/jobs/{waiting['id']}").json()["waiting"]["reason"] == "no_worker", 30)
    assert "No running worker has the task shop.picture" in door.get(f"/jobs/{waiting['id']}").text
    refused = door.post("/v1/jobs", {"tasks": [picture]})
    assert (refused.status_code, pointers(refused)) == (422, ["#/tasks/0/run"])


def test_the_task_overrides_its_job_and_the_job_what_was_announced(door: Door) -> None:
    tasks = [
        suma("a", retry={"max_attempts": 1}, time_limit_seconds=5),
        suma("b"),
        suma("c", retry={"base_seconds": 9}),
    ]
    job = submit(door, *tasks, retry={"max_attempts": 3})
    rows = door.book.tasks(UUID(job["id"]))
    assert [row.max_attempts for row in rows] == [1, 3, 3]
    assert [row.base_seconds for row in rows] == [1.0, 1.0, 9.0]
    assert [row.time_limit_seconds for row in rows] == [5, 600, 600]


@pytest.mark.parametrize(
    ("tasks", "where", "words"),
    [
        ([suma(run="shop.nothing")], ["#/tasks/0/run"], "known: certificates.issue, certificates.tell"),
        ([suma(input={"a": "2"})], ["#/tasks/0/input/b", "#/tasks/0/input/a"], "required"),
        ([suma("a"), suma("a")], ["#/tasks/1/name"], "its own name"),
        ([suma("a", ["b"])], ["#/tasks/0/after/0"], "called b"),
        ([suma("a", ["b"]), suma("b", ["a"])], ["#/tasks/0/after"], "a after b after a"),
        ([suma("a", input={"a": {"$result": "/b"}, "b": 1}), suma("b")], ["#/tasks/0/input/a"], "`after`"),
        (
            [suma(), suma("b", ["add"], input={"a": {"$result": "/add/rows"}, "b": 1})],
            ["#/tasks/1/input/a"],
            "The result of add (shop.suma) has no rows; its type is integer.",
        ),
        ([suma("a", when="never")], ["#/tasks/0/when"], "succeeded"),
        ([{"name": "a", "run": "shop.picture", "input": {"x": {"artifact": NOBODY}}}], ["#/tasks/0/input/x"], NOBODY),
        ([], ["#/tasks"], "at least 1"),
        ([suma(f"t{n}") for n in range(1001)], ["#/tasks"], "1000"),
    ],
)
def test_a_wrong_graph_is_refused_in_words(door: Door, tasks: list[Any], where: list[str], words: str) -> None:
    answer = door.post("/v1/jobs", {"tasks": tasks})
    assert (answer.status_code, pointers(answer)) == (422, where)
    assert words in answer.json()["detail"]
    submit(door)  # what is right still goes through


def test_all_errors_of_a_graph_are_told_at_once(door: Door) -> None:
    body = {"tasks": [suma("a", ["x"]), suma("a", run="shop.nothing"), suma("c", input={})], "delay_seconds": 1}
    answer = door.post("/v1/jobs", {**body, "run_at": "2030-01-01T00:00:00Z"})
    assert len(pointers(answer)) == 6


def test_a_thousand_tasks_are_accepted_and_listed_page_by_page(door: Door) -> None:
    job = submit(door, *[suma(f"t{number}") for number in range(1000)])
    assert len(job["tasks"]) == 100
    assert job["counts"] == {"queued": 1000}
    names: list[str] = []
    cursor = ""
    while True:
        page = door.get(f"/v1/jobs/{job['id']}/tasks?limit=200{cursor}").json()
        names += [task["name"] for task in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert names == [f"t{number}" for number in range(1000)]


def test_without_any_service_it_is_said_when_to_come_again(empty_door: Door) -> None:
    answer = empty_door.post("/v1/jobs", {"tasks": [suma()]})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/no-service")


def test_a_file_of_the_owner_may_be_used(door: Door) -> None:
    stored = door.post("/v1/files", files={"file": ("a.png", b"x")}).json()
    task = {"name": "a", "run": "shop.picture", "input": {"picture": {"artifact": stored["id"]}}}
    assert submit(door, task)["tasks"][0]["input"] == task["input"]


def test_the_list_is_newest_first_and_stable_while_jobs_are_added(door: Door) -> None:
    first = [submit(door)["id"] for _ in range(5)]
    page = door.get("/v1/jobs?limit=2").json()
    submit(door)
    rest = door.get(f"/v1/jobs?limit=200&cursor={page['next_cursor']}").json()
    assert [job["id"] for job in [*page["items"], *rest["items"]]] == first[::-1]
    assert rest["next_cursor"] is None


def test_the_list_is_filtered(door: Door) -> None:
    plain = submit(door, title="Quarter end", tags=["q1"])["id"]
    later = submit(door, title="Year end", delay_seconds=3600)["id"]
    cancelled = submit(door, title="Nothing")["id"]
    door.post(f"/v1/jobs/{cancelled}/cancel")
    mail = door.post("/v1/emails", {"to": ["a@example.com"], "subject": "x", "text": "y"}).json()["id"]

    def listed(query: str) -> set[str]:
        return {job["id"] for job in door.get(f"/v1/jobs?{query}").json()["items"]}

    assert listed("state=queued") == {plain, mail}
    assert listed("state=scheduled&state=cancelled") == {later, cancelled}
    assert listed("kind=email") == {mail}
    assert listed("tag=q1") == {plain}
    assert listed("q=END") == {plain, later}
    assert listed("created_after=2020-01-01T00:00:00Z&created_before=2021-01-01T00:00:00Z") == set()
    assert listed("q=%00Year") == {later}


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("limit=0", ["limit"]),
        ("limit=201", ["limit"]),
        ("limit=x", ["limit"]),
        ("limit=1&limit=2", ["limit"]),
        ("state=done", ["state"]),
        ("cursor=nonsense", ["cursor"]),
        ("created_after=yesterday", ["created_after"]),
        ("created_after=0001-01-01T00:00:00%2B10:00", ["created_after"]),
        ("kind=x&color=red", ["kind", "color"]),
    ],
)
def test_a_wrong_query_names_its_parameter(door: Door, query: str, where: list[str]) -> None:
    answer = door.get(f"/v1/jobs?{query}")
    assert (answer.status_code, pointers(answer)) == (422, where)


@pytest.mark.parametrize(
    "path", [f"/v1/jobs/{NOBODY}", f"/v1/jobs/{NOBODY}/tasks", "/v1/jobs/1", "/v1/jobs/", "/v2/jobs"]
)
def test_an_unknown_job_is_a_404(door: Door, path: str) -> None:
    answer = door.get(path)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_another_owners_job_is_not_there(door: Door) -> None:
    other = door.book.submit(owner="somebody else")
    assert door.get(f"/v1/jobs/{other}").status_code == 404
    assert door.get(f"/v1/jobs/{other}/tasks").status_code == 404
    assert door.post(f"/v1/jobs/{other}/cancel").status_code == 404
    assert door.get("/v1/jobs").json()["items"] == []


def test_a_waiting_job_is_cancelled_and_may_be_cancelled_again(door: Door) -> None:
    job = submit(door)
    for _ in range(2):
        answer = door.post(f"/v1/jobs/{job['id']}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert answer.json()["error"]["code"] == "cancelled"


def test_a_running_job_is_asked_to_stop(door: Door) -> None:
    job = submit(door)
    door.book.take(UUID(job["id"]), "add")
    answer = door.post(f"/v1/jobs/{job['id']}/cancel", {})
    assert answer.json()["state"] == "running"
    assert answer.json()["cancel_requested_at"] is not None


def test_a_job_that_ended_otherwise_cannot_be_cancelled(door: Door) -> None:
    job = submit(door)
    door.book.run(UUID(job["id"]), "add", Succeeded(4))
    answer = door.post(f"/v1/jobs/{job['id']}/cancel")
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/job-ended")


def test_cancel_takes_nothing(door: Door) -> None:
    job = submit(door)
    answer = door.post(f"/v1/jobs/{job['id']}/cancel", {"force": True})
    assert (answer.status_code, pointers(answer)) == (422, ["#/force"])


def test_a_request_that_waits_gets_the_ended_job(door: Door) -> None:
    answers = []

    def post() -> None:
        answers.append(door.post("/v1/jobs", {"tasks": [suma()]}, headers={"Prefer": "wait=20"}))

    waiting = threading.Thread(target=post)
    waiting.start()
    job_id = _first_job(door)
    door.book.run(job_id, "add", Succeeded(4))
    waiting.join(20)
    (answer,) = answers
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (200, "wait=20")
    assert (answer.json()["state"], answer.headers["Location"]) == ("succeeded", f"/v1/jobs/{job_id}")


def test_a_wait_that_times_out_answers_202_and_200_for_a_read(door: Door) -> None:
    answer = door.post("/v1/jobs", {"tasks": [suma()]}, headers={"Prefer": "wait=0"})
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "wait=0")
    read = door.get(answer.headers["Location"], Prefer="wait=0")
    assert (read.status_code, read.headers["Preference-Applied"], read.json()["state"]) == (200, "wait=0", "queued")


def test_a_waiting_request_is_answered_when_the_process_stops(door: Door) -> None:
    door.stopping.set()
    answer = door.post("/v1/jobs", {"tasks": [suma()]}, headers={"Prefer": "wait=30"})
    assert answer.status_code == 202


def _first_job(door: Door) -> UUID:

    def listed() -> str | None:
        items = door.get("/v1/jobs").json()["items"]
        return items[0]["id"] if items else None

    found = until(listed, 20, "the job in the list")
    return UUID(found)


def test_jobs_are_found_by_a_part_of_their_id(door: Door) -> None:
    jobs = [submit(door)["id"] for _ in range(3)]
    for job in jobs:
        (found,) = door.get(f"/v1/jobs?id={job[-8:]}").json()["items"]
        assert found["id"] == job
    assert [one["id"] for one in door.get(f"/v1/jobs?id={jobs[0][:6]}").json()["items"]] == jobs[::-1]
    assert door.get(f"/v1/jobs?id={jobs[0][-8:]}&state=failed").json()["items"] == []
    assert door.get("/v1/jobs?id=monthly").json()["items"] == []
    assert pointers(door.get("/v1/jobs?id=abc")) == ["id"]


def test_what_is_not_there_is_named(door: Door) -> None:
    job = new_id()
    for path in (f"/v1/jobs/{job}", f"/v1/jobs/{job}/tasks", f"/v1/jobs/{job}/events"):
        assert door.get(path).json()["detail"] == f"Job {job} was not found."
    for act in ("cancel", "retry"):
        assert door.post(f"/v1/jobs/{job}/{act}").json()["detail"] == f"Job {job} was not found."
    assert door.get("/v1/schedules/nightly").json()["detail"] == "Schedule nightly was not found."
    assert door.post("/v1/queues/nothing/pause").json()["detail"] == "Queue nothing was not found."
