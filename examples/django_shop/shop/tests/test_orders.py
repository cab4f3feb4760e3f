"""Tests orders; their tasks run in the test's transaction."""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.db import transaction
from django.test import TestCase
from django.utils import timezone
from shop.models import Order
from shop.tasks import count, fail, import_orders, invoice, receipt, remind

from bureau.django.testing.cases import RunTasksMixin


class OrderTest(RunTasksMixin, TestCase):
    def test_an_order_gets_a_receipt(self) -> None:
        made = self.client.post("/orders", {"customer": "Ada", "total": "5"}).json()
        self.assertTaskEnqueued(receipt, made["number"])
        (result,) = self.run_tasks()
        self.assertEqual(result.return_value, "Ada paid 5.00.")
        self.assertEqual(self.client.get(f"/orders/{made['number']}").json()["state"], "SUCCESSFUL")
        self.assertNoTasksEnqueued()

    def test_what_is_rolled_back_is_not_enqueued(self) -> None:
        with transaction.atomic():
            remind.enqueue("Ada")
            transaction.set_rollback(True)
        self.assertNoTasksEnqueued()
        self.assertEqual(self.run_tasks(), [])

    def test_tasks_run_by_priority_and_later_ones_when_asked(self) -> None:
        later = timezone.now() + timedelta(hours=1)
        remind.using(run_after=later).enqueue("later")
        remind.enqueue("second")
        remind.using(priority=50).enqueue("first")
        self.assertEqual([one.return_value for one in self.run_tasks()], ["Hello first", "Hello second"])
        self.assertTaskEnqueued(remind, "later")
        self.assertEqual([one.return_value for one in self.run_tasks(later=True)], ["Hello later"])

    def test_an_exception_is_in_the_result(self) -> None:
        (result,) = (fail.enqueue("no page"), *self.run_tasks())[1:]
        self.assertEqual(result.status, "FAILED")
        self.assertIs(result.errors[0].exception_class, LookupError)
        self.assertIn("LookupError: no page", result.errors[0].traceback)

    def test_an_error_of_the_database_does_not_break_the_test(self) -> None:
        order = Order.objects.create(customer="Ada", total=1)
        result = invoice.enqueue(-1)
        broken = import_orders.enqueue(ContentFile(b"customer,total\nAda\n", name="orders.csv"))
        self.run_tasks()
        broken.refresh()
        result.refresh()
        self.assertEqual((result.status, broken.status), ("FAILED", "FAILED"))
        self.assertEqual(Order.objects.get(), order)

    def test_files_and_the_context_work(self) -> None:
        order = Order.objects.create(customer="Ada", total=1)
        invoice.enqueue(order.pk)
        count.enqueue(3)
        import_orders.enqueue(ContentFile(b"customer,total\nBob,2\n", name="orders.csv"))
        self.assertEqual([one.return_value for one in self.run_tasks()], [None, 3, 1])
        self.assertTrue(Order.objects.filter(customer="Bob").exists())

    def test_what_another_test_enqueued_is_gone(self) -> None:
        self.assertNoTasksEnqueued()
        with self.assertRaisesMessage(AssertionError, "shop.tasks.remind is not enqueued with ('Ada',) {}"):
            self.assertTaskEnqueued(remind, "Ada")
