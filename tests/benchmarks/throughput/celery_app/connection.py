"""A kept SMTP connection: what most applications of Celery lack, which connect for each mail. It favours Celery."""

import smtplib
from email.message import EmailMessage


class KeptConnection:
    """Connects with the first mail, and again where the server has closed the connection meanwhile."""

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
