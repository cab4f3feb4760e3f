"""What a key opens: a table."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bureau.ledger.access.keys import Key, Role
from bureau.services.gateway.api_keys import api_key
from bureau.services.gateway.api_keys.api_key import ApiKey
from bureau.services.gateway.api_keys.key_file import FileKey
from bureau.services.gateway.auth.identity import Identity
from bureau.services.gateway.auth.keyring import UNKNOWN, Refused, judge

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SHOWN = api_key.make()
WRONG = ApiKey(SHOWN.id, api_key.make().secret)
KEPT = Key(SHOWN.id, "shop", Role.SUBMIT, "", SHOWN.sha256, NOW, None, None, None, expired=False, use_is_old=True)
IN_FILE = FileKey(SHOWN.id, "ada", Role.VIEW, SHOWN.sha256)
REVOKED = replace(KEPT, revoked_at=NOW)
EXPIRED = replace(KEPT, expires_at=NOW, expired=True)


@pytest.mark.parametrize(
    ("shown", "kept", "opens"),
    [
        (SHOWN, KEPT, Identity("shop", Role.SUBMIT, SHOWN.id)),
        (SHOWN, replace(KEPT, expires_at=NOW), Identity("shop", Role.SUBMIT, SHOWN.id)),  # not yet
        (SHOWN, IN_FILE, Identity("ada", Role.VIEW, SHOWN.id)),
        (SHOWN, None, UNKNOWN),
        (WRONG, KEPT, UNKNOWN),
        (WRONG, IN_FILE, UNKNOWN),
        (SHOWN, REVOKED, Refused("This key was revoked.", known=True)),
        (SHOWN, EXPIRED, Refused("This key has expired.", known=True)),
        (SHOWN, replace(EXPIRED, revoked_at=NOW), Refused("This key was revoked.", known=True)),
        (WRONG, REVOKED, UNKNOWN),  # who has only the id learns nothing
        (WRONG, EXPIRED, UNKNOWN),
    ],
)
def test_a_key_opens_what_it_was_made_for(shown: ApiKey, kept: Key | FileKey | None, opens: Identity | Refused) -> None:
    assert judge(shown, kept) == opens
