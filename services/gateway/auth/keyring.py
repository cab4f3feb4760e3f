"""Looks up keys, both those in the ledger and those in KEYS_FILE."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from bureau.ledger.access import keys
from bureau.ledger.access.keys import Key, KeyCheck
from bureau.ledger.db.database import Database
from bureau.services.gateway.api_keys.api_key import ApiKey
from bureau.services.gateway.api_keys.key_file import FileKey, KeyFile
from bureau.services.gateway.auth.credentials import Malformed
from bureau.services.gateway.auth.identity import Identity
from bureau.services.gateway.auth.sessions import SignedIn


@dataclass(frozen=True)
class Refused:
    """Says why a key is refused. `known` means that it was valid once, so keys are in use here."""

    reason: str
    known: bool = False


UNKNOWN = Refused("This key is unknown.")
NO_KEY = Refused("The Authorization header holds no key of the form bureau_<id>_<secret>.")


def judge(shown: ApiKey | SignedIn, kept: Key | FileKey | None) -> Identity | Refused:
    """Returns what the key gives access to.

    The reason of a refusal is told only to a sender who has the key's secret.
    """
    if not shown.opens(kept.sha256 if kept else None) or kept is None:
        return UNKNOWN
    if isinstance(kept, Key):
        if kept.revoked_at:
            return Refused("This key was revoked.", known=True)
        if kept.expired:
            return Refused("This key has expired.", known=True)
    return Identity(kept.owner, kept.role, kept.id)


REMEMBERED_SECONDS = 30.0  # shorter than the minute in which a key's use is noted
REMEMBERED_AT_MOST = 10_000


class Keyring:
    """Looks up the key of every request anew, so a revoked key is refused at the next request.

    `expected` answers from memory, for requests whose transaction compares the answer with the key's row.
    """

    def __init__(self, db: Database, file: KeyFile, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._file = file
        self._clock = clock
        self._were_any = False
        self._none_since: float | None = None
        self._found: dict[str, tuple[Key, float]] = {}

    def find(self, shown: ApiKey | SignedIn | Malformed) -> Identity | Refused:
        """Returns the identity, or the refusal. Raises `LedgerUnavailable`, unless the key is in the file."""
        if isinstance(shown, Malformed):
            return NO_KEY
        kept = self._file.keys().get(shown.id) or keys.find(self._db, shown.id)
        found = judge(shown, kept)
        if isinstance(found, Identity) and isinstance(kept, Key):
            if kept.use_is_old:
                keys.note_use(self._db, kept.id)
            if len(self._found) >= REMEMBERED_AT_MOST:
                self._found.clear()
            self._found[kept.id] = kept, self._clock()
        return found

    def expected(self, shown: ApiKey) -> tuple[Identity, KeyCheck | None] | None:
        """Returns the identity as read a moment ago, and what must be compared with the key's row.

        For a key in the file nothing must be compared. Returns None if `find` must be called instead.
        """
        of_file = self._file.keys().get(shown.id)
        kept, read_at = self._found.get(shown.id, (None, 0.0)) if of_file is None else (of_file, 0.0)
        if isinstance(kept, Key) and self._clock() - read_at >= REMEMBERED_SECONDS:
            return None
        found = judge(shown, kept)
        if not isinstance(found, Identity):
            return None
        return found, KeyCheck.of(kept) if isinstance(kept, Key) else None

    def there_are_any(self) -> bool:
        """Returns whether any key exists.

        Once true, it stays true: keys are never deleted, and a file that has lost its keys must not open the gateway to
        everyone.
        """
        if not self._were_any:
            self._were_any = self._file.given or keys.there_are_any(self._db)
            self._none_since = None if self._were_any else self._clock()
        return self._were_any

    def expects_none(self) -> bool:
        """Returns whether there was no key a moment ago."""
        since = self._none_since
        return not self._were_any and since is not None and self._clock() - since < REMEMBERED_SECONDS
