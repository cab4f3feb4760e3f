"""`python -m bureau.ledger migrate` brings the schema of DATABASE_URL to the newest revision; `grant ROLE` gives a
worker's role of PostgreSQL what it needs of it, and nothing else."""

import sys

from sqlalchemy.exc import ProgrammingError

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.migrate import migrate
from bureau.ledger.db.worker_role.grants import grant
from bureau.settings import PlatformSettings, SettingsError, load


def main(arguments: list[str]) -> int:
    if arguments != ["migrate"] and (len(arguments) != 2 or arguments[0] != "grant"):
        print("usage: python -m bureau.ledger migrate | grant ROLE", file=sys.stderr)
        return 2
    try:
        (settings,) = load(PlatformSettings)
    except SettingsError as error:
        error.exit()
    db = Database(settings.database_url.get_secret_value())
    try:
        return _migrate(db) if arguments == ["migrate"] else _grant(db, arguments[1])
    except LedgerUnavailable as error:
        print(f"The database does not answer ({error}): {db!r}", file=sys.stderr)
        return 1
    finally:
        db.close()


def _migrate(db: Database) -> int:
    migrate(db)
    print(f"The ledger is at the newest revision: {db!r}")
    return 0


def _grant(db: Database, role: str) -> int:
    if db.is_sqlite:
        print("SQLite has no roles; DATABASE_URL must be a PostgreSQL.", file=sys.stderr)
        return 2
    try:
        grant(db, role)
    except ProgrammingError as error:
        print(f"Nothing was granted to {role}: {error.orig}", file=sys.stderr)
        return 1
    print(f"{role} may do what a worker does, and nothing else: {db!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
