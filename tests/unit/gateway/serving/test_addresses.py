"""Which addresses count as one client."""

import pytest

from bureau.services.gateway.serving.addresses import network


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("", ""),
    ],
)
def test_one_client_has_a_whole_network_of_ipv6(address: str, counts_as: str) -> None:
    assert network(address) == counts_as
