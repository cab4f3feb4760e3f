"""What an Authorization header shows."""

from base64 import b64encode

import pytest

from bureau.services.gateway.api_keys.api_key import ApiKey
from bureau.services.gateway.auth.credentials import Malformed, presented

KEY = ApiKey("abc1", "S" * 43)
TEXT = KEY.text()


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {TEXT}",
        f"bearer {TEXT}",
        f"  BEARER   {TEXT} ",
        basic(f":{TEXT}"),
        basic(f"ada:{TEXT}"),
        basic(f"ädá:{TEXT}"),
        basic(f"key:{TEXT}").replace("Basic", "basic"),
    ],
)
def test_a_key_comes_as_a_bearer_token_or_as_a_password(header: str) -> None:
    assert presented(header) == KEY


@pytest.mark.parametrize("header", [None, "", "   "])
def test_a_request_without_credentials_has_none(header: str | None) -> None:
    assert presented(header) is None


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer nonsense",
        TEXT,
        f"Digest {TEXT}",
        f"Bearer {TEXT} {TEXT}",
        f"Bearer {TEXT},Bearer {TEXT}",
        "Basic",
        "Basic !!!",
        "Basic " + b64encode(b"\xff\xfe:x").decode(),
        basic(TEXT),  # as the name, without a password
        basic(f"{TEXT}:"),
    ],
)
def test_everything_else_is_malformed(header: str) -> None:
    assert presented(header) == Malformed()
