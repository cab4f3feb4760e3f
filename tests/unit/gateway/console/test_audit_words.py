"""What an act was done with, as the audit's page says it."""

from typing import Any

import pytest

from bureau.services.gateway.console.pages.audit import in_words


@pytest.mark.parametrize(
    ("detail", "words"),
    [
        ({"role": "submit"}, "role submit"),
        ({"expires_in_seconds": 60}, "expires in seconds 60"),
        (
            {"filter": {"state": ["failed", "cancelled"], "run": None}, "expect": 3},
            "filter (state failed or cancelled), expect 3",
        ),
        ({"enabled": True}, "enabled true"),
    ],
)
def test_what_an_act_was_done_with_reads_as_words(detail: dict[str, Any], words: str) -> None:
    assert in_words(detail) == words
