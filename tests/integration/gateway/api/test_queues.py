"""/v1/queues and /v1/tasks: how work stands, and what operators do to it."""

from typing import Any
from uuid import UUID

from sqlalchemy import delete

from bureau.contracts.catalog import Catalog
from bureau.ledger.db.tables import workers as workers_table
from bureau.ledger.dispatch import workers
from bureau.ledger.jobs.outcome import RetryLater, Succeeded
from tests.integration.gateway.api.test_jobs import submit, suma
from tests.integration.gateway.conftest import SUMA, Door, pointers
from tests.support.waiting import until

LATER = RetryLater(3600, {"code": "shop_away", "message": "The shop is closed.", "retryable": True}, counted=True)


def queue(door: Door, name: str = "shop") -> dict[str, Any]:
    found: list[dict[str, Any]] = [row for row in door.get("/v1/queues").json()["items"] if row["name"] == name]
    return found[0]


def test_a_queue_tells_how_it_stands(door: Door) -> None:
    submit(door, suma("first"), suma("second", after=["first"]))
    submit(door, delay_seconds=60)
    row = queue(door)
    assert (row["queued"], row["scheduled"], row["waiting"], row["running"]) == (1, 1, 1, 0)
    assert (row["workers"], row["paused_at"]) == (1, None)


def test_a_paused_queue_says_so_until_it_is_resumed(door: Door) -> None:
    job = submit(door)
    paused = door.post("/v1/queues/shop/pause")
    assert paused.status_code == 200
    assert paused.json()["paused_at"].endswith("Z")
    assert door.get(f"/v1/jobs/{job['id']}").json()["waiting"]["reason"] == "queue_paused"
    assert door.post("/v1/queues/shop/resume").json()["paused_at"] is None
    waiting = door.get(f"/v1/jobs/{job['id']}").json()["waiting"]
    assert (waiting["reason"], waiting["position"]) == ("behind", 1)


def test_a_purge_counts_first_and_cancels_then(door: Door) -> None:
    jobs = [submit(door)["id"] for _ in range(3)]
    counted = door.post("/v1/queues/shop/purge", {"dry_run": True})
    assert counted.json() == {"count": 3, "changed": 0, "dry_run": True}
    wrong = door.post("/v1/queues/shop/purge", {"expect": 2})
    assert (wrong.status_code, wrong.json()["type"]) == (409, "/problems/count-changed")
    done = door.post("/v1/queues/shop/purge", {"expect": 3})
    assert done.json() == {"count": 3, "changed": 3, "dry_run": False}
    assert {door.get(f"/v1/jobs/{job}").json()["error"]["code"] for job in jobs} == {"purged"}


def test_there_is_no_queue_that_nobody_serves_or_uses(door: Door) -> None:
    for verb in ("pause", "resume", "purge"):
        assert door.post(f"/v1/queues/nowhere/{verb}", {}).status_code == 404


def test_tasks_are_told_apart_by_what_they_do(door: Door) -> None:
    active, retrying = submit(door, title="Active"), submit(door, title="Retrying")
    submit(door, title="Scheduled", delay_seconds=60)
    submit(door, title="Reserved")
    door.book.take(UUID(active["id"]), "add")
    door.book.run(UUID(retrying["id"]), "add", LATER)
    for state, title in (
        ("running", "Active"),
        ("retrying", "Retrying"),
        ("scheduled", "Scheduled"),
        ("queued", "Reserved"),
    ):
        (task,) = door.get(f"/v1/tasks?state={state}").json()["items"]
        assert (task["job_title"], task["state"], task["queue"]) == (title, state, "shop")
    assert len(door.get("/v1/tasks?state=running&state=queued").json()["items"]) == 2
    assert door.get("/v1/tasks?queue=mailer").json()["items"] == []


def test_tasks_come_in_pages_the_newest_first(door: Door) -> None:
    for number in range(5):
        submit(door, title=str(number))
    first = door.get("/v1/tasks?limit=3&run=shop.suma").json()
    second = door.get(f"/v1/tasks?limit=3&run=shop.suma&cursor={first['next_cursor']}").json()
    assert [task["job_title"] for task in first["items"] + second["items"]] == list("43210")
    assert second["next_cursor"] is None


def test_a_batch_is_accepted_whole(door: Door) -> None:
    answer = door.post("/v1/jobs/batch", {"jobs": [{"title": str(n), "tasks": [suma()]} for n in range(1000)]})
    assert answer.status_code == 202
    assert [job["title"] for job in answer.json()["items"]] == [str(n) for n in range(1000)]
    assert queue(door)["queued"] == 1000


def test_a_batch_with_one_error_is_refused_by_index_and_changes_nothing(door: Door) -> None:
    wrong = {"tasks": [suma(input={"a": "two", "b": 2})], "run_at": "9999-01-01T00:00:00Z"}
    answer = door.post("/v1/jobs/batch", {"jobs": [{"tasks": [suma()]}, wrong]})
    assert (answer.status_code, sorted(pointers(answer))) == (
        422,
        ["#/jobs/1/run_at", "#/jobs/1/tasks/0/input/a"],
    )
    assert door.get("/v1/jobs").json()["items"] == []


def test_a_batch_sent_again_answers_the_same_jobs_as_they_are_now(door: Door) -> None:
    body = {"jobs": [{"tasks": [suma()]}, {"tasks": [suma()]}]}
    first = door.post("/v1/jobs/batch", body, headers={"Idempotency-Key": "once"}).json()["items"]
    door.book.run(UUID(first[1]["id"]), "add", Succeeded(4))
    again = door.post("/v1/jobs/batch", body, headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert [job["id"] for job in again.json()["items"]] == [job["id"] for job in first]
    assert [job["state"] for job in again.json()["items"]] == ["queued", "succeeded"]


def test_a_batch_holds_between_one_and_a_thousand_jobs(door: Door) -> None:
    for jobs in ([], [{"tasks": [suma()]}] * 1001):
        answer = door.post("/v1/jobs/batch", {"jobs": jobs})
        assert (answer.status_code, pointers(answer)) == (422, ["#/jobs"])


def on(queue: str | None, run: str = "shop.suma") -> dict[str, Any]:
    given = {"a": 2, "b": 2} if run == "shop.suma" else {}
    task = {"name": "add", "run": run, "input": given}
    return {"tasks": [task if queue is None else {**task, "queue": queue}]}


def test_a_task_may_go_to_each_queue_on_which_it_was_announced(door: Door) -> None:
    door.announce("bulk", Catalog(tasks=[SUMA]))
    until(lambda: "bulk" in door.get("/v1/catalog/tasks").text, 30)
    (suma,) = [one for one in door.get("/v1/catalog/tasks").json()["items"] if one["name"] == "shop.suma"]
    assert (suma["queue"], suma["queues"]) == ("shop", ["bulk", "shop"])
    for queue, expected in (("bulk", "bulk"), ("shop", "shop"), (None, "shop")):
        job = door.post("/v1/jobs", on(queue)).json()
        assert (job["tasks"][0]["queue"], job["waiting"]["reason"]) == (expected, "behind")
        assert door.get(f"/v1/jobs/{job['id']}").json()["waiting"]["reason"] == "behind"
    names = {row["name"]: row["queued"] for row in door.get("/v1/queues").json()["items"]}
    assert (names["bulk"], names["shop"]) == (1, 2)


def test_a_queue_without_a_worker_for_the_task_is_refused_with_those_that_have_one(door: Door) -> None:
    door.announce("bulk", Catalog(tasks=[SUMA]))
    until(lambda: "bulk" in door.get("/v1/catalog/tasks").text, 30)
    for queue, run, others in (("nights", "shop.suma", "bulk, shop"), ("bulk", "shop.picture", "shop")):
        refused = door.post("/v1/jobs", on(queue, run))
        (error,) = refused.json()["errors"]
        assert (refused.status_code, error["code"], error["pointer"]) == (422, "unknown_queue", "#/tasks/0/queue")
        assert error["detail"] == f"No worker serves {run} on the queue {queue}; it is served on {others}."
    assert pointers(door.post("/v1/jobs", on("No queue"))) == ["#/tasks/0/queue"]


def test_a_schedule_may_name_a_queue_and_waits_while_nobody_serves_it(door: Door) -> None:
    body = {"cron": "0 7 * * *", "job": on("bulk")}
    assert door.client.put("/v1/schedules/nightly", json=body).status_code == 422
    door.announce("bulk", Catalog(tasks=[SUMA]))
    until(lambda: "bulk" in door.get("/v1/catalog/tasks").text, 30)
    assert door.client.put("/v1/schedules/nightly", json=body).status_code in (200, 201)
    (old,) = [worker.id for worker in workers.workers(door.db) if worker.queue == "bulk"]
    with door.db.transaction() as connection:
        connection.execute(delete(workers_table).where(workers_table.c.id == old))
    until(lambda: "bulk" not in door.get("/v1/catalog/tasks").text, 30)
    ran = door.client.post("/v1/schedules/nightly/run")
    assert ran.status_code == 202, ran.text
    job = ran.json()
    assert (job["tasks"][0]["queue"], job["waiting"]["reason"]) == ("bulk", "no_worker")
