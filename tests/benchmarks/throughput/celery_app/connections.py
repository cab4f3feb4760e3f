"""Connects to the mail server, once in each process of the worker or for each mail."""

import smtplib
from email.message import EmailMessage


class EachItsOwn:
    """Connects for each mail, as Flask-Mail and Django do."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)

    def send(self, message: EmailMessage) -> None:
        """Raises what `smtplib` raises."""
        with smtplib.SMTP(*self._address, timeout=30) as connection:
            connection.send_message(message)


class Kept:
    """Connects with the first mail, and again if the server has closed the connection meanwhile.

    Applications of Celery that are tuned for many mails do so.
    """

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._kept: smtplib.SMTP | None = None

    def send(self, message: EmailMessage) -> None:
        """Raises what `smtplib` raises; the next mail connects anew then."""
        kept, self._kept = self._kept, None
        try:
            kept = self._sent(kept or self._connect(), message)
        except smtplib.SMTPServerDisconnected:
            kept = self._sent(self._connect(), message)
        self._kept = kept

    def _connect(self) -> smtplib.SMTP:
        return smtplib.SMTP(*self._address, timeout=30)

    @staticmethod
    def _sent(connection: smtplib.SMTP, message: EmailMessage) -> smtplib.SMTP:
        connection.send_message(message)
        return connection
