"""`mailer.send`: one e-mail, to the provider."""

from typing import Any

from bureau.contracts.mail import MailSent, SendMail
from bureau.task import Context, Task
from services.mailer.mailer import Mailer


def send_task(mailer: Mailer) -> Task[Any, MailSent]:
    """The task, bound to the mailer it sends with."""

    def send(ctx: Context, mail: SendMail) -> MailSent:
        """Sends one e-mail, made from a template or from text and HTML, with stored files attached."""
        return mailer.send(ctx, mail)

    # Twelve tries take about 25 minutes: time for a provider to come back, and for greylisting.
    return Task("mailer.send", send, max_attempts=12, base_seconds=2, cap_seconds=900, time_limit_seconds=120)
