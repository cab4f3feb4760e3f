"""Defines the tasks, which send a mail by SMTP, or only add numbers."""

import os
import smtplib
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from tests.benchmarks.throughput.celery_app.app import app
from tests.benchmarks.throughput.celery_app.connections import EachItsOwn, Kept

connections = EachItsOwn if os.environ["CELERY_CONNECTS"] == "1" else Kept
connection = connections("127.0.0.1", int(os.environ["SMTP_PORT"]))  # each process of the pool connects by itself


@app.task(  # type: ignore[untyped-decorator] # celery ships no types
    bind=True, autoretry_for=(smtplib.SMTPException, OSError), retry_backoff=True, max_retries=8
)
def send_email(task: Any, to: list[str], subject: str, text: str) -> str:
    """Sends one mail and returns its Message-ID."""
    message = EmailMessage()
    message["From"] = "Bureau <bureau@localhost>"
    message["To"] = ", ".join(to)
    message["Subject"] = subject
    message["Date"] = formatdate()
    message["Message-ID"] = message_id = f"<{task.request.id}@example.com>"
    message.set_content(text)
    connection.send(message)
    return message_id


@app.task  # type: ignore[untyped-decorator]
def add(a: int, b: int) -> int:
    return a + b


@app.task  # type: ignore[untyped-decorator]
def total(numbers: list[int]) -> int:
    return sum(numbers)
