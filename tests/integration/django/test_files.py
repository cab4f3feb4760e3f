"""Tests files on their way into tasks and out of jobs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from bureau.client import Bureau
from tests.integration.django.conftest import Shop
from tests.support.waiting import until

ROWS = b"customer,total\nAda,1.50\nBob,2\n"


def finished(result: Any) -> Any:
    def ended() -> bool:
        result.refresh()
        return bool(result.is_finished)

    until(ended, 60, lambda: f"the end of {result}")
    return result


@pytest.fixture(autouse=True)
def _no_orders_are_left(shop: Shop) -> Iterator[None]:
    """Other tests count the orders without a receipt."""
    from shop.models import Order

    yield
    Order.objects.filter(receipt="").delete()


@pytest.fixture
def order(shop: Shop) -> Iterator[Any]:
    """An order with an invoice that a job made."""
    from shop.models import Order
    from shop.tasks import invoice

    order = Order.objects.create(customer="Ada", total=5)
    order.job = finished(invoice.enqueue(order.pk)).id
    order.save()
    yield order
    order.delete()


def stored(shop: Shop) -> list[Path]:
    folder = Path(shop.env["MEDIA_ROOT"]) / "invoices"
    return sorted(folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("kind", ["in memory", "on disk", "of a field", "text", "nested"])
def test_a_file_is_an_argument_of_a_task(shop: Shop, kind: str, tmp_path: Path) -> None:
    from django.core.files.base import ContentFile
    from django.core.files.uploadedfile import InMemoryUploadedFile, TemporaryUploadedFile
    from shop.models import Order
    from shop.tasks import describe, import_orders

    memory = InMemoryUploadedFile(BytesIO(ROWS), "file", "orders.csv", "text/csv", len(ROWS), None)
    if kind == "nested":
        memory.read()  # as a form's validation may have done
        result = finished(describe.enqueue([{"file": memory, "bureau_file": 1}]))
        assert result.return_value == ["orders.csv", "text/csv", len(ROWS), hashlib.sha256(ROWS).hexdigest()]
        return
    file: Any = memory
    if kind == "on disk":
        file = TemporaryUploadedFile("orders.csv", "text/csv", len(ROWS), None)
        file.write(ROWS)
    elif kind == "text":
        file = ContentFile(ROWS.decode(), name="orders.csv")
    elif kind == "of a field":
        holder = Order(customer="Ada", total=1)
        holder.invoice.save("orders.csv", ContentFile(ROWS), save=False)
        holder.invoice.close()
        file = holder.invoice
    result = finished(import_orders.enqueue(file))
    assert (result.errors, result.return_value) == ([], 2)
    assert Order.objects.filter(customer="Bob", total=2, job="").exists()


def test_in_a_transaction_a_file_is_uploaded_at_once_and_the_task_enqueued_with_the_commit(shop: Shop) -> None:
    from django.core.files.base import ContentFile
    from django.db import transaction
    from shop.tasks import import_orders

    from bureau.django.models import Submission

    with transaction.atomic():
        result = import_orders.enqueue(ContentFile(ROWS, name="orders.csv"))
        given = Submission.objects.get(pk=result.id).body["tasks"][0]["input"]["args"]
        assert given == result.args
        assert given[0]["bureau_file"]["name"] == "orders.csv"
    assert finished(result).return_value == 2


def test_a_file_that_is_stored_already_is_an_argument_too(shop: Shop) -> None:
    from shop.tasks import import_orders

    with Bureau(shop.bureau.api.url) as client:
        file = client.upload(("orders.csv", ROWS))
    assert finished(import_orders.enqueue(orders=file)).return_value == 2


def test_nothing_is_uploaded_for_a_task_that_is_refused(shop: Shop, monkeypatch: Any) -> None:
    from django.core.files.base import ContentFile
    from django.test import override_settings
    from shop.tasks import import_orders

    from bureau.django.tasks_api import InvalidTask

    entry = {"BACKEND": "bureau.django.backend.BureauBackend", "QUEUES": ["other"], "OPTIONS": {"URL": "http://x:1"}}
    with override_settings(TASKS={"default": entry}), pytest.raises(InvalidTask, match="Queue 'default'"):
        import_orders.enqueue(ContentFile(ROWS, name="orders.csv"))


def test_a_job_s_file_is_saved_in_a_field(shop: Shop, order: Any) -> None:
    from shop.models import Order

    from bureau.django.files.artifacts import save_artifact

    artifact = save_artifact(order.invoice, order.job, "invoice-*.txt")
    saved = Order.objects.get(pk=order.pk).invoice
    assert saved.read() == b"Ada owes 5.00.\n"
    assert saved.name == f"invoices/{artifact.id}-invoice-{order.pk}.txt"


def test_a_save_that_was_rolled_back_or_died_is_repeated_without_a_second_file(shop: Shop, order: Any) -> None:
    from django.db import transaction
    from shop.models import Order
    from shop.tasks import invoice

    from bureau.django.files.artifacts import save_artifact

    before = stored(shop)
    with transaction.atomic():
        save_artifact(order.invoice, invoice.get_result(order.job))
        transaction.set_rollback(True)
    assert not Order.objects.get(pk=order.pk).invoice
    (file,) = [path for path in stored(shop) if path not in before]
    written_at = file.stat().st_mtime_ns
    save_artifact(order.invoice, order.job)
    assert file.stat().st_mtime_ns == written_at  # it was found, and not written again
    file.write_bytes(b"Ada ow")  # what a process leaves that dies while it writes
    save_artifact(order.invoice, order.job)
    assert Order.objects.get(pk=order.pk).invoice.read() == b"Ada owes 5.00.\n"
    assert [path for path in stored(shop) if path not in before] == [file]


def test_a_file_that_arrived_damaged_is_not_stored(shop: Shop, order: Any, monkeypatch: Any) -> None:
    from bureau.client import Artifact, Damaged
    from bureau.django.files.artifacts import save_artifact

    def damaged(*_: Any) -> None:
        raise Damaged("x")

    before = stored(shop)
    monkeypatch.setattr(Artifact, "write_to", damaged)
    with pytest.raises(Damaged):
        save_artifact(order.invoice, order.job)
    assert stored(shop) == before
    assert not order.invoice


def test_a_long_name_is_cut_to_what_the_field_holds_and_stays_the_same(shop: Shop, order: Any) -> None:
    from shop.models import Order

    from bureau.django.files.artifacts import save_artifact

    class Long:
        def get(self, _: str) -> Any:
            job = Bureau(shop.bureau.api.url).get(order.job)
            job.whole()["artifacts"][0]["name"] = "a" * 200 + ".tar.gz"
            return job

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bureau.django.files.artifacts.tasks_client", lambda _alias: Long())
        names = []
        for _ in range(2):
            save_artifact(order.invoice, order.job)
            names.append(Order.objects.get(pk=order.pk).invoice.name)
    assert names[0] == names[1]
    assert len(names[0]) == 100
    assert names[0].endswith(".gz")
