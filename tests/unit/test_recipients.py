"""Tests which recipients RECIPIENT_DOMAINS allows."""

import pytest

from bureau.contracts.mail.recipient_domains import outside
from bureau.contracts.requests.certificates import CertificatesForm
from bureau.submission.requests.certificates import certificates_errors
from bureau.submission.requests.limits import RequestLimits


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


def test_a_request_for_certificates_is_refused_for_recipients_that_are_not_allowed() -> None:
    form = CertificatesForm(email_to=["ada@example.com", "bob@example.org"])
    limits = RequestLimits(max_recipients=1, recipient_domains="example.com")
    found = [(error.code, error.pointer) for error in certificates_errors(form, limits)]
    assert found == [("too_many", "#/email_to"), ("recipient_domain_refused", "#/email_to")]
