"""SendGrid: what its API may answer, and what it means for the mail."""

import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS, Stopped
from bureau.contracts.mail.addresses import Mailbox
from bureau.services.mailer.message.message import Message
from bureau.services.mailer.transports.base import AnswerLost, DeliveryWindow, SendResult, TransportUnavailable, Verdict
from bureau.services.mailer.transports.sendgrid import SendGridTransport
from bureau.stop_token import StopReason, StopToken
from tests.contract.transports.running import Running
from tests.support.messages import new_message
from tests.support.servers.http_servers import Behaviour, hangs, http_server, replies, resets
from tests.support.servers.mail_servers import SendGridServer, sendgrid_server
from tests.support.servers.ports import free_port
from tests.support.waiting import until

KEY = "SG.hunter2"
ADA = "ada@example.com"
ERROR = b'{"errors": [{"message": "The from address does not match", "field": "from", "help": null}]}'


def _send(url: str, message: Message | None = None, key: str = KEY, **options: Any) -> SendResult:
    transport = SendGridTransport(key, url=url, **options)
    return transport.send(message or new_message(ADA), (ADA,), DeliveryWindow(), StopToken())


def test_a_mail_is_accepted_and_the_vendors_id_kept() -> None:
    with sendgrid_server(key=KEY) as server:
        outcome = _send(server.url, new_message(ADA, subject="Zoë", reply_to=Mailbox("", "help@example.com")))
        assert (outcome.verdicts, outcome.response) == ({ADA: Verdict.SENT}, "202 accepted sg-4711")
        (mail,) = server.mails
        assert (mail["subject"], mail["reply_to"]) == ("Zoë", {"email": "help@example.com"})


def test_a_mail_it_refuses_is_refused_for_good_with_its_words() -> None:
    for status in (400, 403, 406, 413):
        with http_server(replies(status, ERROR)) as server:
            outcome = _send(server.url)
        assert outcome.verdicts == {ADA: Verdict.REFUSED}
        assert outcome.reasons[ADA] == f"SendGrid answered {status}: The from address does not match (from)"


@pytest.mark.parametrize(("status", "words"), [(401, "The grant is invalid"), (403, "access forbidden")])
def test_a_refused_key_names_the_setting_and_is_tried_again_slowly(status: int, words: str) -> None:
    body = json.dumps({"errors": [{"message": words, "field": None}]}).encode()
    with http_server(replies(status, body)) as server, pytest.raises(TransportUnavailable) as caught:
        _send(server.url)
    assert words in str(caught.value)
    assert "SENDGRID_API_KEY" in str(caught.value)
    assert caught.value.retry_after == LOGIN_REFUSED_SECONDS


def test_an_answer_that_is_not_json_is_shown_shortened() -> None:
    with http_server(replies(400, b"<html>\n" + b"x" * 100_000)) as server:
        reason = _send(server.url).reasons[ADA]
    assert reason.startswith("SendGrid answered 400: <html> xxx")
    assert len(reason) < 600


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("7", 7, 7),
        (timedelta(hours=1), 3500, 3600),
        (timedelta(hours=-1), 0, 0),
    ],
)
def test_a_busy_provider_is_an_outage_with_the_time_it_names(
    status: int, header: str | timedelta, least: float, most: float
) -> None:
    if isinstance(header, timedelta):
        header = format_datetime(datetime.now(UTC) + header, usegmt=True)
    with http_server(replies(status, b"", Retry_After=header)) as server, pytest.raises(TransportUnavailable) as caught:
        _send(server.url)
    assert caught.value.retry_after is not None
    assert least <= caught.value.retry_after <= most


def test_a_time_that_cannot_be_read_is_no_time() -> None:
    with http_server(replies(503, b"", Retry_After="soon")) as server, pytest.raises(TransportUnavailable) as caught:
        _send(server.url)
    assert caught.value.retry_after is None


def test_a_wrong_key_is_an_outage_that_names_the_setting_and_not_the_key() -> None:
    with (
        sendgrid_server(key="SG.other") as server,
        pytest.raises(TransportUnavailable, match="SENDGRID_API_KEY") as caught,
    ):
        _send(server.url)
    assert KEY not in str(caught.value)


def test_a_provider_that_is_not_there_is_an_outage() -> None:
    for url in (f"http://127.0.0.1:{free_port()}", "http://nowhere.invalid"):
        with pytest.raises(TransportUnavailable, match="SendGrid cannot be reached"):
            _send(url)


@pytest.mark.parametrize("behaviour", [SendGridServer.take_and_break_off, SendGridServer.take_and_hang])
def test_an_accepted_mail_whose_answer_is_lost_is_unknown(behaviour: Callable[..., None]) -> None:
    with sendgrid_server(lambda exchange: behaviour(server, exchange), key=KEY) as server:
        message = new_message(ADA)
        with pytest.raises(AnswerLost):
            _send(server.url, message, timeout_seconds=0.3)
        assert server.counts == {message.message_id: 1}


@pytest.mark.parametrize("behaviour", [replies(502), replies(504), replies(200), resets])
def test_an_answer_that_says_neither_yes_nor_no_is_lost(behaviour: Behaviour) -> None:
    with http_server(behaviour) as server, pytest.raises(AnswerLost):
        _send(server.url)


def test_a_redirect_is_not_followed_without_the_mail() -> None:
    with http_server(replies(302, b"", Location="/elsewhere"), replies(202)) as server:
        assert _send(server.url).verdicts == {ADA: Verdict.REFUSED}
        assert len(server.requests) == 1


def test_the_stop_token_does_not_interrupt_a_request_that_was_sent() -> None:
    with http_server(hangs()) as server:
        transport = SendGridTransport(KEY, url=server.url)
        running = Running(transport, new_message(ADA), (ADA,), DeliveryWindow(end_within=1.0))
        until(lambda: server.requests, message="the request")
        running.stop.set(StopReason.CANCELLED)
        assert isinstance(running.end(), AnswerLost)  # the window's end, not the token


def test_a_token_set_at_the_last_moment_keeps_the_mail() -> None:
    stop = StopToken()

    class Interrupting(DeliveryWindow):
        def check_begin(self) -> None:
            stop.set(StopReason.SHUTDOWN)
            super().check_begin()

    with sendgrid_server(key=KEY) as server:
        with pytest.raises(Stopped):
            SendGridTransport(KEY, url=server.url).send(new_message(ADA), (ADA,), Interrupting(), stop)
        assert not server.mails


def test_neither_key_nor_mail_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with sendgrid_server(key=KEY) as server:
        _send(server.url, new_message(ADA, text="between us"))
    assert KEY not in caplog.text
    assert "between us" not in caplog.text


def test_a_limit_that_is_used_up_is_told_with_the_answer() -> None:
    reset = str(int(time.time()) + 20)
    with http_server(replies(202, b"", X_RateLimit_Remaining="0", X_RateLimit_Reset=reset)) as server:
        pause = _send(server.url).pause_seconds
    assert pause is not None
    assert 15 < pause <= 20
    with http_server(replies(202, b"", X_RateLimit_Remaining="7", X_RateLimit_Reset=reset)) as server:
        assert _send(server.url).pause_seconds is None
    with http_server(replies(429, b"", X_RateLimit_Remaining="0", X_RateLimit_Reset=reset)) as server:
        with pytest.raises(TransportUnavailable) as caught:
            _send(server.url)
        assert caught.value.retry_after is not None


def test_in_sandbox_mode_a_mail_that_was_checked_counts_as_sent() -> None:
    with http_server(replies(200)) as server:
        outcome = _send(server.url, sandbox=True)
    assert outcome.verdicts == {ADA: Verdict.SENT}
    assert "sandbox" in outcome.response
