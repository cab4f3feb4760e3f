"""/v1/schedules: made, read, changed, run now, deleted; what is wrong with one is told when it is saved."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from bureau.contracts.schedules.schedules import Misfire
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.schedules import NewSchedule, ScheduleOrigin
from bureau.ledger.schedules.ticks import Timing
from tests.integration.gateway.api.test_jobs import NOBODY, suma
from tests.integration.gateway.conftest import Door, pointers

MORNINGS = {"cron": "0 7 * * 1-5", "time_zone": "Europe/Paris", "job": {"tasks": [suma()]}}
HOURLY = {"every_seconds": 3600, "job": {"title": "Each hour", "tasks": [suma()]}}


def put(door: Door, name: str = "mornings", **fields: Any) -> httpx.Response:
    return door.client.put(f"/v1/schedules/{name}", json={**MORNINGS, **fields})


def patch(door: Door, name: str = "mornings", **fields: Any) -> httpx.Response:
    return door.client.patch(f"/v1/schedules/{name}", json=fields)


def from_file(door: Door, name: str) -> None:
    job = {"tasks": [suma()]}
    new = NewSchedule("local", name, Timing("@daily", None, "UTC"), job, True, Misfire.ONCE, ScheduleOrigin.FILE)
    schedules.save(door.db, "local", name, ScheduleOrigin.FILE, lambda _: new)


def moments(answer: httpx.Response) -> list[datetime]:
    return [datetime.fromisoformat(moment) for moment in answer.json()["next_runs"]]


def test_a_schedule_is_made_and_read_with_its_next_five_times(door: Door) -> None:
    made = put(door)
    assert (made.status_code, made.headers["Location"]) == (201, "/v1/schedules/mornings")
    read = door.get("/v1/schedules/mornings")
    assert read.json() == made.json()
    shown = read.json()
    assert (shown["cron"], shown["every_seconds"], shown["time_zone"]) == ("0 7 * * 1-5", None, "Europe/Paris")
    assert (shown["enabled"], shown["misfire"], shown["source"]) == (True, "once", "api")
    assert (shown["job"], shown["last_job"], shown["problem"]) == (MORNINGS["job"], None, None)
    times = [moment.astimezone(ZoneInfo("Europe/Paris")) for moment in moments(read)]
    assert len(times) == 5
    assert all(time.hour == 7 and time.weekday() < 5 for time in times)
    assert datetime.now(UTC) < times[0] < times[4] < datetime.now(UTC) + timedelta(days=8)


def test_an_interval_counts_from_when_it_was_saved(door: Door) -> None:
    made = door.client.put("/v1/schedules/hourly", json=HOURLY)
    times = moments(made)
    assert [time - times[0] for time in times] == [timedelta(hours=hour) for hour in range(5)]
    assert timedelta(minutes=59) < times[0] - datetime.now(UTC) <= timedelta(hours=1)
    assert moments(door.client.put("/v1/schedules/hourly", json=HOURLY)) == times


def test_putting_it_again_replaces_it(door: Door) -> None:
    put(door)
    replaced = put(door, cron="@hourly", misfire="all")
    assert (replaced.status_code, replaced.json()["cron"], replaced.json()["misfire"]) == (200, "@hourly", "all")
    assert len(door.get("/v1/schedules").json()["items"]) == 1


@pytest.mark.parametrize(
    ("fields", "where", "words"),
    [
        ({"cron": "0 0 30 2 *"}, ["#/cron"], "month 2 has no day 30"),
        ({"cron": "61 * * * *"}, ["#/cron"], "its minute is 61; write 0 to 59"),
        ({"cron": None}, ["#/cron"], "Give either cron or every_seconds; neither is given"),
        ({"every_seconds": 60}, ["#/cron"], "both are given"),
        ({"every_seconds": 0, "cron": None}, ["#/every_seconds"], "1"),
        ({"time_zone": "Europe/Pari"}, ["#/time_zone"], "did you mean Europe/Paris?"),
        ({"misfire": "never"}, ["#/misfire"], "skip"),
        ({"colour": "red"}, ["#/colour"], "not a field"),
        ({"job": {"tasks": [suma(run="shop.nothing")]}}, ["#/job/tasks/0/run"], "known: certificates.issue"),
        ({"job": {"tasks": [suma(input={"a": "2"})]}}, ["#/job/tasks/0/input/a", "#/job/tasks/0/input/b"], ""),
        ({"job": {"tasks": []}}, ["#/job/tasks"], ""),
        ({"job": {"tasks": [suma(after=["add"])]}}, ["#/job/tasks/0/after"], "wait for each other"),
        ({"job": {"tasks": [suma()], "run_at": "2030-01-01T00:00:00Z"}}, ["#/job/run_at"], "cron or every_seconds"),
        ({"job": {"tasks": [suma()], "expires_at": "2030-01-01T00:00:00Z"}}, ["#/job/expires_at"], "leave it out"),
        (
            {"job": {"tasks": [{"name": "x", "run": "shop.picture", "input": {"of": {"artifact": NOBODY}}}]}},
            ["#/job/tasks/0/input/of"],
            f"File {NOBODY} not found",
        ),
        ({"cron": "0 0 30 2 *", "time_zone": "Mars", "job": {"tasks": [suma(run="a.b")]}}, None, ""),
    ],
)
def test_an_invalid_schedule_is_refused_when_it_is_saved(
    door: Door, fields: dict[str, Any], where: list[str] | None, words: str
) -> None:
    answer = put(door, **fields)
    assert answer.status_code == 422, answer.text
    assert sorted(pointers(answer)) == (where or ["#/cron", "#/job/tasks/0/run", "#/time_zone"])
    assert words in answer.text
    assert door.get("/v1/schedules/mornings").status_code == 404


@pytest.mark.parametrize("name", ["-x", ".x", "a b", "a" * 101, "ü", "%00"])
def test_names_are_plain(door: Door, name: str) -> None:
    answer = put(door, name)
    assert (answer.status_code, pointers(answer)) == (422, ["name"])
    assert door.get(f"/v1/schedules/{name}").status_code == 404


def test_without_any_service_there_is_nothing_to_schedule(empty_door: Door) -> None:
    answer = put(empty_door)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/no-service")


def test_a_patch_changes_what_it_gives(door: Door) -> None:
    put(door, misfire="all")
    disabled = patch(door, enabled=False)
    assert (disabled.status_code, disabled.json()["enabled"], disabled.json()["next_runs"]) == (200, False, [])
    enabled = patch(door, enabled=True).json()
    assert (len(enabled["next_runs"]), enabled["cron"], enabled["misfire"]) == (5, "0 7 * * 1-5", "all")
    by_seconds = patch(door, every_seconds=60).json()
    assert (by_seconds["cron"], by_seconds["every_seconds"]) == (None, 60)
    assert patch(door, cron="@daily").json()["every_seconds"] is None
    moved = patch(door, time_zone="Asia/Tokyo")
    assert [moment.astimezone(ZoneInfo("Asia/Tokyo")).hour for moment in moments(moved)] == [0] * 5
    assert patch(door, job={"tasks": [suma("other")]}).json()["job"]["tasks"][0]["name"] == "other"


def test_a_patch_is_checked_like_the_whole(door: Door) -> None:
    put(door)
    assert pointers(patch(door, cron="0 0 30 2 *")) == ["#/cron"]
    assert pointers(patch(door, cron="@daily", every_seconds=5)) == ["#/cron"]
    assert pointers(patch(door, job={"tasks": [suma(run="shop.nothing")]})) == ["#/job/tasks/0/run"]
    assert pointers(patch(door, colour="red")) == ["#/colour"]
    assert door.get("/v1/schedules/mornings").json()["cron"] == "0 7 * * 1-5"


def test_a_schedule_can_be_disabled_while_its_service_is_gone(door: Door) -> None:
    put(door)
    with door.db.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM workers")
    assert patch(door, enabled=False).status_code == 200


def test_run_makes_a_job_now_and_once_for_a_key(door: Door) -> None:
    put(door)
    before = door.get("/v1/schedules/mornings").json()["next_runs"]
    first = door.post("/v1/schedules/mornings/run", headers={"Idempotency-Key": "now"})
    again = door.post("/v1/schedules/mornings/run", headers={"Idempotency-Key": "now"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert (first.json()["title"], first.json()["tasks"][0]["name"]) == ("mornings", "add")
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert door.relay.woken == 1
    shown = door.get("/v1/schedules/mornings").json()
    assert (shown["last_job"]["id"], shown["last_job"]["state"]) == (first.json()["id"], "queued")
    assert shown["next_runs"] == before
    door.book.run(UUID(first.json()["id"]), "add", Succeeded(4))
    assert door.get("/v1/schedules/mornings").json()["last_job"]["state"] == "succeeded"
    assert len(door.get("/v1/jobs").json()["items"]) == 1


def test_the_job_keeps_a_title_of_its_own(door: Door) -> None:
    door.client.put("/v1/schedules/hourly", json=HOURLY)
    assert door.post("/v1/schedules/hourly/run").json()["title"] == "Each hour"


def test_a_deleted_schedule_is_gone_and_its_jobs_stay(door: Door) -> None:
    put(door)
    job = door.post("/v1/schedules/mornings/run").json()
    gone = door.client.delete("/v1/schedules/mornings")
    assert (gone.status_code, gone.content) == (204, b"")
    assert "Content-Type" not in gone.headers
    assert door.get(f"/v1/jobs/{job['id']}").status_code == 200
    for answer in (
        door.get("/v1/schedules/mornings"),
        patch(door, enabled=False),
        door.client.delete("/v1/schedules/mornings"),
        door.post("/v1/schedules/mornings/run"),
    ):
        assert answer.status_code == 404


def test_one_from_the_file_is_shown_and_run_and_not_changed(door: Door) -> None:
    from_file(door, "nightly")
    assert door.get("/v1/schedules/nightly").json()["source"] == "file"
    assert door.post("/v1/schedules/nightly/run").status_code == 202
    for answer in (
        put(door, "nightly"),
        patch(door, "nightly", enabled=False),
        door.client.delete("/v1/schedules/nightly"),
    ):
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/schedule-from-file")


def test_the_list_is_by_name_in_pages(door: Door) -> None:
    for name in ("c", "a", "b"):
        put(door, name)
    job = door.post("/v1/schedules/b/run").json()
    first = door.get("/v1/schedules?limit=2").json()
    second = door.get(f"/v1/schedules?limit=2&cursor={first['next_cursor']}").json()
    assert [one["name"] for one in first["items"] + second["items"]] == ["a", "b", "c"]
    assert (first["items"][1]["last_job"]["id"], second["next_cursor"]) == (job["id"], None)
    assert pointers(door.get("/v1/schedules?cursor=x")) == ["cursor"]


def test_a_file_that_a_schedule_refers_to_is_checked_and_kept(door: Door) -> None:
    file = door.post("/v1/files", files={"file": ("roster.csv", b"name\nAda\n", "text/csv")}).json()
    task = {"name": "draw", "run": "shop.picture", "input": {"of": {"artifact": file["id"]}}}
    assert put(door, job={"tasks": [task]}).status_code == 201
    job = door.post("/v1/schedules/mornings/run").json()
    door.book.run(UUID(job["id"]), "draw", Succeeded(None, removed=[UUID(file["id"])]))
    assert door.get(file["url"]).status_code == 200


def test_an_upload_tells_when_it_expires(door: Door) -> None:
    file = door.post("/v1/files", files={"file": ("a.txt", b"x", "text/plain")}).json()
    expires_at = datetime.fromisoformat(file["expires_at"])
    assert timedelta(hours=23) < expires_at - datetime.now(UTC) <= timedelta(hours=24)
