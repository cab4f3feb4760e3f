"""The mailer's settings."""

from pathlib import Path

import pytest

from bureau.services.mailer.settings import MailerSettings
from bureau.services.mailer.transport_factory import choose
from bureau.services.mailer.transports.console import ConsoleTransport
from bureau.services.mailer.transports.file import FileTransport
from bureau.services.mailer.transports.sendgrid import SendGridTransport
from bureau.services.mailer.transports.smtp import SmtpTransport
from bureau.services.mailer.transports.smtp_server import Encryption, SmtpServer
from bureau.settings import SettingsError, load

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAIL_URL", "MAIL_FROM", "MAIL_UNKNOWN", "SENDGRID_API_KEY", "SENDGRID_API_URL"):
        monkeypatch.delenv(name, raising=False)


def _loaded(monkeypatch: pytest.MonkeyPatch, **variables: str) -> MailerSettings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (settings,) = load(MailerSettings)
    return settings


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("file://var/outbox", FileTransport),
        ("file:///srv/outbox", FileTransport),
        ("console://", ConsoleTransport),
        ("smtp://mail.example.com", SmtpTransport),
        ("smtps://u:p@mail.example.com:4465", SmtpTransport),
        ("sendgrid://", SendGridTransport),
    ],
)
def test_the_url_chooses_the_transport(monkeypatch: pytest.MonkeyPatch, url: str, kind: type) -> None:
    (stop,) = choose(_loaded(monkeypatch, MAIL_URL=url, SENDGRID_API_KEY="SG.x")).stops
    assert isinstance(stop.transport, kind)


def test_a_folder_is_relative_or_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for url, folder in (("file://out", Path("out")), (f"file://{tmp_path}/a%20b", tmp_path / "a b")):
        (stop,) = choose(_loaded(monkeypatch, MAIL_URL=url)).stops
        transport = stop.transport
        assert isinstance(transport, FileTransport)
        assert transport.folder == folder


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MAIL_URL": "ftp://x"}, "MAIL_URL: use file://folder"),
        ({"MAIL_URL": "file://"}, "MAIL_URL: use file://folder"),
        ({"MAIL_URL": f"smtp://u:{SECRET}@"}, "MAIL_URL: write smtp://user:password@host:port"),
        ({"MAIL_URL": f"smtp://u:{SECRET}@h:x"}, "MAIL_URL: write smtp://user:password@host:port"),
        ({"MAIL_URL": f"smtp://u:{SECRET}/x@h"}, "/ ? # @ in a password as %2F %3F %23 %40"),
        ({"MAIL_URL": f"smtp://u:{SECRET}#x@h"}, "/ ? # @ in a password as %2F %3F %23 %40"),
        ({"MAIL_URL": f"smtp://u:[{SECRET}@h"}, "/ ? # @ in a password as %2F %3F %23 %40"),
        ({"MAIL_URL": f"smtp://u:{SECRET}\N{DOUBLE QUESTION MARK}@h"}, "/ ? # @ in a password as %2F %3F %23 %40"),
        ({"MAIL_URL": f"smtp://u:{SECRET}é@h"}, "MAIL_URL: the password may hold ASCII only"),
        ({"MAIL_URL": f"smtp://u:{SECRET}@h?starttls=maybe"}, "starttls is one of required, offered, never"),
        ({"MAIL_URL": f"smtp://u:{SECRET}@h?verify=no"}, "has one option, starttls"),
        ({"MAIL_URL": f"smtps://u:{SECRET}@h?starttls=never"}, "smtps:// has none"),
        ({"MAIL_URL": "sendgrid://"}, "SENDGRID_API_KEY: needed with MAIL_URL=sendgrid://"),
        ({"SENDGRID_API_KEY": f"{SECRET} x"}, "SENDGRID_API_KEY: a key is one word"),
        ({"SENDGRID_API_URL": "api.sendgrid.com"}, "SENDGRID_API_URL: use https://"),
        ({"MAIL_FROM": "Bureau"}, "MAIL_FROM: An email address must have an @-sign"),
        ({"MAIL_UNKNOWN": "ignore"}, "MAIL_UNKNOWN: Input should be 'resend' or 'park'"),
        ({"MAIL_CONNECT_TIMEOUT_SECONDS": "0"}, "MAIL_CONNECT_TIMEOUT_SECONDS: Input should be greater than 0"),
    ],
)
def test_an_error_is_named_and_no_secret_told(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        _loaded(monkeypatch, **variables)
    (error,) = caught.value.errors
    assert said in error
    assert SECRET not in error


def test_all_errors_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        _loaded(monkeypatch, MAIL_URL="sendgrid://", MAIL_FROM="x", MAIL_UNKNOWN="y")
    assert len(caught.value.errors) == 3


def test_no_secret_is_in_what_is_printed_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _loaded(monkeypatch, MAIL_URL=f"smtp://u:{SECRET}@h", SENDGRID_API_KEY=SECRET)
    server = SmtpServer.from_url(settings.mail_url.get_secret_value())
    assert SECRET not in f"{settings!r} {settings} {server!r} {server}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://h", SmtpServer("h", 25, Encryption.OFFERED)),
        ("smtp://h:2525?starttls=never", SmtpServer("h", 2525, Encryption.NEVER)),
        ("smtp://u:p%40%2Fw@h", SmtpServer("h", 25, Encryption.REQUIRED, "u", "p@/w")),
        ("smtp://u:p@h:587/?starttls=offered", SmtpServer("h", 587, Encryption.OFFERED, "u", "p")),
        ("smtps://a%40b.c:p@h", SmtpServer("h", 465, Encryption.TLS, "a@b.c", "p")),
        ("smtp://[::1]:25", SmtpServer("::1", 25, Encryption.OFFERED)),
    ],
)
def test_a_mail_servers_url_is_read(url: str, expected: SmtpServer) -> None:
    assert SmtpServer.from_url(url) == expected


def test_several_transports_are_named_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "smtp://a.example?rate=5, smtp://b.example?starttls=never&rate=0.5,sendgrid://"
    settings = _loaded(monkeypatch, MAIL_URL=url, SENDGRID_API_KEY="SG.x")
    assert [stop.name for stop in choose(settings).stops] == ["smtp", "smtp2", "sendgrid"]
    assert [(one.url, one.rate) for one in settings.mail_urls] == [
        ("smtp://a.example", 5.0),
        ("smtp://b.example?starttls=never", 0.5),
        ("sendgrid://", None),
    ]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"smtp://u:{SECRET}@a?rate=none", "rate is the number of mails per second"),
        (f"smtp://u:{SECRET}@a?rate=0", "rate is the number of mails per second"),
        (f"smtp://u:{SECRET}@a,ftp://b", "separate several by commas"),
        (f"smtp://u:{SECRET}@a,smtp://u:{SECRET}@a", "listed twice"),
        (f"smtp://u:{SECRET}@a,sendgrid://", "needed with MAIL_URL=sendgrid"),
    ],
)
def test_a_wrong_one_of_several_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        _loaded(monkeypatch, MAIL_URL=url)
    assert SECRET not in str(caught.value)


def test_mails_may_be_limited_to_domains_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    domains = {"MAIL_FROM_DOMAINS": "example.com, Example.org, Bücher.example"}
    settings = _loaded(monkeypatch, MAIL_FROM="a@example.org", **domains)
    assert settings.from_domains == {"example.com", "example.org", "xn--bcher-kva.example"}
    with pytest.raises(SettingsError, match=r"MAIL_FROM: other\.example is not one of MAIL_FROM_DOMAINS"):
        _loaded(monkeypatch, MAIL_FROM="a@other.example", **domains)
