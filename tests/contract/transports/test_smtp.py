"""SMTP: what a server may say or do at each step, and what it means for the mail."""

import socket
from pathlib import Path

import pytest

from bureau.contracts.errors import LOGIN_REFUSED_SECONDS, Stopped
from bureau.services.mailer.message.message import Message, MessageForm
from bureau.services.mailer.transports.base import AnswerLost, DeliveryWindow, SendResult, TransportUnavailable, Verdict
from bureau.services.mailer.transports.smtp import SmtpTransport
from bureau.services.mailer.transports.smtp_server import SmtpServer
from bureau.stop_token import StopReason, StopToken
from tests.contract.transports.running import Running
from tests.support.messages import new_message
from tests.support.servers.mail_servers import MailServer, Trouble, mail_server
from tests.support.servers.ports import free_port
from tests.support.servers.tls import TestAuthority, make_authority
from tests.support.waiting import until

ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
SENT, DEFERRED, REFUSED = Verdict.SENT, Verdict.DEFERRED, Verdict.REFUSED
HANG, DROP = Trouble.HANG, Trouble.DROP


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> TestAuthority:
    return make_authority(Path(tmp_path_factory.mktemp("tls")))


def _send(transport: SmtpTransport, message: Message | None = None, *recipients: str) -> SendResult:
    return transport.send(message or new_message(ADA), recipients or (ADA,), DeliveryWindow(), StopToken())


def test_a_message_arrives_byte_for_byte(server: MailServer, smtp: SmtpTransport) -> None:
    message = new_message(ADA, text=".\n..\n.dot\nlast line", html="<p>Zoë</p>")
    _send(smtp, message)
    assert server.mails[0].raw == message.written(MessageForm.EIGHT_BIT)
    assert server.mails[0].sender == "bureau@example.com"


def test_each_recipient_is_answered_for(server: MailServer, smtp: SmtpTransport) -> None:
    server.to_recipients = {BOB: "550 5.1.1 no such user", CY: "451 4.7.1 greylisted, come back"}
    outcome = _send(smtp, None, ADA, BOB, CY)
    assert outcome.verdicts == {ADA: SENT, BOB: REFUSED, CY: DEFERRED}
    assert outcome.reasons == {BOB: "550 5.1.1 no such user", CY: "451 4.7.1 greylisted, come back"}
    assert outcome.response == "250 2.0.0 queued as 4711"
    assert server.mails[0].recipients == (ADA,)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"to_recipients": {ADA: "550 no"}}, REFUSED),
        ({"to_recipients": {ADA: "450 busy"}}, DEFERRED),
        ({"to_sender": "550 not from you"}, REFUSED),
        ({"to_sender": "452 too many of yours"}, DEFERRED),
        ({"to_data": "554 no valid recipients"}, REFUSED),
        ({"to_data": "451 not now"}, DEFERRED),
        ({"to_content": "554 that is spam"}, REFUSED),
        ({"to_content": "452 disk full"}, DEFERRED),
        ({"to_content": "421 going down"}, DEFERRED),
    ],
)
def test_a_refusal_at_any_step_is_for_now_or_for_good(
    server: MailServer, smtp: SmtpTransport, changes: dict[str, object], verdict: Verdict
) -> None:
    for name, value in changes.items():
        setattr(server, name, value)
    outcome = _send(smtp)
    assert outcome.verdicts == {ADA: verdict}
    assert outcome.reasons[ADA] in str(changes)
    assert not server.mails
    for name in changes:
        setattr(server, name, getattr(MailServer(), name))
    assert _send(smtp).verdicts == {ADA: SENT}


@pytest.mark.parametrize(
    "changes",
    [
        {"greeting": "421 too busy"},
        {"greeting": "554 go away"},
        {"greeting": "nonsense"},
        {"greeting": DROP},
        {"to_sender": DROP},
        {"to_sender": "421 going down"},
        {"to_recipients": {ADA: "421 going down"}},
        {"to_data": DROP},
        {"to_data": "250 what?"},
        {"to_data": "421 going down"},
    ],
)
def test_a_server_that_leaves_before_the_mail_got_nothing(
    server: MailServer, smtp: SmtpTransport, changes: dict[str, object]
) -> None:
    for name, value in changes.items():
        setattr(server, name, value)
    with pytest.raises(TransportUnavailable, match=f"the mail server 127.0.0.1:{server.port}"):
        _send(smtp)
    assert not server.mails


def test_a_pipelining_server_that_asks_for_a_mail_to_nobody_gets_none(server: MailServer, smtp: SmtpTransport) -> None:
    server.to_recipients = {ADA: "550 no"}
    server.in_data = HANG  # it answers 354 to DATA although it has refused the only recipient
    assert _send(smtp).verdicts == {ADA: REFUSED}
    server.in_data = None
    assert _send(smtp, None, BOB).verdicts == {BOB: SENT}
    assert [mail.recipients for mail in server.mails] == [(BOB,)]


def test_a_server_that_is_not_there_is_an_outage() -> None:
    with pytest.raises(TransportUnavailable, match="cannot be used: Connection refused"):
        _send(SmtpTransport(SmtpServer.from_url(f"smtp://127.0.0.1:{free_port()}")))


def test_a_name_that_is_not_known_is_an_outage() -> None:
    for host in ("nowhere.invalid", "a" * 70):
        with pytest.raises(TransportUnavailable, match="cannot be used"):
            _send(SmtpTransport(SmtpServer.from_url(f"smtp://{host}")))


def test_an_accepted_mail_whose_answer_is_lost_is_unknown(server: MailServer, smtp: SmtpTransport) -> None:
    server.to_content = DROP
    message = new_message(ADA)
    with pytest.raises(AnswerLost, match="got the mail, but its answer was lost"):
        _send(smtp, message)
    assert server.counts == {message.message_id: 1}


def test_an_answer_that_cannot_be_read_is_lost(server: MailServer, smtp: SmtpTransport) -> None:
    for answer in ("nonsense", "354 more please", "1"):
        server.to_content = answer
        with pytest.raises(AnswerLost):
            _send(smtp)


def test_a_connection_that_breaks_while_a_large_mail_is_sent_leaves_nothing_unknown(
    server: MailServer, smtp: SmtpTransport
) -> None:
    """Without the dot at its end a server must not accept a mail (RFC 5321, section 4.1.1.4)."""
    server.in_data = DROP
    with pytest.raises(TransportUnavailable):
        _send(smtp, new_message(ADA, text="x\n" * 10_000_000))
    assert not server.mails


def test_silence_before_the_mail_is_an_outage_after_the_read_timeout(server: MailServer) -> None:
    transport = SmtpTransport(SmtpServer.from_url(server.url), read_timeout_seconds=0.2, connect_timeout_seconds=0.2)
    for step in ("greeting", "to_sender", "to_data"):
        setattr(server, step, HANG)
        with pytest.raises(TransportUnavailable, match=r"it took too long|timed out"):
            _send(transport)
        setattr(server, step, None)
    assert not server.mails


@pytest.mark.parametrize("step", ["greeting", "to_sender", "to_data", "in_data"])
def test_the_stop_token_interrupts_before_the_mail_is_handed_over(
    server: MailServer, smtp: SmtpTransport, step: str
) -> None:
    setattr(server, step, HANG)
    large = new_message(ADA, text="x\n" * 10_000_000)  # more than the kernel takes at once: sending blocks
    running = Running(smtp, large, (ADA,), DeliveryWindow())
    until(lambda: server.waiting, message=f"a client that waits at {step}")
    running.stop.set(StopReason.CANCELLED)
    assert isinstance(running.end(), Stopped)


def test_the_stop_token_interrupts_connecting() -> None:
    with socket.socket() as full:  # its queue of one is filled, so that the next client waits
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        transport = SmtpTransport(SmtpServer.from_url(f"smtp://127.0.0.1:{full.getsockname()[1]}"))
        running = Running(transport, new_message(ADA), (ADA,), DeliveryWindow())
        running.stop.set(StopReason.SHUTDOWN)
        assert isinstance(running.end(), Stopped)
        for client in waiting:
            client.close()


def test_the_stop_token_does_not_interrupt_after_it(server: MailServer, smtp: SmtpTransport) -> None:
    server.to_content = HANG
    running = Running(smtp, new_message(ADA), (ADA,), DeliveryWindow(end_within=1.0))
    until(lambda: server.waiting, message="the server has the mail")
    running.stop.set(StopReason.CANCELLED)
    assert isinstance(running.end(), AnswerLost)  # the window's end, not the token


def test_a_delivery_that_runs_at_the_end_of_its_window_is_cut_off(server: MailServer, smtp: SmtpTransport) -> None:
    server.to_content = HANG
    assert isinstance(Running(smtp, new_message(ADA), (ADA,), DeliveryWindow(end_within=0.2)).end(), AnswerLost)
    server.to_content, server.to_sender = None, HANG
    assert isinstance(
        Running(smtp, new_message(ADA), (ADA,), DeliveryWindow(end_within=0.2)).end(), TransportUnavailable
    )


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_connection_that_said_more_than_it_was_asked_serves_no_other_mail(
    authority: TestAuthority, encrypted: bool
) -> None:
    """Its words would be taken for the answer to the next mail, and that be refused for good."""
    with mail_server(starttls=authority.server if encrypted else None) as server:
        transport = SmtpTransport(SmtpServer.from_url(server.url), context=authority.client)
        server.to_content = "250 2.0.0 queued\r\n500 5.5.1 what was that?"
        assert _send(transport).verdicts == {ADA: SENT}
        server.to_content = None
        assert _send(transport).verdicts == _send(transport).verdicts == {ADA: SENT}
        assert server.connections == 2
        transport.close()


def test_connections_are_kept_and_replaced_when_they_died(server: MailServer, smtp: SmtpTransport) -> None:
    for _ in range(3):
        _send(smtp)
    assert server.connections == 1
    server.to_content = "421 going down"
    _send(smtp)
    server.to_content = None
    assert _send(smtp).verdicts == {ADA: SENT}


def test_a_server_that_restarts_costs_no_mail() -> None:
    with mail_server() as first:
        transport = SmtpTransport(SmtpServer.from_url(first.url))
        _send(transport)
        port = first.port
    with mail_server(port=port) as second:
        assert _send(transport).verdicts == {ADA: SENT}
        assert len(second.mails) == 1
        transport.close()


def test_a_server_that_takes_few_mails_on_a_connection_gets_another(server: MailServer, smtp: SmtpTransport) -> None:
    server.mails_per_connection = 2
    for _ in range(5):
        assert _send(smtp).verdicts == {ADA: SENT}
    assert server.connections == 3


def test_closing_takes_leave_of_the_server(server: MailServer, smtp: SmtpTransport) -> None:
    _send(smtp)
    smtp.close()
    _send(smtp)
    assert server.connections == 2


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # aiosmtpd, which sees no TLS from the first byte
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_mail_goes_encrypted_and_logged_in(authority: TestAuthority, scheme: str) -> None:
    tls = {"tls": authority.server} if scheme == "smtps" else {"starttls": authority.server}
    with mail_server(login=("ada@example.com", "p@ss w/rd"), **tls) as server:
        url = f"{scheme}://ada%40example.com:p%40ss%20w%2Frd@localhost:{server.port}"
        transport = SmtpTransport(SmtpServer.from_url(url), context=authority.client)
        _send(transport)
        assert (server.mails[0].encrypted, server.mails[0].user) == (True, "ada@example.com")
        transport.close()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_nobody_vouches_for_is_refused(authority: TestAuthority, scheme: str) -> None:
    tls = {"tls": authority.server} if scheme == "smtps" else {"starttls": authority.server}
    with mail_server(**tls) as server:
        transport = SmtpTransport(SmtpServer.from_url(f"{scheme}://localhost:{server.port}"))
        with pytest.raises(TransportUnavailable, match=r"certificate of the mail server localhost.* is not trusted"):
            _send(transport)
        assert not server.mails


def test_a_certificate_for_another_name_is_refused(authority: TestAuthority) -> None:
    with mail_server(starttls=authority.server) as server:
        url = f"smtp://localhost.localdomain:{server.port}"
        transport = SmtpTransport(SmtpServer.from_url(url), context=authority.client)
        with pytest.raises(TransportUnavailable, match=r"not trusted|cannot be used"):
            _send(transport)
        assert not server.mails


def test_a_password_is_not_sent_in_the_clear(server: MailServer) -> None:
    transport = SmtpTransport(SmtpServer.from_url(f"smtp://ada:hunter2@127.0.0.1:{server.port}"))
    with pytest.raises(TransportUnavailable, match="STARTTLS extension not supported") as caught:
        _send(transport)
    assert "hunter2" not in str(caught.value)


def test_a_wrong_password_is_an_outage_that_does_not_tell_it(authority: TestAuthority) -> None:
    with mail_server(starttls=authority.server, login=("ada", "right")) as server:
        url = f"smtp://ada:hunter2@localhost:{server.port}"
        with pytest.raises(TransportUnavailable, match="refused the user or password of MAIL_URL: 535") as caught:
            _send(SmtpTransport(SmtpServer.from_url(url), context=authority.client))
        assert "hunter2" not in str(caught.value)
        assert caught.value.retry_after == LOGIN_REFUSED_SECONDS


@pytest.mark.parametrize("words", ["530 5.7.0 Authentication required", "530 5.7.0 Must issue STARTTLS first"])
def test_a_login_that_is_asked_for_is_an_outage_and_no_refusal_of_the_mail(words: str) -> None:
    with mail_server(to_sender=words) as server:
        transport = SmtpTransport(SmtpServer.from_url(server.url))
        with pytest.raises(TransportUnavailable, match="asks for a login or for encryption first: mend") as caught:
            _send(transport)
        assert words in str(caught.value)
        assert caught.value.retry_after == LOGIN_REFUSED_SECONDS
        server.to_sender = None
        assert _send(transport).verdicts == {ADA: Verdict.SENT}


def test_a_message_over_the_servers_size_is_refused_before_it_is_sent(smtp: SmtpTransport, server: MailServer) -> None:
    large = new_message(ADA, text="x\n" * 12_000_000)  # 36 MB; the server says 33,554,432 in EHLO
    outcome = smtp.send(large, (ADA,), DeliveryWindow(), StopToken())
    assert outcome.verdicts == {ADA: Verdict.REFUSED}
    assert "the server accepts at most 33,554,432" in outcome.reasons[ADA]
    assert not server.mails
    assert smtp.send(new_message(ADA), (ADA,), DeliveryWindow(), StopToken()).verdicts == {ADA: Verdict.SENT}
