"""The three sugar routes: what they accept, the graph they make, what they refuse."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from bureau.contracts.catalog import Catalog
from bureau.ledger.files import artifacts
from tests.integration.gateway.conftest import ISSUE, SALES, Door, pointers

MAIL = {"to": ["Ada <ada@example.com>"], "subject": "Hello", "text": "It works."}
ROSTER = ("roster.csv", b"recipient,course\nAda,Welding\n", "text/csv")


def graph(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 202, answer.text
    tasks: list[dict[str, Any]] = answer.json()["tasks"]
    return tasks


def test_certificates_are_one_task_with_the_uploads(door: Door) -> None:
    files = [("files", ROSTER), ("files", ("../../b.csv", b"x", "text/csv"))]
    answer = door.post("/v1/certificates", files=files)
    (issue,) = graph(answer)
    job = answer.json()
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert (job["kind"], job["state"]) == ("certificates", "queued")
    assert job["title"] == "Certificates from roster.csv and 1 more"
    assert (issue["name"], issue["run"], issue["queue"]) == ("issue", "certificates.issue", "certificates")
    assert len(issue["input"]["files"]) == 2
    assert sorted(key.rpartition("/")[2] for key in door.stored()) == ["b.csv", "roster.csv"]
    assert door.relay.woken == 1


def test_certificates_are_mailed_by_a_second_task(door: Door) -> None:
    form = {"email_to": ["ada@example.com", "bob@example.com"], "subject": "Here", "priority": "7", "tags": ["a", "b"]}
    answer = door.post("/v1/certificates", files=[("files", ROSTER)], data=form)
    _, mail = graph(answer)
    assert (answer.json()["priority"], answer.json()["tags"]) == (7, ["a", "b"])
    assert (mail["name"], mail["run"], mail["after"], mail["state"]) == ("mail", "mailer.send", ["issue"], "waiting")
    assert mail["input"]["attachments"] == [{"$result": "/issue/archive"}]
    assert mail["input"]["template"] == "certificates-ready"
    assert mail["input"]["subject"] == "Here"
    assert mail["input"]["context"] == {
        "title": "Certificates from roster.csv",
        "members": {"$result": "/issue/members"},
        "bytes": {"$result": "/issue/bytes"},
        "sha256": {"$result": "/issue/sha256"},
    }
    assert mail["input"]["language"] == {"$result": "/issue/language"}


def test_a_failure_of_certificates_is_told_to_who_was_named(door: Door) -> None:
    form = {"email_to": ["dean@example.com"], "failure_email_to": ["ada@example.com"], "language": "es", "title": "May"}
    issue, mail, tell = graph(door.post("/v1/certificates", files=[("files", ROSTER)], data=form))
    assert (issue["name"], mail["input"]["language"]) == ("issue", "es")
    assert (tell["name"], tell["run"], tell["after"]) == ("tell", "certificates.tell", ["issue", "mail"])
    assert tell["input"] == {"title": "May", "to": ["ada@example.com"], "language": "es"}


def test_workers_that_cannot_tell_a_failure_are_not_asked_to(empty_door: Door) -> None:
    empty_door.announce("certificates", Catalog(tasks=[ISSUE]))
    form = {"email_to": ["ada@example.com"], "failure_email_to": ["ada@example.com"]}
    tasks = graph(empty_door.post("/v1/certificates", files=[("files", ROSTER)], data=form))
    assert [task["name"] for task in tasks] == ["issue", "mail"]


def test_a_roster_s_encoding_and_language_reach_the_issuer(door: Door) -> None:
    form = {"encoding": "cp1254", "language": "es"}
    (issue,) = graph(door.post("/v1/certificates", files=[("files", ROSTER)], data=form))
    assert (issue["input"]["encoding"], issue["input"]["language"]) == ("Windows-1254", "es")


def test_an_unknown_encoding_and_a_wrong_language_are_refused_together(door: Door) -> None:
    form = {"encoding": "klingon", "language": "not a tag"}
    answer = door.post("/v1/certificates", files=[("files", ROSTER)], data=form)
    assert pointers(answer) == ["#/encoding", "#/language"]
    assert "Windows-1254" in answer.json()["errors"][0]["detail"]


def test_nested_options_of_a_form_are_json(door: Door) -> None:
    data = {"options": '{"retry": {"max_attempts": 2}, "title": "Mine"}'}
    answer = door.post("/v1/certificates", files=[("files", ROSTER)], data=data)
    (issue,) = graph(answer)
    assert (issue["max_attempts"], answer.json()["title"]) == (2, "Mine")


@pytest.mark.parametrize(
    ("files", "data", "where"),
    [
        ([], {"title": "x"}, ["#/files"]),
        ([("files", ("a.csv", b""))], {}, ["#/files/0"]),
        ([("files", ("..", b"x"))], {}, ["#/files/0"]),
        ([("files", (f"{n}.csv", b"x")) for n in range(51)], {}, ["#/files"]),
        ([("roster", ROSTER)], {}, ["#/files", "#/roster"]),
        ([("files", ("a.csv", b""))], {"priority": "11", "unknown": "x"}, ["#/files/0", "#/priority", "#/unknown"]),
        ([("files", ROSTER)], {"subject": "a\r\nBcc: x@example.com"}, ["#/subject"]),
        ([("files", ROSTER)], {"email_to": ["a@example.com", "nobody"]}, ["#/email_to/1"]),
        ([("files", ROSTER)], {"deliver": "everybody"}, ["#/deliver"]),
        ([("files", ROSTER)], {"callback_url": "http://example.com"}, ["#/callback_url"]),
        ([("files", ROSTER)], {"subject": "No mail"}, ["#/subject"]),
        ([("files", ROSTER)], {"email_to": ["a@example.com"] * 101}, ["#/email_to"]),
    ],
)
def test_wrong_forms_are_refused_and_leave_nothing(
    door: Door, files: list[Any], data: dict[str, Any], where: list[str]
) -> None:
    if not files:  # httpx would send no multipart
        files = [("title", (None, "x"))]
        data = {}
    answer = door.post("/v1/certificates", files=files, data=data)
    assert answer.status_code == 422
    assert pointers(answer) == where
    assert door.stored() == []
    assert door.get("/v1/jobs").json()["items"] == []
    graph(door.post("/v1/certificates", files=[("files", ROSTER)]))  # what is right still goes through


def test_control_characters_in_a_file_name_are_refused(door: Door) -> None:
    part = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="a\x01.csv"\r\n\r\nx\r\n--cut--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    answer = door.post("/v1/certificates", content=part, headers=headers)
    assert (answer.status_code, pointers(answer)) == (422, ["#/files/0"])


@pytest.mark.parametrize("media_type", [b"text/c\0sv", b"text/c\x01sv", b"csv", b"text/" + b"x" * 300])
def test_a_file_whose_media_type_is_none_is_taken_for_bytes(door: Door, media_type: bytes) -> None:
    head = b'Content-Disposition: form-data; name="files"; filename="a.csv"\r\nContent-Type: ' + media_type
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    part = b"--cut\r\n" + head + b"\r\n\r\nrecipient\nAda\n\r\n--cut--\r\n"
    (issue,) = graph(door.post("/v1/certificates", content=part, headers=headers))
    (file,) = issue["input"]["files"]
    stored = artifacts.find(door.db, UUID(file["artifact"]), "local")
    assert stored is not None
    assert stored.media_type == "application/octet-stream"


def test_a_form_without_parts_names_what_is_missing(door: Door) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    answer = door.post("/v1/certificates", content=b"--cut--\r\n", headers=headers)
    assert (answer.status_code, pointers(answer)) == (422, ["#/files"])


def test_a_report_is_generated(door: Door) -> None:
    answer = door.post("/v1/reports", {"report": "sales", "params": {"since": "2026-01-01"}, "format": {"bom": True}})
    (generate,) = graph(answer)
    assert (answer.json()["kind"], answer.json()["title"]) == ("report", "Monthly sales")
    assert (generate["name"], generate["run"]) == ("generate", "reports.generate")
    assert generate["input"] == {
        "report": "sales",
        "params": {"since": "2026-01-01"},
        "format": {"bom": True},
    }


def test_a_report_is_mailed_by_a_second_task(door: Door) -> None:
    answer = door.post("/v1/reports", {"report": "sales", "params": {"limit": 3}, "email_to": ["cfo@example.com"]})
    _, mail = graph(answer)
    assert mail["run"] == "reports.deliver"
    assert mail["input"] == {"generated": {"$result": "/generate"}, "to": ["cfo@example.com"]}


@pytest.mark.parametrize(
    ("body", "where", "words"),
    [
        ({"report": "nope"}, ["#/report"], "known: sales"),
        ({"report": "sales", "params": {"limit": "three"}}, ["#/params/limit"], "integer"),
        ({"report": "sales", "params": {"limit": 0, "x": 1}}, ["#/params/limit", "#/params/x"], "1 more"),
        ({"report": "sales", "params": {"since": "yesterday"}}, ["#/params/since"], "date"),
        ({"report": "sales", "params": {"since": {"$result": "/a"}}}, ["#/params/since"], "No task comes before"),
        ({}, ["#/report"], "required"),
        ({"report": "sales", "format": {"delimiter": "x"}}, ["#/format/delimiter"], "','"),
    ],
)
def test_a_wrong_report_is_refused_in_words(door: Door, body: dict[str, Any], where: list[str], words: str) -> None:
    answer = door.post("/v1/reports", body)
    assert (answer.status_code, pointers(answer)) == (422, where)
    assert words in answer.json()["detail"]


def test_without_a_reports_service_it_is_said_when_to_come_again(empty_door: Door) -> None:
    answer = empty_door.post("/v1/reports", {"report": "sales"})
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/no-service")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_service_that_starts_is_known_within_a_second(empty_door: Door) -> None:
    empty_door.announce("reports")
    assert empty_door.post("/v1/reports", {"report": "sales"}).status_code == 202


def test_an_email_is_one_task(door: Door) -> None:
    answer = door.post("/v1/emails", {**MAIL, "reply_to": "b@example.com", "from": "c@example.com"})
    (send,) = graph(answer)
    assert (send["name"], send["run"]) == ("send", "mailer.send")
    assert send["input"] == {**MAIL, "reply_to": "b@example.com", "from": "c@example.com"}
    assert (answer.json()["kind"], answer.json()["title"]) == ("email", "Hello")


def test_an_email_goes_to_addresses_in_any_script(door: Door) -> None:
    people = {"to": ["用户@例え.jp", "José <jose\u0301@example.com>"], "from": "josé@example.com"}
    (send,) = graph(door.post("/v1/emails", {**MAIL, **people}))
    assert send["input"] == {**MAIL, **people}


def test_an_email_is_accepted_before_any_mailer_started(empty_door: Door) -> None:
    answer = empty_door.post("/v1/emails", {"to": ["a@example.com"], "template": "anything"})
    (send,) = graph(answer)
    assert send["queue"] == "mailer"
    assert answer.json()["waiting"]["reason"] == "no_worker"


def test_a_long_text_is_stored_and_referenced(door: Door) -> None:
    (send,) = graph(door.post("/v1/emails", {**MAIL, "text": "x" * 20_000, "html": "<p>y</p>"}))
    artifact = send["input"]["text"]["artifact"]
    assert send["input"]["html"] == "<p>y</p>"
    stored = door.get(f"/v1/artifacts/{artifact}/body.txt")
    assert (stored.text, stored.headers["Content-Type"]) == ("x" * 20_000, "text/plain")


def test_an_email_takes_files_to_attach_as_a_form(door: Door) -> None:
    fields = {"to": ["ada@example.com", "bob@example.com"], "subject": "Hi", "text": "x", "from": "c@example.com"}
    files = [("files", ("a b.pdf", b"%PDF", "application/pdf"))]
    (send,) = graph(door.post("/v1/emails", data=fields, files=files))
    (attached,) = send["input"]["attachments"]
    assert send["input"]["to"] == fields["to"]
    assert door.get(f"/v1/artifacts/{attached['artifact']}/a%20b.pdf").content == b"%PDF"


def test_an_email_takes_stored_files(door: Door) -> None:
    stored = door.post("/v1/files", files={"file": ("a.pdf", b"%PDF", "application/pdf")}).json()
    (send,) = graph(door.post("/v1/emails", {**MAIL, "attachments": [{"artifact": stored["id"], "name": "b.pdf"}]}))
    assert send["input"]["attachments"] == [{"artifact": stored["id"], "name": "b.pdf"}]


NOBODY = "7f3e0f5e-3c4e-4c1e-9d0c-0d7d7d7d7d7d"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"to": []}, ["#/to"]),
        ({"to": ["ada@example.com\nBcc: eve@example.com"]}, ["#/to/0"]),
        ({"cc": ["nobody"], "bcc": ["@"]}, ["#/cc/0", "#/bcc/0"]),
        ({"subject": "a\r\nBcc: eve@example.com"}, ["#/subject"]),
        ({"subject": None}, ["#"]),
        ({"text": None}, ["#"]),
        ({"template": "welcome"}, ["#"]),
        ({"text": "é" * 600_000}, ["#/text"]),
        ({"attachments": [{"artifact": NOBODY}]}, ["#/attachments/0"]),
        ({"attachments": [{"artifact": "x"}]}, ["#/attachments/0/artifact"]),
        ({"to": ["a@example.com"] * 101}, ["#/to"]),
        ({"inline": {"a b": {"artifact": NOBODY}}}, ["#/inline/a%20b"]),
        ({"headers": {"Bcc": "eve@example.com"}}, ["#/headers"]),
        ({"headers": {"X-A": "a\r\nBcc: eve@example.com"}}, ["#/headers"]),
        ({"headers": {"X-SMTPAPI": "{}"}}, ["#/headers"]),
        ({"priority": 5.5, "colour": "red"}, ["#/priority", "#/colour"]),
        ({"delay_seconds": 1, "run_at": "2026-01-01T00:00:00Z"}, ["#/delay_seconds"]),
        ({"run_at": "0001-01-01T00:00:00+10:00"}, ["#/run_at"]),
    ],
)
def test_a_wrong_email_is_refused(door: Door, change: dict[str, Any], where: list[str]) -> None:
    answer = door.post("/v1/emails", {**MAIL, **change})
    assert answer.status_code == 422
    assert sorted(pointers(answer)) == sorted(where)
    assert door.stored() == []


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        ({"template": "welcom"}, "#/template", "known: ready, welcome"),
        ({"context": {"x": "y" * 17_000}}, "#/context", "MAX_CONTEXT_BYTES allows 16384"),
        ({"context": {"x": [{"$result": "/a"}]}}, "#/context/x/0", "No task comes before"),
        ({"template": "No such name"}, "#/template", "pattern"),
    ],
)
def test_a_wrong_template_is_refused(door: Door, change: dict[str, Any], where: str, words: str) -> None:
    answer = door.post("/v1/emails", {"to": ["a@example.com"], "template": "welcome", **change})
    assert (answer.status_code, pointers(answer)) == (422, [where])
    assert words in answer.json()["detail"]


def test_uploads_of_a_refused_email_are_deleted(door: Door) -> None:
    data = {**MAIL, "options": f'{{"attachments": [{{"artifact": "{NOBODY}"}}]}}'}
    answer = door.post("/v1/emails", data=data, files=[("files", ("a.txt", b"x"))])
    assert (answer.status_code, pointers(answer)) == (422, ["#/attachments/0"])
    assert door.stored() == []


def test_text_is_cleaned_of_what_a_database_refuses(door: Door) -> None:
    answer = door.post(
        "/v1/emails",
        content=b'{"to": ["a@example.com"], "subject": "x\\u0000y", "text": "\\ud800", "title": "\\udfff"}',
        headers={"Content-Type": "application/json"},
    )
    (send,) = graph(answer)
    assert (send["input"]["subject"], send["input"]["text"]) == ("xy", "\N{REPLACEMENT CHARACTER}")


def test_a_job_may_start_later_and_say_how_often(door: Door) -> None:
    terms = {"delay_seconds": 3600, "retry": {"max_attempts": 2}, "time_limit_seconds": 5, "tags": ["a"], "priority": 9}
    answer = door.post("/v1/emails", {**MAIL, **terms})
    (send,) = graph(answer)
    job = answer.json()
    assert (job["state"], job["waiting"]["reason"], job["priority"]) == ("scheduled", "not_due", 9)
    assert send["max_attempts"] == 2
    assert door.book.task(UUID(job["id"]), "send").time_limit_seconds == 5


def test_a_worker_that_announced_a_bad_schema_is_not_offered(empty_door: Door) -> None:
    bad = SALES.model_copy(update={"params_schema": {"$ref": "http://example.com/schema"}})
    empty_door.announce("reports", Catalog(tasks=[], reports=[bad]))
    assert empty_door.get("/v1/catalog/reports").json()["items"] == []
