"""Sends mail through SendGrid's Web API with its `sendgrid` package. It takes a mail for all recipients or for none."""

import http.client
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.error import URLError

from python_http_client.exceptions import HTTPError

from bureau.contracts.base import clean_text
from bureau.contracts.errors import LOGIN_REFUSED_SECONDS
from bureau.metrics.upstream import called
from bureau.services.mailer.message.message import Message
from bureau.services.mailer.transports.base import AnswerLost, DeliveryWindow, SendResult, TransportUnavailable, Verdict
from bureau.services.mailer.transports.interruptible_socket import InterruptibleSocket
from bureau.services.mailer.transports.sendgrid_http import Handover, wired_client
from bureau.services.mailer.transports.sendgrid_payload import over_limits, payload
from bureau.stop_token import StopToken

_ACCEPTED = 202
_CHECKED = 200  # the answer in sandbox mode
_RESET_AT_MOST_SECONDS = 3600.0  # the reset is a time of SendGrid's clock, which may differ from ours
_BEHIND_GATEWAY = (502, 504)  # sent by a gateway that lost the answer of the server behind it


class SendGridTransport:
    """Sends mail through SendGrid.

    `url` is the API's, without `/v3`: `https://api.eu.sendgrid.com` for accounts in the EU.
    """

    name = "sendgrid"

    def __init__(
        self,
        key: str,
        *,
        url: str = "https://api.sendgrid.com",
        connect_timeout_seconds: float = 10.0,
        timeout_seconds: float = 60.0,
        sandbox: bool = False,
    ) -> None:
        self._key = key
        self._url = url
        self._connect_timeout = connect_timeout_seconds
        self._timeout = timeout_seconds
        self._sandbox = sandbox
        # At DEBUG it logs every header, including the key, and every mail.
        logging.getLogger("python_http_client").setLevel(logging.INFO)

    def send(self, message: Message, recipients: Sequence[str], window: DeliveryWindow, stop: StopToken) -> SendResult:
        if over := over_limits(message, recipients):
            return SendResult.same(recipients, Verdict.REFUSED, over)
        handover = Handover(InterruptibleSocket(), window, stop)
        body = payload(message, recipients, sandbox=self._sandbox)
        with window.cutting_off(handover.wire.cut), stop.interrupting(handover.wire.interrupt):
            # Errors are returned as values: `interrupting` would turn a lost answer into `Stopped`.
            answer = self._answer(body, recipients, handover)
        if isinstance(answer, TransportUnavailable):
            stop.check()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def was_sent(self, message_id: str) -> bool | None:  # noqa: ARG002 - a lookup needs a paid activity feed
        return None

    def close(self) -> None:
        """Does nothing, because every call has a connection of its own."""

    def _answer(
        self, body: dict[str, Any], recipients: Sequence[str], handover: Handover
    ) -> SendResult | TransportUnavailable | AnswerLost:
        api = wired_client(self._key, self._url, handover, connect_timeout=self._connect_timeout, timeout=self._timeout)
        try:
            response = api.send(body)
            called(self.name, response.status_code)
        except HTTPError as error:
            called(self.name, int(error.status_code))
            return _refusal(error, recipients)
        except URLError as error:  # while connecting or sending the request: the request was not sent whole
            called(self.name, None)
            return TransportUnavailable(f"SendGrid cannot be reached: {_words(error.reason)}")
        except TransportUnavailable as error:
            return error
        except (OSError, http.client.HTTPException) as error:
            called(self.name, None)
            return AnswerLost(f"SendGrid got the mail, but its answer was lost: {_words(error)}")
        if response.status_code == _CHECKED and self._sandbox:
            return SendResult.same(recipients, Verdict.SENT, "200 checked in sandbox mode, sent to nobody")
        if response.status_code != _ACCEPTED:
            return AnswerLost(f"SendGrid answered {response.status_code}, which means neither accepted nor refused")
        answer = f"202 accepted {response.headers.get('X-Message-Id', '')}".strip()
        return replace(SendResult.same(recipients, Verdict.SENT, answer), pause_seconds=_used_up(response.headers))


def _refusal(error: HTTPError, recipients: Sequence[str]) -> SendResult | TransportUnavailable | AnswerLost:
    status, answer = int(error.status_code), f"SendGrid answered {error.status_code}: {_message(error.body)}"
    if status in _BEHIND_GATEWAY:
        return AnswerLost(answer)
    if status == 401 or (status == 403 and "access forbidden" in answer):
        hint = "SendGrid refused the key: mend SENDGRID_API_KEY, which needs the permission Mail Send"
        return TransportUnavailable(f"{answer}. {hint}", retry_after=LOGIN_REFUSED_SECONDS)
    if status == 429 or status >= 500:
        return TransportUnavailable(answer, retry_after=_retry_after(error.headers))
    return SendResult.same(recipients, Verdict.REFUSED, answer)


def _message(body: bytes) -> str:
    """Returns SendGrid's message, `{"errors": [{"message": …, "field": …}]}`, or the start of any other body."""
    try:
        errors = json.loads(body)["errors"]
        words = "; ".join(f"{e['message']} ({e['field']})" if e.get("field") else str(e["message"]) for e in errors)
    except (ValueError, TypeError, KeyError, AttributeError):
        words = body.decode("utf-8", "replace")
    return " ".join(clean_text(words).split())[:500] or "no reason given"


def _retry_after(headers: Mapping[str, str] | None) -> float | None:
    """Returns seconds from a number or a date (RFC 9110, section 10.2.3)."""
    value = (headers or {}).get("Retry-After")
    if not value:
        return _used_up(headers)
    try:
        if value.strip().isdigit():
            return float(value)
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _used_up(headers: Mapping[str, str] | None) -> float | None:
    """Returns the seconds until SendGrid's used-up rate limit resets; None if requests are left."""
    remaining, reset = ((headers or {}).get(f"X-RateLimit-{name}") for name in ("Remaining", "Reset"))
    if remaining is None or reset is None or remaining.strip() != "0" or not reset.strip().isdigit():
        return None
    return min(max(0.0, float(reset) - time.time()), _RESET_AT_MOST_SECONDS)


def _words(error: object) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)
