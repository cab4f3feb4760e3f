"""Secrets that stand inside other secrets, and where they are hidden."""

import json

import pytest

from bureau.secrets import redaction
from bureau.secrets.redaction import hide_secrets, keep, keep_environment, scrub


@pytest.fixture(autouse=True)
def values_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known_secrets", set())


HEADERS = "X-Api-Key: planted-key-123456 | X-Other: Token planted-word-98765\nX-Third:planted-third-4711"


@pytest.mark.parametrize("by", ["keep", "environment"])
def test_every_value_inside_a_list_of_headers_is_a_secret(by: str) -> None:
    if by == "keep":
        keep([HEADERS])
    else:
        keep_environment({"CERTIFICATES_API_HEADERS": HEADERS})
    said = "planted-key-123456, Token planted-word-98765, just planted-word-98765, planted-third-4711; X-Api-Key"
    assert scrub(said) == "***, ***, just ***, ***; X-Api-Key"


def test_results_of_tasks_are_without_this_process_s_secrets() -> None:
    keep([HEADERS])
    result = {"said": ["key planted-key-123456"], "planted-third-4711": 1, "link": "https://x/?token=data", "n": None}
    assert hide_secrets(result) == {"said": ["key ***"], "***": 1, "link": "https://x/?token=data", "n": None}
    untouched = {"a": [1, "b"]}
    assert hide_secrets(untouched) is untouched


def test_a_secret_is_hidden_as_python_writes_it_in_a_traceback() -> None:
    secret = 'it\'s a "pass\\wörd"'
    keep([secret])
    for text in (secret, repr({"password": secret}), repr(secret.encode()), json.dumps([secret])):
        shown = scrub(f"login({text}) failed")
        assert "pass" not in shown.replace("password", ""), shown
