"""Host and Origin: who may ask."""

import pytest

from bureau.contracts.problems import ProblemError
from bureau.services.gateway.http.security import AllowedHosts, check_door
from bureau.services.gateway.settings import GatewaySettings

DOORS = AllowedHosts.of(GatewaySettings(public_url="https://bureau.example.com"))


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8600", "127.0.0.1:8600", "[::1]:8600", "bureau.example.com", "bureau.example.com:443"],
)
def test_the_gateway_answers_to_its_own_names(host: str) -> None:
    check_door(DOORS, "GET", host, None)
    check_door(DOORS, "POST", host, None)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "a@localhost", "localhost:x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_another_name_is_refused(host: str, method: str) -> None:
    with pytest.raises(ProblemError) as caught:
        check_door(DOORS, method, host, None)
    assert (caught.value.problem.status, caught.value.problem.slug) == (403, "host-not-allowed")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "localhost:8600"),
        ("http://localhost:8600", "localhost:8600"),
        ("https://bureau.example.com", "localhost:8600"),
        ("https://bureau.example.com", "bureau.example.com"),
    ],
)
def test_the_gateways_own_pages_may_change_things(origin: str | None, host: str) -> None:
    check_door(DOORS, "POST", host, origin)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:3000", "http://bureau.example.com", ""]
)
def test_other_pages_may_not(origin: str) -> None:
    with pytest.raises(ProblemError) as caught:
        check_door(DOORS, "POST", "localhost:8600", origin)
    assert (caught.value.problem.status, caught.value.problem.slug) == (403, "origin-not-allowed")


def test_a_page_elsewhere_may_link_to_the_gateway() -> None:
    check_door(DOORS, "GET", "localhost:8600", "http://evil.example")
