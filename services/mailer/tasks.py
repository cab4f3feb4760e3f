"""Defines the tasks `mailer.send`, which sends one e-mail, and `mailer.preview`, which only renders a template."""

from typing import Any

from bureau.contracts.mail.mail import MailPreview, MailSent, PreviewMail, SendMail
from bureau.contracts.mail.recipient_domains import refuse_outside
from bureau.services.mailer.send import Mailer
from bureau.services.mailer.templating.preview import preview
from bureau.services.mailer.templating.templating import Templates
from bureau.task import Context, Task


def send_task(mailer: Mailer, domains: str) -> Task[Any, MailSent]:
    """Returns the task, bound to its mailer and limited to the `domains` of RECIPIENT_DOMAINS."""

    def send(ctx: Context, mail: SendMail) -> MailSent:
        """Sends one e-mail, made from a template or from text and HTML, with stored files attached."""
        refuse_outside(domains, [*mail.to, *mail.cc, *mail.bcc])
        return mailer.send(ctx, mail)

    # Twelve attempts take about 25 minutes: enough for a provider to come back, and for greylisting.
    # It is not interrupted between two instructions, because some of them note what the provider has just taken.
    return Task(
        "mailer.send",
        send,
        max_attempts=12,
        base_seconds=2,
        cap_seconds=900,
        time_limit_seconds=120,
        interruptible=False,
    )


def preview_task(templates: Templates) -> Task[Any, MailPreview]:
    """Returns the task, bound to the templates that it renders."""

    def show(_ctx: Context, asked: PreviewMail) -> MailPreview:
        """Fills a mail template in and sends it to nobody."""
        return preview(templates, asked)

    return Task("mailer.preview", show, max_attempts=1, time_limit_seconds=30)
