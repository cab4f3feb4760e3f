"""A request for a report is validated, planned and committed once each."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from bureau.contracts.schemas import Schema
from bureau.ledger.jobs.submit import NewJob
from bureau.ledger.schedules.firing import due, fire
from bureau.ledger.schedules.schedules import Schedule
from bureau.services.gateway.api.reports import report_preview
from bureau.services.gateway.http.operation import Reply
from bureau.submission import announcements, schedules
from bureau.submission import specs as specs_module
from bureau.submission.requests import burst as burst_module
from bureau.submission.requests import reports
from bureau.submission.requests.limits import DEFAULT_LIMITS
from tests.integration.gateway.api.test_reports import CATALOG, SALES, burst, shop
from tests.integration.gateway.conftest import Door
from tests.support.waiting import until

__all__ = ["shop"]


@pytest.fixture
def calls(shop: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Counts what a request makes the gateway do: validations, plans and transactions that write."""
    counted: Counter[str] = Counter()

    def count(what: str, owner: Any, name: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def counting(*arguments: Any, **named: Any) -> Any:
            counted[what] += 1
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, counting)

    def on_statement(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        counted["committed"] += statement == "BEGIN IMMEDIATE"

    announced = [SALES.params_schema, *(task.input_schema for task in CATALOG.tasks)]
    validate = Schema.errors

    def validating(schema: Schema, *arguments: Any) -> Any:
        counted["validated"] += schema._schema in announced  # the tests check each answer by a schema, too
        return validate(schema, *arguments)

    monkeypatch.setattr(Schema, "errors", validating)
    count("values planned", burst_module, "_value")
    count("planned", reports, "report_tasks")
    count("planned", report_preview, "_task")
    count("planned", specs_module, "new_tasks")
    shop.get("/v1/catalog/reports")  # connects
    event.listen(shop.db.engine, "before_cursor_execute", on_statement)
    yield counted
    event.remove(shop.db.engine, "before_cursor_execute", on_statement)


ONCE = {"validated": 1, "planned": 1, "committed": 1}


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "a report of March"}])
def test_a_report_is_validated_planned_and_committed_once(
    shop: Door, calls: Counter[str], headers: dict[str, str]
) -> None:
    answer = shop.post("/v1/reports", {"report": "sales", "params": {"region": "north"}}, headers=headers)
    assert answer.status_code == 202, answer.text
    assert +calls == ONCE


def test_each_value_of_a_burst_is_validated_and_planned_once(shop: Door, calls: Counter[str]) -> None:
    answer = shop.post("/v1/reports", burst())
    assert answer.status_code == 202, answer.text
    assert +calls == {**ONCE, "validated": 2, "values planned": 2}


def test_a_preview_is_validated_planned_and_committed_once(
    shop: Door, calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_preview, "_answer", lambda *_: Reply(200, None))
    assert shop.post("/v1/reports/sales/preview", {"params": {"region": "north"}}).status_code == 200
    assert +calls == ONCE


TASK = {"name": "generate", "run": "reports.generate", "input": {"report": "sales", "params": {"region": "north"}}}


@pytest.mark.parametrize(
    "asked", [{"job": {"tasks": [TASK]}}, {"report": {"report": "sales", "params": {"region": "north"}}}]
)
def test_a_scheduled_report_is_validated_when_saved_and_validated_planned_and_committed_once_for_each_tick(
    shop: Door, calls: Counter[str], asked: dict[str, Any]
) -> None:
    saved = shop.client.put("/v1/schedules/march", json={"every_seconds": 1, "misfire": "once", **asked})
    assert saved.status_code == 201, saved.text
    assert +calls == {"validated": 1, "committed": 1}
    until(lambda: due(shop.db), seconds=30)
    known = announcements.Announcements(shop.db).known()
    calls.clear()
    ((owner, name),) = due(shop.db)

    def build(schedule: Schedule, job_id: UUID) -> NewJob:
        return schedules.job_at(schedule, known, DEFAULT_LIMITS, job_id=job_id)

    assert fire(shop.db, owner, name, build) == 1
    assert +calls == ONCE
