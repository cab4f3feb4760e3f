"""POST /v1/emails to nobody in `to`, with headers of one's own, and to many people with a mail for each."""

from pathlib import Path
from typing import Any

import pytest

from bureau.services.gateway.settings import GatewaySettings
from tests.integration.gateway.conftest import Door, make_door, pointers

MAIL = {"subject": "Hello", "text": "It works."}
WELCOME = {"template": "welcome", "context": {"product": "Bureau"}}


def inputs(door: Door, answer: Any) -> dict[str, dict[str, Any]]:
    """By the tasks' names."""
    assert answer.status_code == 202, answer.text
    tasks = door.get(f"/v1/jobs/{answer.json()['id']}/tasks?limit=200").json()["items"]
    assert {task["run"] for task in tasks} == {"mailer.send"}
    return {task["name"]: task["input"] for task in tasks}


@pytest.mark.parametrize("field", ["cc", "bcc"])
def test_a_mail_may_have_copies_only(door: Door, field: str) -> None:
    sent = inputs(door, door.post("/v1/emails", {**MAIL, field: ["ada@example.com"]}))
    assert sent == {"send": {**MAIL, field: ["ada@example.com"]}}


def test_a_template_to_blind_copies_only_names_its_job(door: Door) -> None:
    job = door.post("/v1/emails", {**WELCOME, "bcc": ["ada@example.com"]}).json()
    assert job["title"] == "welcome to ada@example.com"


def test_headers_of_one_s_own_reach_the_mailer(door: Door) -> None:
    headers = {"X-Ticket": "4711", "List-Id": "<members.example.com>"}
    sent = inputs(door, door.post("/v1/emails", {**MAIL, "to": ["ada@example.com"], "headers": headers}))
    assert sent["send"]["headers"] == headers


def test_each_recipient_gets_a_mail_of_their_own(door: Door) -> None:
    people = [
        "Ada <ada@example.com>",
        {"to": "bob@example.com", "context": {"name": "Bob"}, "language": "fr"},
        {"to": "eve@example.com", "unsubscribe": "https://example.com/u/eve", "context": {"product": "Hers"}},
    ]
    answer = door.post("/v1/emails", {**WELCOME, "recipients": people, "categories": ["welcome"]})
    shared = {"template": "welcome", "categories": ["welcome"]}
    assert inputs(door, answer) == {
        "send-1": {**shared, "to": ["Ada <ada@example.com>"], "context": {"product": "Bureau"}},
        "send-2": {
            **shared,
            "to": ["bob@example.com"],
            "context": {"product": "Bureau", "name": "Bob"},
            "language": "fr",
        },
        "send-3": {
            **shared,
            "to": ["eve@example.com"],
            "context": {"product": "Hers"},
            "unsubscribe": "https://example.com/u/eve",
        },
    }
    assert answer.json()["title"] == "welcome to 3 recipients"


def test_a_thousand_people_are_one_job_and_share_what_is_long(door: Door) -> None:
    people = [f"person{number}@example.com" for number in range(1000)]
    answer = door.post("/v1/emails", {"subject": "News", "html": "<p>" + "x" * 3000, "recipients": people})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert (job["counts"]["queued"], len(door.stored())) == (1000, 1)
    bodies = {task["input"]["html"]["artifact"] for task in job["tasks"]}
    assert len(bodies) == 1


def test_a_form_takes_them_too(door: Door) -> None:
    form = {"subject": "Hello", "text": "x", "recipients": ["ada@example.com", "bob@example.com"]}
    answer = door.post("/v1/emails", data=form, files=[("files", ("a.pdf", b"%PDF", "application/pdf"))])
    sent = inputs(door, answer)
    assert [one["to"] for one in sent.values()] == [["ada@example.com"], ["bob@example.com"]]
    assert sent["send-1"]["attachments"] == sent["send-2"]["attachments"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({}, ["#/to"]),
        ({"recipients": ["a@example.com"], "to": ["b@example.com"]}, ["#/recipients"]),
        ({"recipients": ["nobody", {"to": "@"}]}, ["#/recipients/0/to", "#/recipients/1/to"]),
        ({"recipients": ["Ada <ada@example.com>", "b@example.com", "ADA@example.com"]}, ["#/recipients/2/to"]),
        ({"recipients": [{"context": {}}]}, ["#/recipients/0/to"]),
        ({"recipients": [{"to": "a@example.com", "cc": []}]}, ["#/recipients/0/cc"]),
        ({"recipients": [{"to": "a@example.com", "context": {"a": "x" * 17_000}}]}, ["#/recipients/0/context"]),
        (
            {"recipients": [{"to": "a@example.com", "context": {"a": {"$result": "/x"}}}]},
            ["#/recipients/0/context/a"],
        ),
        ({"recipients": [f"p{number}@example.com" for number in range(1001)]}, ["#/recipients"]),
        (
            {"recipients": [f"p{number}@example.com" for number in range(1000)], "context": {"a": "x" * 10_000}},
            ["#/recipients"],
        ),
    ],
)
def test_wrong_recipients_are_refused_by_place(door: Door, change: dict[str, Any], where: list[str]) -> None:
    answer = door.post("/v1/emails", {**MAIL, **change})
    assert (answer.status_code, pointers(answer)) == (422, where)


def test_a_mail_to_more_than_a_hundred_says_what_to_do(door: Door) -> None:
    people = [f"p{number}@example.com" for number in range(101)]
    answer = door.post("/v1/emails", {**MAIL, "bcc": people})
    assert (answer.status_code, pointers(answer)) == (422, ["#/to"])
    assert "MAX_RECIPIENTS allows 100 in a mail. With `recipients`" in answer.text


def test_only_the_domains_that_are_allowed_are_written_to(tmp_path: Path) -> None:
    door = make_door(tmp_path, GatewaySettings(recipient_domains="example.com"))
    answer = door.post("/v1/emails", {**MAIL, "recipients": ["a@example.com", "b@elsewhere.example"]})
    assert (answer.status_code, pointers(answer)) == (422, ["#/recipients"])
    door.client.close()
    door.db.close()
