"""Keys as people carry them."""

import pytest

from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.api_keys.api_key import ApiKey

SECRET = "S" * 43


def test_a_key_that_was_made_is_read_again_and_opens_only_its_own_hash() -> None:
    made, other = api_key.make(), api_key.make()
    assert api_key.parse(made.text()) == made
    assert made.opens(made.sha256)
    assert not made.opens(other.sha256)
    assert not made.opens(None)
    assert made != other


def test_a_secret_has_256_random_bits_and_is_kept_as_a_hash() -> None:
    secrets = {api_key.make().secret for _ in range(200)}
    assert len(secrets) == 200
    assert all(len(secret) == 43 and secret.isalnum() for secret in secrets)
    assert ApiKey("abcd", "hello").sha256 == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def test_a_secret_is_not_shown() -> None:
    assert SECRET not in repr(ApiKey("abcd", SECRET))
    assert SECRET not in str(ApiKey("abcd", SECRET))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bureau",
        "bureau__" + SECRET,
        "bureau_abc1_",
        "bureau_abc1_short",
        "Bureau_abc1_" + SECRET,
        "bureau_ABC1_" + SECRET,
        "bureau_abc1_" + SECRET + "\n",
        " bureau_abc1_" + SECRET,
        "bureau_abc1_" + SECRET + "é",
        "bureau_abc1_" + SECRET[:-1] + "-",
        "bureau_" + "a" * 17 + "_" + SECRET,
        "bureau_abc1_" + "S" * 129,
    ],
)
def test_what_is_no_key_is_none(text: str) -> None:
    assert api_key.parse(text) is None
