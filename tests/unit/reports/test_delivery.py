"""Tests how a report is delivered: attached, zipped, linked, empty, or failed."""

import hashlib
import io
import random
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from bureau.contracts.artifacts import ArtifactRef
from bureau.contracts.errors import PermanentError
from bureau.contracts.mail.mail import SendMail
from bureau.contracts.reports import DeliverReport, Empty, ReportGenerated, TellFailure
from bureau.ledger.reads.failures import Failure
from bureau.services.reports.delivery import DeliveryPolicy, ReportDeliverer
from bureau.services.reports.delivery_method import DeliveryMethod, DeliveryMethodPolicy
from tests.support.context import FakeContext


def delivery(
    *, empty: Empty = "send", domains: str = "", attach: int = 1000, zipped: int = 2000, failure: Failure | None = None
) -> ReportDeliverer:
    policy = DeliveryPolicy(DeliveryMethodPolicy(attach, zipped), 7 * 86_400, empty, domains)
    return ReportDeliverer(policy, lambda _: failure)


@pytest.fixture
def ctx(tmp_path: Path) -> FakeContext:
    return FakeContext(tmp_path / "storage")


def generated(ctx: FakeContext, data: bytes, *, rows: int = 3, name: str = "sales-north.csv") -> ReportGenerated:
    return ReportGenerated(
        artifact=ctx.add_file(name, "text/csv", data).model_copy(update={"name": name}),
        report="sales",
        title="Sales",
        rows=rows,
        bytes=len(data),
        sha256="ab" * 32,
        columns=["id"],
        snapshot_at=datetime(2024, 2, 29, 8, 30, tzinfo=UTC),
        duration_seconds=1.5,
        params={"region": "north", "ids": list(range(500)), "returns": True},
    )


def deliver(ctx: FakeContext, made: ReportGenerated, by: ReportDeliverer, **request: Any) -> tuple[str, list[SendMail]]:
    asked = DeliverReport.model_validate({"generated": made, "to": ["ada@example.com"], **request})
    result = by.deliver(ctx, asked)
    assert all((added.name, added.run) == ("send", "mailer.send") for added in ctx.added)
    return result.delivery, [SendMail.model_validate(added.input) for added in ctx.added]


def noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)


@pytest.mark.parametrize(
    ("name", "size", "step"),
    [
        ("a.csv", 0, DeliveryMethod.ATTACH),
        ("a.csv", 4_999_999, DeliveryMethod.ATTACH),
        ("a.csv", 5_000_000, DeliveryMethod.ZIP),
        ("a.csv", 900_000_000, DeliveryMethod.ZIP),
        ("a.csv.gz", 14_999_999, DeliveryMethod.ATTACH),
        ("a.csv.gz", 15_000_000, DeliveryMethod.LINK),
    ],
)
def test_the_delivery_method_depends_on_the_size_and_never_compresses_twice(
    name: str, size: int, step: DeliveryMethod
) -> None:
    assert DeliveryMethodPolicy(5_000_000, 15_000_000).first(name, size) is step


def test_a_small_file_is_attached_and_described(ctx: FakeContext) -> None:
    made = generated(ctx, b"id\r\n1\r\n")
    how, (mail,) = deliver(ctx, made, delivery(), subject="Numbers", title="Sales of the north")
    assert (how, mail.to, mail.subject, mail.template) == ("attached", ["ada@example.com"], "Numbers", "report-ready")
    assert [ref.artifact for ref in mail.attachments] == [made.artifact.artifact]
    told = mail.context
    assert (told["title"], told["rows"], told["bytes"]) == ("Sales of the north", 3, 7)
    assert told["sha256"] == hashlib.sha256(b"id\r\n1\r\n").hexdigest()
    assert (told["snapshot_at"], told["complete"]) == ("2024-02-29T08:30:00+00:00", True)
    assert (told["attachment"], "link" in told) == ("sales-north.csv", False)
    assert (told["params"]["region"], told["params"]["returns"]) == ("north", "true")
    assert len(told["params"]["ids"]) == 200  # a mail's context is limited


def test_a_larger_file_is_zipped_and_reads_back_equal(ctx: FakeContext) -> None:
    data = b"id\r\n" + b"1\r\n" * 10_000
    how, (mail,) = deliver(ctx, generated(ctx, data), delivery())
    (attached,) = mail.attachments
    assert (how, attached.name) == ("zipped", "sales-north.csv.zip")
    with zipfile.ZipFile(io.BytesIO(ctx.read(attached))) as archive:
        assert archive.testzip() is None
        assert archive.read("sales-north.csv") == data


def test_a_file_that_is_too_large_even_zipped_is_linked_and_leaves_no_archive(ctx: FakeContext) -> None:
    made = generated(ctx, noise(5000))
    how, (mail,) = deliver(ctx, made, delivery())
    assert (how, mail.attachments, list(ctx.artifacts)) == ("link", [], [])
    assert (mail.links["link"].artifact, mail.link_seconds) == (made.artifact.artifact, 7 * 86_400)
    assert "token" not in mail.model_dump_json()  # the mailer signs: a task's input is shown


def test_the_inputs_facts_about_a_file_are_not_trusted(ctx: FakeContext) -> None:
    said = generated(ctx, b"id\r\n1\r\n").model_copy(update={"bytes": 10**12, "sha256": "0" * 64})
    how, (mail,) = deliver(ctx, said, delivery())
    assert (how, mail.context["bytes"]) == ("attached", 7)
    assert mail.context["sha256"] != "0" * 64


def test_a_file_of_another_owner_is_neither_attached_nor_linked(ctx: FakeContext) -> None:
    foreign = ArtifactRef(artifact=uuid4(), name="salaries.csv")
    for size in (1, 10**12):
        said = generated(ctx, b"id\r\n").model_copy(update={"artifact": foreign, "bytes": size})
        with pytest.raises(PermanentError, match="There is no file"):
            deliver(ctx, said, delivery())
    assert ctx.added == []


@pytest.mark.parametrize(
    ("standard", "asked", "how"),
    [("send", None, "attached"), ("note", None, "note"), ("skip", None, "skipped"), ("skip", "note", "note")],
)
def test_an_empty_report_is_sent_noted_or_skipped(
    ctx: FakeContext, standard: Empty, asked: str | None, how: str
) -> None:
    found, mails = deliver(ctx, generated(ctx, b"id\r\n", rows=0), delivery(empty=standard), empty=asked)
    assert (found, len(mails)) == (how, 0 if how == "skipped" else 1)
    if how == "note":
        assert (mails[0].subject, mails[0].attachments) == ("No rows: Sales", [])
        assert "found no rows" in str(mails[0].text)


def test_no_report_is_mailed_outside_the_allowed_domains(ctx: FakeContext) -> None:
    by = delivery(domains="example.com, example.org")
    deliver(ctx, generated(ctx, b"id\r\n"), by, to=["Ada <ada@mail.example.com>", "bob@EXAMPLE.org"])
    with pytest.raises(
        PermanentError, match=r"allows mail to example\.com, example\.org only, not to eve@notexample\.com"
    ):
        deliver(ctx, generated(ctx, b"id\r\n"), by, to=["ada@example.com", "eve@notexample.com"])
    assert len(ctx.added) == 1


def test_a_failure_notice_contains_the_message_of_the_error(ctx: FakeContext) -> None:
    failure = Failure("generate", "source_unavailable", 'The data source "shop" could not be reached.')
    delivery(failure=failure).tell(ctx, TellFailure(report="sales", title="Sales", to=["ada@example.com"]))
    mail = SendMail.model_validate(ctx.added[0].input)
    assert (mail.template, mail.to) == ("job-failed", ["ada@example.com"])
    assert mail.context == {
        "title": "Sales",
        "reason": failure.message,
        "job": str(ctx.job_id),
        "task": "generate",
        "code": "source_unavailable",
    }
    assert isinstance(ctx.job_id, UUID)


def test_a_failure_s_errors_are_listed_in_the_mail(ctx: FakeContext) -> None:
    details = [{"file": "a.csv", "line": line, "column": None, "message": "wrong"} for line in range(30)]
    delivery(failure=Failure("generate", "invalid_roster", "Wrong.", details)).tell(
        ctx, TellFailure(report="sales", title="Sales", to=["ada@example.com"])
    )
    assert SendMail.model_validate(ctx.added[0].input).context["details"] == details[:20]
