"""Reports at the door: bursts, who hears of a failure, allowed domains, and previews that a worker makes."""

import threading
from typing import Any
from uuid import UUID

import pytest

from bureau.contracts.base import Contract
from bureau.contracts.catalog import Catalog, ReportDescription, TaskDescription
from bureau.contracts.errors import PermanentError, TaskError
from bureau.contracts.reports import (
    BurstReport,
    DeliverReport,
    GenerateReport,
    PreviewReport,
    ReportBurst,
    ReportDelivered,
    ReportGenerated,
    ReportPreview,
    TellFailure,
)
from bureau.ledger.jobs.outcome import Failed, Succeeded
from bureau.services.gateway.api.reports import report_preview
from tests.integration.gateway.conftest import Door
from tests.support.waiting import until

SALES = ReportDescription(
    name="sales",
    title="Monthly sales",
    source="demo",
    params_schema={
        "type": "object",
        "properties": {
            "region": {"type": "string", "enum": ["north", "south"]},
            "year": {"type": ["integer", "null"], "minimum": 2000},
        },
        "required": ["region"],
        "additionalProperties": False,
    },
)


def described(name: str, asked: type[Contract], result: type[Contract] | None = None) -> TaskDescription:
    return TaskDescription(
        name=name,
        queue="reports",
        input_schema=asked.model_json_schema(),
        result_schema=result.model_json_schema() if result else {},
        time_limit_seconds=60,
    )


CATALOG = Catalog(
    tasks=[
        described("reports.generate", GenerateReport, ReportGenerated),
        described("reports.burst", BurstReport, ReportBurst),
        described("reports.deliver", DeliverReport, ReportDelivered),
        described("reports.preview", PreviewReport, ReportPreview),
        described("reports.tell", TellFailure),
    ],
    reports=[SALES],
)


@pytest.fixture
def shop(empty_door: Door) -> Door:
    empty_door.announce("reports", CATALOG)
    return empty_door


def burst(**more: Any) -> dict[str, Any]:
    recipients = {"north": ["n@example.com"], "south": ["s@example.com", "t@example.com"]}
    return {"report": "sales", "burst": {"parameter": "region", "recipients": recipients}, **more}


def test_a_burst_is_one_reading_and_a_mail_for_each_value(shop: Door) -> None:
    answer = shop.post("/v1/reports", burst(params={"year": 2024}, empty="skip", format={"delimiter": ";"}))
    assert answer.status_code == 202, answer.text
    generate, north, south = answer.json()["tasks"]
    assert (generate["name"], generate["run"]) == ("generate", "reports.burst")
    assert generate["input"] == {
        "report": "sales",
        "params": {"year": 2024},
        "format": {"delimiter": ";"},
        "parameter": "region",
        "values": ["north", "south"],
    }
    assert [(task["name"], task["run"], task["after"]) for task in (north, south)] == [
        ("mail-1", "reports.deliver", ["generate"]),
        ("mail-2", "reports.deliver", ["generate"]),
    ]
    assert south["input"] == {
        "generated": {"$result": "/generate/files/1"},
        "to": ["s@example.com", "t@example.com"],
        "empty": "skip",
    }


def test_values_of_a_burst_are_read_as_the_parameter_is_typed(shop: Door) -> None:
    wanted = {"parameter": "year", "recipients": {"2023": ["a@example.com"], "2024": ["b@example.com"]}}
    answer = shop.post("/v1/reports", {"report": "sales", "params": {"region": "north"}, "burst": wanted})
    assert answer.json()["tasks"][0]["input"]["values"] == [2023, 2024]


@pytest.mark.parametrize(
    ("body", "where", "words"),
    [
        (burst(email_to=["a@example.com"]), "#/email_to", "not both"),
        (burst(params={"region": "north"}), "#/params/region", "given by burst"),
        ({"report": "sales", "burst": {"parameter": "x", "recipients": {"1": []}}}, "#/burst/recipients/1", "1 to"),
        (
            {"report": "sales", "burst": {"parameter": "x", "recipients": {"1": ["a@example.com"]}}},
            "#/burst/parameter",
            "it takes region, year",
        ),
        (
            {"report": "sales", "burst": {"parameter": "region", "recipients": {"east": ["a@example.com"]}}},
            "#/burst/recipients/east",
            "north",
        ),
        (
            {
                "report": "sales",
                "params": {"region": "north"},
                "burst": {"parameter": "year", "recipients": {"soon": ["a@example.com"]}},
            },
            "#/burst/recipients/soon",
            "integer",
        ),
        (
            {"report": "sales", "burst": {"parameter": "year", "recipients": {"2024": ["a@example.com"]}}},
            "#/params/region",
            "required",
        ),
    ],
)
def test_a_wrong_burst_is_refused_in_words(shop: Door, body: dict[str, Any], where: str, words: str) -> None:
    answer = shop.post("/v1/reports", body)
    assert answer.status_code == 422
    assert any(e["pointer"] == where and words in e["detail"] for e in answer.json()["errors"]), answer.text


def test_the_requester_of_a_report_is_told_that_it_failed(shop: Door) -> None:
    body = {"report": "sales", "params": {"region": "north"}, "email_to": ["a@example.com"]}
    answer = shop.post("/v1/reports", {**body, "failure_email_to": ["ops@example.com"], "title": "North"})
    tell = answer.json()["tasks"][-1]
    assert (tell["name"], tell["run"], tell["after"]) == ("tell", "reports.tell", ["generate", "mail"])
    assert tell["input"] == {"report": "sales", "title": "North", "to": ["ops@example.com"]}
    assert [task["name"] for task in shop.post("/v1/reports", body).json()["tasks"]] == ["generate", "mail"]


PREVIEW = {
    "report": "sales",
    "title": "Monthly sales",
    "columns": ["a"],
    "rows": [["1"], [None]],
    "more": False,
    "params": {"region": "north"},
    "snapshot_at": "2024-02-29T08:30:00Z",
    "duration_seconds": 0.1,
}


class Worker:
    """Ends the first preview that comes, in a thread of its own."""

    def __init__(self, door: Door, error: TaskError | None = None) -> None:
        self._door = door
        self._error = error
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exc: object) -> None:
        self._thread.join(10)

    def _run(self) -> None:
        found: list[Any] = []

        def came() -> bool:
            found[:] = self._door.client.get("/v1/jobs?state=queued").json()["items"]
            return bool(found)

        until(came, 10, "a preview")
        ending = (
            Failed({"code": self._error.code, "message": self._error.message}) if self._error else Succeeded(PREVIEW)
        )
        claimed = self._door.book.claim(UUID(found[0]["id"]), "preview", queue="reports")
        assert claimed
        self._door.book.finish(claimed, ending)


def preview(door: Door, **body: Any) -> Any:
    return door.post("/v1/reports/sales/preview", {"params": {"region": "north"}, **body})


def test_a_preview_is_made_by_a_worker(shop: Door) -> None:
    with Worker(shop):
        answer = preview(shop, format={"delimiter": ";"})
    assert (answer.status_code, answer.json()) == (200, PREVIEW)


def test_a_preview_that_takes_longer_says_so_and_is_cancelled(shop: Door, short_wait: None) -> None:
    answer = preview(shop)
    assert (answer.status_code, answer.json()["type"]) == (504, "/problems/preview-takes-longer")
    assert shop.client.get("/v1/jobs").json()["items"][0]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (PermanentError("report_query_invalid", "It uses a table that is not there."), 502, "/problems/report-failed"),
        (PermanentError("invalid_parameter", "region must be one of north"), 422, "/problems/invalid"),
    ],
)
def test_a_preview_that_fails_says_why(shop: Door, error: TaskError, status: int, slug: str) -> None:
    with Worker(shop, error):
        answer = preview(shop)
    assert (answer.status_code, answer.json()["type"]) == (status, slug)
    assert error.message in answer.text


def test_a_preview_of_nothing_or_with_wrong_parameters_is_refused_at_once(shop: Door) -> None:
    assert shop.post("/v1/reports/nope/preview", {}).status_code == 404
    assert shop.post("/v1/reports/sales/preview", {}).json()["errors"][0]["pointer"] == "#/params/region"


@pytest.fixture
def short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_preview, "WAIT_SECONDS", 0.05)
