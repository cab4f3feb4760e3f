"""Prepares the stack before its processes start, at the first start and at upgrades: `python -m deploy.prepare`.

It brings the ledger to the newest revision, grants the workers' role the rights it needs, and creates the first key.
"""

import os
import sys

from bureau.ledger.access import keys
from bureau.ledger.access.audit import COMMAND, Act
from bureau.ledger.access.keys import NewKey, Role
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.migrate import migrate
from bureau.ledger.db.worker_role.grants import grant
from bureau.services.gateway.api_keys import api_key
from bureau.settings import PlatformSettings, SettingsError, load

WORKER_ROLE = "bureau_worker"  # created by deploy/postgres/roles.sh
OWNER = "shop"

WELCOME = """
Bureau is about to serve {url} ; this is its first key (owner {owner}, role operate).
It is shown only once, the ledger keeps a hash of it:

  export BUREAU_KEY={key}

Your first job, certificates for a roster, mailed when they are ready. From the root of the repository:

  curl -H "Authorization: Bearer $BUREAU_KEY" -H "Prefer: wait=20" \\
       -F files=@examples/rosters/welding.csv -F email_to=you@example.com {url}/v1/certificates

The mail is at {mail} ; check the whole stack with: deploy/smoke {url}
Docker's log of this container still has the key: docker compose rm -f prepare
Another key: docker compose exec gateway python -m bureau.services.gateway.keys make --owner NAME --role submit
"""


def main() -> int:
    try:
        (platform,) = load(PlatformSettings)
    except SettingsError as error:
        error.exit()
    db = Database(platform.database_url.get_secret_value())
    try:
        migrate(db)
        grant(db, WORKER_ROLE)
        print("The ledger is ready.")
        if not keys.all_keys(db):
            print(welcome(first_key(db)))
    except LedgerUnavailable as error:
        print(f"The database does not answer ({error}): {db!r}", file=sys.stderr)
        return 1
    finally:
        db.close()
    return 0


def first_key(db: Database) -> str:
    key = api_key.make()
    act = Act("key.make", OWNER, COMMAND, key.id, detail={"role": Role.OPERATE})
    keys.add(db, NewKey(key.id, OWNER, Role.OPERATE, key.sha256, "first key"), act)
    return key.text()


def welcome(key: str) -> str:
    url = os.environ.get("PUBLIC_URL") or "http://127.0.0.1:8600"
    mail = os.environ.get("MAIL_PAGE") or "http://127.0.0.1:8025"
    return WELCOME.format(url=url, mail=mail, owner=OWNER, key=key)


if __name__ == "__main__":
    sys.exit(main())
