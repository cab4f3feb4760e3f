"""Where the gateway listens, and how it is reached."""

import pytest

from bureau.services.gateway.settings import GatewaySettings
from bureau.settings import SettingsError, load


@pytest.mark.parametrize(
    "bind", ["127.0.0.1:8600", "127.9.9.9:1", "localhost:80", "[::1]:8600", "unix:/run/bureau.sock"]
)
def test_it_listens_on_loopback_and_on_sockets(bind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIND", bind)
    assert load(GatewaySettings)[0].bind == bind


@pytest.mark.parametrize(
    "bind", ["8600", "localhost", "localhost:port", "http://localhost:80", "a@localhost:80", "localhost:1/x"]
)
def test_what_is_no_address_is_refused(bind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIND", bind)
    with pytest.raises(SettingsError, match="use host:port"):
        load(GatewaySettings)


@pytest.mark.parametrize(
    ("bind", "public_url", "base_url"),
    [
        ("127.0.0.1:8600", "", "http://127.0.0.1:8600"),
        ("unix:/run/b.sock", "", "http://localhost"),
        ("0.0.0.0:8600", "", "http://localhost:8600"),
        ("192.168.1.5:8600", "", "http://192.168.1.5:8600"),
        ("127.0.0.1:8600", "https://bureau.example.com/", "https://bureau.example.com"),
        ("127.0.0.1:8600", "https://example.com/office/bureau/", "https://example.com/office/bureau"),
    ],
)
def test_links_that_leave_the_gateway_are_absolute(bind: str, public_url: str, base_url: str) -> None:
    assert GatewaySettings(bind=bind, public_url=public_url).base_url == base_url


@pytest.mark.parametrize("url", ["bureau.example.com", "ftp://x", "https://", "https://x/?a=b"])
def test_a_public_url_that_is_no_address_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", url)
    with pytest.raises(SettingsError, match="PUBLIC_URL: use an address"):
        load(GatewaySettings)


@pytest.mark.parametrize("path", ["/a;b", "/a b", '/a"b', "/a<b", "//a", "/a/../b", "/./a", "/%2e%2e", "/a%", "/büro"])
def test_a_path_that_could_mean_something_else_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", f"https://example.com{path}")
    with pytest.raises(SettingsError, match="PUBLIC_URL: use a path of letters"):
        load(GatewaySettings)


def test_the_one_process_needs_host_and_port() -> None:
    assert GatewaySettings(bind="[::1]:8600").address == ("::1", 8600)
    with pytest.raises(SettingsError, match="host:port only"):
        _ = GatewaySettings(bind="unix:/run/b.sock").address


def test_a_hosting_platforms_port_is_listened_on_from_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "5000")
    assert load(GatewaySettings)[0].bind == "0.0.0.0:5000"
    monkeypatch.setenv("BIND", "127.0.0.1:8601")
    assert load(GatewaySettings)[0].bind == "127.0.0.1:8601"


@pytest.mark.parametrize("port", ["0", "65536", "web"])
def test_what_is_no_port_is_refused(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", port)
    with pytest.raises(SettingsError, match="PORT: Input should be"):
        load(GatewaySettings)
