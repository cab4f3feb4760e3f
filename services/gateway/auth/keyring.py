"""The keys there are: those of the ledger and those of KEYS_FILE."""

from dataclasses import dataclass

from bureau.ledger.access import keys
from bureau.ledger.access.keys import Key
from bureau.ledger.db.database import Database
from bureau.services.gateway.api_keys.api_key import ApiKey
from bureau.services.gateway.api_keys.key_file import FileKey, KeyFile
from bureau.services.gateway.auth.credentials import Malformed
from bureau.services.gateway.auth.identity import Identity
from bureau.services.gateway.auth.sessions import SignedIn


@dataclass(frozen=True)
class Refused:
    """Why a key opens nothing. `known`: it was good once, so keys are in use here."""

    reason: str
    known: bool = False


UNKNOWN = Refused("This key is not known here.")
NO_KEY = Refused("The Authorization header holds no key of the form bureau_<id>_<secret>.")


def judge(shown: ApiKey | SignedIn, kept: Key | FileKey | None) -> Identity | Refused:
    """What the key opens. What became of it is told only to who has its secret."""
    if not shown.opens(kept.sha256 if kept else None) or kept is None:
        return UNKNOWN
    if isinstance(kept, Key):
        if kept.revoked_at:
            return Refused("This key was revoked.", known=True)
        if kept.expired:
            return Refused("This key has expired.", known=True)
    return Identity(kept.owner, kept.role, kept.id)


class Keyring:
    """Asked anew for every request: a revoked key is refused by the next one."""

    def __init__(self, db: Database, file: KeyFile) -> None:
        self._db = db
        self._file = file
        self._were_any = False

    def find(self, shown: ApiKey | SignedIn | Malformed) -> Identity | Refused:
        """Raises `LedgerUnavailable`, unless the key is of the file."""
        if isinstance(shown, Malformed):
            return NO_KEY
        kept = self._file.keys().get(shown.id) or keys.find(self._db, shown.id)
        found = judge(shown, kept)
        if isinstance(found, Identity) and isinstance(kept, Key) and kept.use_is_old:
            keys.note_use(self._db, kept.id)
        return found

    def there_are_any(self) -> bool:
        """Once true it stays so: keys are never deleted, and a file that lost its keys opens the door to nobody."""
        if not self._were_any:
            self._were_any = self._file.given or keys.there_are_any(self._db)
        return self._were_any
