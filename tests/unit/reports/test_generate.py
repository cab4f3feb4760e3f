"""Tests `reports.generate` on the demo shop, with the reports that Bureau ships."""

import csv
import gzip
import hashlib
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bureau.contracts.errors import PermanentError, Stopped, TransientError
from bureau.contracts.reports import ReportGenerated
from bureau.contracts.schemas import announcement_errors
from bureau.service import Resources, Service
from bureau.services.reports.demo import make_demo
from bureau.services.reports.service import reports_service
from bureau.stop_token import StopReason
from bureau.storage import Storage
from tests.support.context import FakeContext
from tests.support.ledger.ledgers import sqlite_ledger

ORDERS = 3000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "shop.db"
    make_demo(path, ORDERS)
    return path


@pytest.fixture
def resources(tmp_path: Path) -> Iterator[Resources]:
    with closing(sqlite_ledger(tmp_path)) as ledger:
        yield Resources(ledger, Storage.from_url(f"file://{tmp_path / 'storage'}"))


@pytest.fixture
def service(shop: Path, resources: Resources, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setenv("SOURCE_DEMO_URL", f"sqlite:///{shop}")
    monkeypatch.delenv("REPORTS_DIR", raising=False)
    return reports_service(resources)


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path / "storage")


def generate(service: Service, ctx: FakeContext, report: str, **request: Any) -> tuple[ReportGenerated, bytes]:
    task = service.tasks[0]
    result = ReportGenerated.model_validate(task.run(ctx, {"report": report, **request}))
    return result, ctx.read(result.artifact)


def lines(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def test_every_shipped_report_is_announced_and_admitted(service: Service) -> None:
    assert [report.name for report in service.reports] == ["customers", "monthly-sales", "top-customers"]
    assert [task.name for task in service.tasks] == [
        *("reports.generate", "reports.burst", "reports.deliver", "reports.tell", "reports.preview")
    ]
    assert announcement_errors(service.catalog) == []


def test_a_report_without_its_source_is_not_announced(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DEMO_URL", raising=False)
    assert reports_service(resources).reports == []


def test_rows_and_sums_equal_those_of_the_database(service: Service, ctx: FakeContext, shop: Path) -> None:
    result, data = generate(service, ctx, "monthly-sales")
    with closing(sqlite3.connect(shop)) as connection:
        count, quantity, cents = connection.execute(
            "select count(*), sum(quantity), sum(quantity * unit_cents) from orders"
        ).fetchone()
    found = lines(data)
    assert (result.rows, len(found)) == (count, count) == (ORDERS, ORDERS)
    assert sum(int(line["quantity"]) for line in found) == quantity
    assert sum(round(float(line["revenue"]) * 100) for line in found) == cents
    assert list(found[0]) == result.columns
    assert not any(line["product"].startswith(("=", "+", "-")) for line in found)
    assert any(line["product"] == "'=SUM(1,1)" for line in found)


def test_the_result_describes_the_file(service: Service, ctx: FakeContext) -> None:
    result, data = generate(service, ctx, "monthly-sales", params={"region": "north"})
    assert (result.report, result.title, result.artifact.name) == (
        "monthly-sales",
        "Monthly sales",
        "monthly-sales-north.csv",
    )
    assert (result.bytes, result.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert ctx.artifacts["monthly-sales-north.csv"].media_type == "text/csv"
    assert ctx.reports[-1] == (result.rows, result.rows, "rows")
    assert ctx.logs == ["Reading Monthly sales from demo", ctx.logs[1]]
    assert ctx.logs[1].startswith(f"Wrote {result.rows:,} rows, {len(data):,} bytes, in ")


def test_parameters_select_the_rows(service: Service, ctx: FakeContext) -> None:
    params = {"since": "2024-06-01", "until": "2024-06-30", "region": "east"}
    found = lines(generate(service, ctx, "monthly-sales", params=params)[1])
    assert {(line["month"], line["region"]) for line in found} == {("2024-06", "east")}


@pytest.mark.parametrize(
    ("report", "params", "rows"),
    [
        ("top-customers", {}, 100),
        ("top-customers", {"limit": 3, "least_revenue": 10.5, "statuses": ["open", "refunded"]}, 3),
        ("top-customers", {"least_revenue": 1e12}, 0),
        ("customers", {}, 4000),
        ("customers", {"country": "DE", "newsletter": True, "joined_before": "2023-06-01T00:00:00+02:00"}, None),
    ],
)
def test_the_other_shipped_reports_run(
    service: Service, ctx: FakeContext, report: str, params: dict[str, Any], rows: int | None
) -> None:
    result, data = generate(service, ctx, report, params=params)
    assert len(lines(data)) == result.rows
    assert rows is None or result.rows == rows


def test_a_compressed_file_holds_the_same_rows(service: Service, ctx: FakeContext) -> None:
    form = {"delimiter": ";", "bom": True, "compression": "gzip"}
    result, data = generate(service, ctx, "customers", params={"country": "JP"}, format=form)
    assert result.artifact.name == "customers-jp.csv.gz"
    text = gzip.decompress(data).decode("utf-8-sig")
    assert len(list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";"))) == result.rows


@pytest.mark.parametrize(
    ("report", "params", "code", "words"),
    [
        ("no-such-report", {}, "unknown_report", "the reports are: customers, monthly-sales, top-customers."),
        ("../monthly-sales", {}, "unknown_report", "not found; the reports are"),
        ("monthly-sales", {"since": "yesterday"}, "invalid_parameter", "since must be a date"),
        ("monthly-sales", {"region": "' or 1=1 --"}, "invalid_parameter", "region must be one of north"),
        ("monthly-sales", {"regions": []}, "invalid_parameter", '"regions" is not a parameter of this report'),
        ("top-customers", {"limit": "5"}, "invalid_parameter", "limit must be a whole number"),
    ],
)
def test_a_report_that_cannot_run_is_a_permanent_error_with_a_reason(
    service: Service, ctx: FakeContext, report: str, params: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(PermanentError) as error:
        generate(service, ctx, report, params=params)
    assert error.value.code == code
    assert words in error.value.message
    assert ctx.storage_keys == []
    assert generate(service, ctx, "top-customers")[0].rows == 100  # the next one runs


def test_a_source_that_is_down_is_a_transient_error_and_leaves_no_file(
    tmp_path: Path, ctx: FakeContext, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DEMO_URL", f"sqlite:///{tmp_path / 'gone.db'}")
    with pytest.raises(TransientError) as error:
        generate(reports_service(resources), ctx, "customers")
    assert error.value.code == "source_unavailable"
    assert ctx.storage_keys == []


def test_a_cancelled_report_leaves_no_file(service: Service, ctx: FakeContext, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel(current: float, total: float | None = None, note: str | None = None) -> None:
        ctx.stop.set(StopReason.CANCELLED)
        ctx.stop.check()

    monkeypatch.setattr(ctx, "progress", cancel)
    with pytest.raises(Stopped):
        generate(service, ctx, "monthly-sales")
    assert ctx.artifacts == {}
    assert ctx.storage_keys == []
