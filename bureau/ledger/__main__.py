"""`python -m bureau.ledger migrate`: brings the schema of DATABASE_URL to the newest revision."""

import sys

from bureau.ledger.database import Database, LedgerUnavailable
from bureau.ledger.migrate import migrate
from bureau.settings import PlatformSettings, SettingsError, load


def main(arguments: list[str]) -> int:
    if arguments != ["migrate"]:
        print("usage: python -m bureau.ledger migrate", file=sys.stderr)
        return 2
    try:
        (settings,) = load(PlatformSettings)
    except SettingsError as error:
        error.exit()
    db = Database(settings.database_url.get_secret_value())
    try:
        migrate(db)
    except LedgerUnavailable as error:
        print(f"The database does not answer ({error}): {db!r}", file=sys.stderr)
        return 1
    finally:
        db.close()
    print(f"The ledger is at the newest revision: {db!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
