"""The form of schedules, as a browser without scripts sends it."""

import json
import re
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest

from bureau.contracts.schedules.schedules import Misfire
from bureau.ledger.jobs.outcome import Succeeded
from bureau.ledger.schedules import schedules
from bureau.ledger.schedules.schedules import NewSchedule, ScheduleOrigin
from bureau.ledger.schedules.ticks import Timing
from tests.integration.gateway.api.test_jobs import suma
from tests.integration.gateway.conftest import Door
from tests.support.ledger.office import Office

BROWSER = {"Accept": "text/html"}
TIMES = {"cron": "0 7 * * MON-FRI", "every_seconds": "", "time_zone": "Asia/Tokyo", "misfire": "skip", "enabled": "1"}
REPORT = {"kind": "report", "report": "sales", "p.limit": "20", "email_to": "cfo@example.com\r\nada@example.com\r\n"}


def send(door: Door, path: str, **fields: str) -> httpx.Response:
    return door.client.post(path, data={"do": "save", **TIMES, **fields}, headers=BROWSER)


def make(door: Door, **fields: str) -> httpx.Response:
    return send(door, "/schedules/new", **{"name": "daily", **fields})


def kept(door: Door, name: str = "daily") -> dict[str, Any]:
    schedule: dict[str, Any] = door.get(f"/v1/schedules/{name}").json()
    return schedule


def wrong(answer: httpx.Response) -> dict[str, str]:
    """The validation errors by the field that they stand beside, and that names them."""
    found = dict(re.findall(r'<p class="wrong" id="wrong-([^"]+)">(.*?)</p>', answer.text))
    for field in found:
        element = re.search(rf'<(?:input|select|textarea) id="{re.escape(field)}".*?>', answer.text)
        assert element is not None, field
        assert f"wrong-{field}" in element[0]
        assert 'aria-invalid="true"' in element[0]
    return {field: unescape(text) for field, text in found.items()}


def filled(answer: httpx.Response) -> dict[str, str]:
    """The texts of a form's fields, as a browser would send them."""
    inputs = re.findall(r'<input id="([^"]+)" name="[^"]+" type="[^"]+" value="([^"]*)"', answer.text)
    areas = re.findall(r'<textarea id="([^"]+)"[^>]*>(.*?)</textarea>', answer.text, re.DOTALL)
    chosen = re.findall(
        r'<select id="([^"]+)"(?:(?!</select>).)*?<option value="([^"]*)" selected', answer.text, re.DOTALL
    )
    return {name: unescape(text) for name, text in [*inputs, *areas, *chosen]}


def test_a_report_is_scheduled_and_changed(door: Door) -> None:
    made = make(door, **REPORT, bom="1")
    assert (made.status_code, made.headers["Location"]) == (303, "/schedules?done=schedule-saved")
    schedule = kept(door)
    assert schedule["report"] == {
        "report": "sales",
        "params": {"limit": 20},
        "email_to": ["cfo@example.com", "ada@example.com"],
        "format": {"bom": True},
    }
    assert [schedule[name] for name in ("cron", "time_zone", "misfire", "enabled")] == [
        "0 7 * * MON-FRI",
        "Asia/Tokyo",
        "skip",
        True,
    ]
    form = door.client.get("/schedules/daily/edit", headers=BROWSER)
    fields = filled(form)
    assert (fields["cron"], fields["p.limit"], fields["p.since"]) == ("0 7 * * MON-FRI", "20", "")
    assert fields["email_to"] == "cfo@example.com\nada@example.com"
    changed = send(door, "/schedules/daily/edit", **{**fields, "p.limit": "5", "time_zone": "UTC"})
    assert changed.status_code == 303
    assert (kept(door)["report"]["params"], kept(door)["time_zone"]) == ({"limit": 5}, "UTC")
    assert "format" not in kept(door)["report"]


def test_an_email_is_scheduled(door: Door) -> None:
    body = {"kind": "email", "to": "ada@example.com", "template": "welcome", "context": '{"name": "Ada"}'}
    assert make(door, **body).status_code == 303
    assert kept(door)["email"] == {"to": ["ada@example.com"], "template": "welcome", "context": {"name": "Ada"}}
    assert json.loads(filled(door.client.get("/schedules/daily/edit", headers=BROWSER))["context"]) == {"name": "Ada"}


def test_certificates_and_a_job_are_scheduled(door: Door) -> None:
    file = door.post("/v1/files", files={"file": ("roster.csv", b"name\nAda\n", "text/csv")}).json()
    assert make(door, kind="certificates", files=file["id"], deliver="owner", language="es").status_code == 303
    assert kept(door)["certificates"] == {"files": [{"artifact": file["id"]}], "deliver": "owner", "language": "es"}
    job = {"tasks": [suma()]}
    assert make(door, kind="job", name="job", job=json.dumps(job)).status_code == 303
    assert kept(door, "job")["job"] == job


ROSTER = b"name,email\nAda,ada@example.com\n"


def upload(door: Door, path: str, *contents: bytes, **fields: str) -> httpx.Response:
    """As a browser sends it: a file input that holds no file is an empty part without a name."""
    files = [(f"roster-{n}.csv", content) for n, content in enumerate(contents, start=1)] or [("", b"")]
    given = {"do": "save", **TIMES, "deliver": "owner", **fields}
    parts = [(f'name="{name}"', text.encode()) for name, text in given.items()]
    parts += [(f'name="rosters"; filename="{name}"\r\nContent-Type: text/csv', content) for name, content in files]
    body = b"".join(b"--cut\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (h.encode(), c) for h, c in parts)
    headers = {**BROWSER, "Content-Type": "multipart/form-data; boundary=cut"}
    return door.client.post(path, content=body + b"--cut--\r\n", headers=headers)


def rosters(door: Door) -> list[str]:
    return [file["artifact"] for file in kept(door)["certificates"]["files"]]


def test_rosters_are_uploaded_with_the_form(door: Door) -> None:
    new = {"name": "daily", "kind": "certificates", "files": "", "encoding": "windows-1254"}
    form = door.client.get("/schedules/new?kind=certificates", headers=BROWSER)
    assert 'enctype="multipart/form-data"' in form.text
    assert 'enctype="multipart/form-data"' not in door.client.get("/schedules/new?kind=email", headers=BROWSER).text
    assert upload(door, "/schedules/new", ROSTER, b"name\nGrace\n", **new).status_code == 303
    first, second = rosters(door)
    assert door.client.get(f"/v1/artifacts/{first}/roster-1.csv").content == ROSTER
    assert kept(door)["certificates"]["encoding"] == "Windows-1254"
    form = door.client.get("/schedules/daily/edit", headers=BROWSER)
    assert re.findall(r"<li><a href=[^>]+>([^<]+)</a>", form.text) == ["roster-1.csv", "roster-2.csv"]
    fields = filled(form)
    assert fields["files"] == f"{first}\n{second}"
    assert upload(door, "/schedules/daily/edit", **fields).status_code == 303
    assert rosters(door) == [first, second]
    assert upload(door, "/schedules/daily/edit", ROSTER, **{**fields, "files": second}).status_code == 303
    assert rosters(door)[0] == second
    assert first not in rosters(door)


def test_an_uploaded_roster_need_not_be_sent_again_after_a_mistake(door: Door) -> None:
    new = {"kind": "certificates"}
    answer = upload(door, "/schedules/new", ROSTER, **new, name="daily", email_to="nobody", files="")
    assert (answer.status_code, list(wrong(answer))) == (422, ["email_to"])
    shown = upload(door, "/schedules/new", **new, **{**filled(answer), "name": "daily", "do": "times"})
    assert shown.status_code == 200
    fields = {**filled(shown), "name": "daily", "email_to": "ada@example.com"}
    assert upload(door, "/schedules/new", **new, **fields).status_code == 303
    assert len(rosters(door)) == 1
    assert len(door.stored()) == 1


def test_an_uploaded_roster_is_kept_as_long_as_its_schedule(door: Door) -> None:
    office = Office(door.db, door.storage)
    assert upload(door, "/schedules/new", ROSTER, name="daily", kind="certificates", files="").status_code == 303
    (roster,) = rosters(door)
    for _ in range(3):
        door.announce("certificates")
        job = UUID(door.post("/v1/schedules/daily/run").json()["id"])
        claimed = door.book.claim(job, "issue", queue="certificates")
        assert claimed is not None
        door.book.finish(claimed, Succeeded(None, removed=[UUID(roster)]))  # as the issue of certificates ends
        office.days_pass(40)
        office.clear_up()
        assert door.client.get(f"/v1/artifacts/{roster}/roster-1.csv").content == ROSTER
    door.client.delete("/v1/schedules/daily").raise_for_status()
    office.days_pass(2)
    office.clear_up()
    assert door.client.get(f"/v1/artifacts/{roster}/roster-1.csv").status_code == 404
    assert door.stored() == []


@pytest.mark.parametrize(
    ("content", "field", "words"), [(b"", "rosters", "The file is empty"), (None, "rosters", "Choose a roster")]
)
def test_a_missing_or_empty_roster_says_so(door: Door, content: bytes | None, field: str, words: str) -> None:
    contents = [] if content is None else [content]
    answer = upload(door, "/schedules/new", *contents, name="daily", kind="certificates", files="")
    assert answer.status_code == 422
    assert words in wrong(answer)[field]
    assert door.stored() == []


def test_other_forms_store_no_file(door: Door) -> None:
    sent = {"kind": "job", "name": "job", "job": json.dumps({"tasks": [suma()]})}
    assert upload(door, "/schedules/new", ROSTER, **sent).status_code == 303
    assert door.stored() == []


def test_what_the_form_does_not_show_stays(door: Door) -> None:
    mail = {"to": ["a@example.com"], "cc": ["b@example.com"], "subject": "x", "html": "<b>x</b>", "tags": ["daily"]}
    door.client.put("/v1/schedules/daily", json={"cron": "@daily", "email": mail}).raise_for_status()
    fields = filled(door.client.get("/schedules/daily/edit", headers=BROWSER))
    assert send(door, "/schedules/daily/edit", **{**fields, "subject": "y"}).status_code == 303
    assert kept(door)["email"] == {**mail, "subject": "y"}


def test_all_that_is_wrong_stands_beside_its_field(door: Door) -> None:
    given = {**REPORT, "cron": "61 * * * *", "time_zone": "Asia/Toky", "p.limit": "0", "email_to": "nobody"}
    answer = make(door, name="-x", **given)
    assert answer.status_code == 422
    found = wrong(answer)
    assert found.keys() == {"name", "cron", "time_zone", "email_to"}
    assert "write 0 to 59" in found["cron"]
    assert "did you mean Asia/Tokyo?" in found["time_zone"]
    assert "Not accepted: 4 fields below." in answer.text
    assert filled(answer)["email_to"] == "nobody"
    answer = make(door, **{**given, "cron": "@daily", "time_zone": "UTC", "email_to": ""})
    assert wrong(answer) == {"p.limit": "0 is less than the minimum of 1."}
    assert door.get("/v1/schedules/daily").status_code == 404


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"kind": "job", "job": '{"tasks": ['}, "job", "is not JSON"),
        ({"kind": "job", "job": '{"tasks": [], "tasks": []}'}, "job", "occurs twice"),
        ({"kind": "job", "job": "[]"}, "job", "not an object"),
        ({"kind": "job", "job": ""}, "job", "tasks: tasks is required"),
        ({"kind": "job", "job": json.dumps({"tasks": [suma(run="a.b")]})}, "job", "tasks/0/run: No service"),
        ({"kind": "email", "to": "ada@example.com", "template": "welcome", "context": "name"}, "context", "not JSON"),
        ({"kind": "email", "to": "", "subject": "x", "text": "y"}, "to", "Name a recipient"),
        ({"kind": "email", "to": "ada@example.com", "text": "y" * 16_385, "subject": "x"}, "text", "a schedule takes"),
        ({"kind": "certificates", "files": "roster.csv"}, "files", "UUID"),
        ({**REPORT, "every_seconds": "sixty", "cron": ""}, "every_seconds", "integer"),
        ({**REPORT, "every_seconds": "60"}, "cron", "both are given"),
    ],
)
def test_a_field_that_is_wrong_says_why(door: Door, fields: dict[str, str], field: str, words: str) -> None:
    answer = make(door, **fields)
    assert answer.status_code == 422
    assert words in wrong(answer)[field]


def test_an_error_without_a_field_stands_above(door: Door) -> None:
    mail = {"to": ["ada@example.com"], "cc": ["b@example.com"], "subject": "x", "text": "y"}
    door.client.put("/v1/schedules/daily", json={"cron": "@daily", "email": mail}).raise_for_status()
    fields = filled(door.client.get("/schedules/daily/edit", headers=BROWSER))
    answer = send(door, "/schedules/daily/edit", **{**fields, "text": "", "template": ""})
    assert answer.status_code == 422
    assert "Give text, html or a template" in answer.text


def test_an_existing_schedule_is_not_replaced_by_a_new_one(door: Door) -> None:
    make(door, **REPORT)
    answer = make(door, kind="job", job=json.dumps({"tasks": [suma()]}))
    assert (answer.status_code, wrong(answer)) == (422, {"name": "There is a schedule daily already; edit that one."})
    assert kept(door)["report"]


def test_the_next_times_are_shown_in_the_schedules_zone_before_it_is_saved(door: Door) -> None:
    answer = make(door, **REPORT, do="times")
    assert answer.status_code == 200
    assert len(re.findall(r">\w{3} \d\d \w{3} 07:00 JST<", answer.text)) == 5
    assert door.get("/v1/schedules/daily").status_code == 404
    make(door, **REPORT)
    assert len(re.findall(r">\w{3} \d\d \w{3} 07:00 JST<", door.client.get("/schedules", headers=BROWSER).text)) == 5


def test_a_report_that_is_gone_keeps_its_parameters(door: Door) -> None:
    make(door, **REPORT)
    with door.db.transaction() as connection:
        connection.exec_driver_sql("""UPDATE schedules SET job = replace(job, '"sales"', '"gone"')""")
    form = door.client.get("/schedules/daily/edit", headers=BROWSER)
    assert "No service announces the report gone now." in form.text
    answer = send(door, "/schedules/daily/edit", **filled(form))
    assert answer.status_code == 422
    assert "Report gone not found; known: sales." in answer.text
    assert kept(door)["report"]["params"] == {"limit": 20}


def test_a_schedule_is_deleted_after_a_question(door: Door) -> None:
    make(door, **REPORT)
    assert "Delete the schedule daily?" in door.client.get("/schedules/daily/delete", headers=BROWSER).text
    gone = door.client.post("/schedules/daily/delete", headers=BROWSER)
    assert (gone.status_code, gone.headers["Location"]) == (303, "/schedules?done=schedule-deleted")
    assert door.get("/v1/schedules/daily").status_code == 404


def test_a_schedule_of_the_file_has_no_form(door: Door) -> None:
    job = {"tasks": [suma()]}
    new = NewSchedule("local", "daily", Timing("@daily", None, "UTC"), job, True, Misfire.ONCE, ScheduleOrigin.FILE)
    schedules.save(door.db, "local", "daily", ScheduleOrigin.FILE, lambda _: new)
    assert door.client.get("/schedules/daily/edit", headers=BROWSER).status_code == 404
    assert send(door, "/schedules/daily/edit", job=json.dumps(job)).status_code == 404
    assert "/schedules/daily/edit" not in door.client.get("/schedules", headers=BROWSER).text


def test_a_new_schedule_begins_with_what_it_submits(door: Door) -> None:
    chosen = door.client.get("/schedules/new", headers=BROWSER).text
    assert "/schedules/new?kind=report&amp;report=sales" in chosen
    for kind in ("email", "certificates", "job"):
        assert f"/schedules/new?kind={kind}" in chosen
        assert door.client.get(f"/schedules/new?kind={kind}", headers=BROWSER).status_code == 200
    assert door.client.get("/schedules/new?kind=report&report=nothing", headers=BROWSER).status_code == 404
    assert "/schedules/new?kind=report" in door.client.get("/reports/sales", headers=BROWSER).text
