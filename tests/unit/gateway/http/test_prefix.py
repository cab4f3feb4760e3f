"""The path of PUBLIC_URL: what is taken off a request, and what is put before an address."""

import re
from pathlib import Path

import pytest

from bureau.services.gateway.console import frame
from bureau.services.gateway.http.prefix import Prefix, PrefixedAddresses

PATHS = ["/", "/jobs", "/jobs/<uuid:job_id>", "/v1/jobs", "/login"]
TEMPLATES = Path(frame.__file__).with_name("templates")


@pytest.mark.parametrize(
    ("root", "asked", "local"),
    [
        ("", "/jobs", "/jobs"),
        ("/office", "/jobs", "/jobs"),
        ("/office", "/office/jobs", "/jobs"),
        ("/office", "/office/", "/"),
        ("/office", "/office", "/"),
        ("/office", "/office?done=x", "/?done=x"),
        ("/office", "/office/office/jobs", "/office/jobs"),
        ("/office", "/officer/jobs", "/officer/jobs"),
        ("/office/paper", "/office/paper/v1/jobs", "/v1/jobs"),
        ("/b%C3%BCro", "/büro/jobs", "/jobs"),
        ("/b%C3%BCro", "/b%C3%BCro/jobs", "/jobs"),
        ("/jobs", "/jobs/1", "/jobs/1"),  # it could mean two things
        ("/jobs/paper", "/jobs/1", "/jobs/1"),
    ],
)
def test_a_request_has_the_prefix_or_not(root: str, asked: str, local: str) -> None:
    assert Prefix.of(root, PATHS).local(asked) == local


@pytest.mark.parametrize("template", sorted(TEMPLATES.iterdir()), ids=lambda path: path.name)
def test_no_address_in_a_template_lacks_the_prefix(template: Path) -> None:
    """What the extension does not see says `{{ root }}` itself; a query alone stays on its page."""
    source = PrefixedAddresses.preprocess(PrefixedAddresses, template.read_text(), None)  # type: ignore[arg-type]
    found = re.findall(r'(?:href|src|action|stream)="([^"#?][^"]*)"', source)
    assert [address for address in found if not address.startswith("{{ root }}")] == []
