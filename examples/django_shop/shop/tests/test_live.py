"""Tests orders with a real Bureau, which runs their tasks on threads of its own."""

from django.core.mail import send_mail
from django.test import TransactionTestCase, override_settings
from shop.models import Order
from shop.tasks import fail, receipt

from bureau.django.testing.cases import LiveBureauMixin


class LiveTest(LiveBureauMixin, TransactionTestCase):
    def test_an_order_gets_a_receipt(self) -> None:
        made = self.client.post("/orders", {"customer": "Ada", "total": "5"}).json()
        result = self.finished(receipt.get_result(made["job"]))
        self.assertEqual(result.return_value, "Ada paid 5.00.")
        self.assertEqual(Order.objects.get().receipt, "Ada paid 5.00.")

    def test_an_exception_is_in_the_result(self) -> None:
        result = self.finished(fail.enqueue("no page"))
        self.assertIs(result.errors[0].exception_class, LookupError)

    @override_settings(EMAIL_BACKEND="bureau.django.mail.EmailBackend")
    def test_mail_is_in_the_outbox(self) -> None:
        send_mail("Paid", "Thank you.", "shop@example.com", ["ada@example.com"])
        (job,) = self.bureau.jobs(kind="email", limit=1)
        job.wait(30)
        (mail,) = self.bureau.outbox
        self.assertEqual(mail["Subject"], "Paid")

    def test_the_end_of_a_test_does_not_wait_for_what_is_left(self) -> None:
        from datetime import timedelta

        from django.utils import timezone

        receipt.using(run_after=timezone.now() + timedelta(hours=1)).enqueue(1)
