"""APIs that answer 202 and make the archive later; what goes with every request to an API."""

from collections.abc import Callable

import pytest

from bureau.contracts.errors import PermanentError, Stopped, TransientError
from bureau.runtime.coroutines.event_loop import EventLoop
from bureau.services.certificates.api.polling import location
from bureau.services.certificates.issuer.settings import IssuerSettings
from bureau.services.certificates.service import certificates_api
from bureau.services.certificates.settings import CertificatesSettings
from bureau.settings import SettingsError, load
from bureau.stop_token import StopReason
from tests.integration.certificates.conftest import Call
from tests.support.archives import archive
from tests.support.servers.http_servers import http_server, replies
from tests.support.together import together

ZIP = archive(("a.pdf", b"%PDF"))
CallTo = Callable[..., Call]
LATER = replies(202, b"{}", Location="/jobs/7?t=1", Retry_After="0.2")


def test_the_archive_is_asked_for_at_the_location_until_it_is_there(call_to: CallTo) -> None:
    still = replies(202, b"{}", Retry_After="0.2")
    with http_server(LATER, still, replies(200, ZIP, "application/zip")) as server:
        assert call_to(server.url + "/issue")() == ZIP
    assert [(request.method, request.path) for request in server.requests] == [
        ("POST", "/issue"),
        ("GET", "/jobs/7?t=1"),
        ("GET", "/jobs/7?t=1"),
    ]


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (replies(500), TransientError, "answered 500"),
        (replies(422, b'{"error": {"message": "line 3"}}'), PermanentError, "answered 422: line 3"),
        (replies(200, b"<html>", "text/html"), PermanentError, "instead of a ZIP"),
        (replies(302, Location="/elsewhere"), PermanentError, "a redirect"),
    ],
)
def test_an_error_after_a_202_is_reported_like_an_immediate_one(
    call_to: CallTo, answer: Callable[..., None], kind: type[Exception], said: str
) -> None:
    with http_server(LATER, answer) as server, pytest.raises(kind, match=said):
        call_to(server.url)()


def test_a_location_elsewhere_is_not_asked(call_to: CallTo) -> None:
    with http_server(replies(200, ZIP, "application/zip")) as other:
        lured = replies(202, b"{}", Location=f"{other.url}/jobs/7")
        with http_server(lured) as server, pytest.raises(PermanentError, match="not on the server of"):
            call_to(server.url)()
    assert other.requests == []


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("/jobs/7", "https://api.example.com/jobs/7"),
        ("jobs/7", "https://api.example.com/v1/jobs/7"),
        ("https://api.example.com:443/j", "https://api.example.com:443/j"),
    ],
)
def test_a_location_is_read_from_the_api_s_own_address(given: str, address: str) -> None:
    assert location("https://user:secret@api.example.com/v1/issue", given) == address


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "http://api.example.com/j",
        "https://api.example.com:8443/j",
        "//evil.example.com/j",
        "https://api.example.com@evil.example.com/j",
        "file:///etc/passwd",
        "https://[::1",
    ],
)
def test_any_other_location_is_refused_without_the_password(given: str | None) -> None:
    with pytest.raises(PermanentError) as caught:
        location("https://user:secret@api.example.com/v1/issue", given)
    assert "secret" not in caught.value.message


def test_a_wait_for_the_archive_is_interrupted(call_to: CallTo) -> None:
    with http_server(replies(202, b"{}", Location="/jobs/7", Retry_After="60")) as server:
        call = call_to(server.url)

        def act(which: int) -> None:
            if which:
                call.stop.set(StopReason.CANCELLED)
            else:
                with pytest.raises(Stopped):
                    call()

        together(2, act)


def test_headers_and_token_of_the_settings_go_with_every_request(loop: EventLoop) -> None:
    settings = CertificatesSettings(
        certificates_api_token="t0k3n", certificates_api_headers="X-Api-Key: abc | X-Tenant: north"
    )
    with http_server(LATER, replies(200, ZIP, "application/zip")) as server:
        api = certificates_api(
            settings.model_copy(update={"certificates_api": type(settings.certificates_api)(server.url)}),
            IssuerSettings(),
        )
        assert Call(api, loop)() == ZIP
        loop.wait_for(api.close())
    for request in server.requests:
        assert request.headers["Authorization"] == "Bearer t0k3n"
        assert (request.headers["X-Api-Key"], request.headers["X-Tenant"]) == ("abc", "north")


@pytest.mark.parametrize("headers", ["nonsense", "X-Key: a\r\nHost: evil", "Content-Length: 3", "X-Key: naïve"])
def test_headers_that_cannot_be_sent_are_refused_without_being_shown(
    headers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CERTIFICATES_API_HEADERS", headers)
    with pytest.raises(SettingsError) as caught:
        load(CertificatesSettings)
    assert "CERTIFICATES_API_HEADERS: header" in caught.value.errors[0]
    assert "evil" not in caught.value.errors[0]
