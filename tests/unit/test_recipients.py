"""Tests which recipients RECIPIENT_DOMAINS allows."""

import pytest

from bureau.contracts.mail.recipient_domains import outside


@pytest.mark.parametrize(
    ("domains", "address", "allowed"),
    [
        ("", "ada@example.org", True),
        ("example.com", "ada@example.com", True),
        ("example.com", "Ada <ada@Mail.Example.com>", True),
        ("example.com", "ada@notexample.com", False),
        ("@example.com, .example.org", "ada@example.org", True),
        ("example.com", "用户@example.com", True),
        ("example.com", "josé@example.org", False),
        ("Bücher.example", "josé@xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "josé@mail.BÜCHER.example", True),
        ("bu\u0308cher.example", "ada@bücher.example", True),
        ("test", "ada@mail.test", True),
        ("no such domain", "ada@example.com", False),
        ("example.com", "no address", False),
    ],
)
def test_mail_may_go_to_the_listed_domains_and_their_subdomains(domains: str, address: str, allowed: bool) -> None:
    assert outside(domains, [address]) == ([] if allowed else [address])
