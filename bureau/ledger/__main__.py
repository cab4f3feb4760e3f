"""`python -m bureau.ledger migrate` brings the schema of DATABASE_URL to the newest revision.

`grant ROLE` gives a worker's role of PostgreSQL what it needs of it, and nothing else. `grant-application ROLE OWNER`
lets an application's role submit jobs of an owner with `bureau.submit`; `revoke-application ROLE` ends that.
"""

import sys

from sqlalchemy.exc import ProgrammingError

from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.migrate import migrate
from bureau.ledger.db.worker_role.grants import grant
from bureau.ledger.submissions.in_sql import grants as application
from bureau.settings import PlatformSettings, SettingsError, load

_USAGE = "usage: python -m bureau.ledger migrate | grant ROLE | grant-application ROLE OWNER | revoke-application ROLE"
_ARGUMENTS = {"migrate": 0, "grant": 1, "grant-application": 2, "revoke-application": 1}


def main(arguments: list[str]) -> int:
    if not arguments or _ARGUMENTS.get(arguments[0]) != len(arguments) - 1:
        print(_USAGE, file=sys.stderr)
        return 2
    try:
        (settings,) = load(PlatformSettings)
    except SettingsError as error:
        error.exit()
    db = Database(settings.database_url.get_secret_value())
    try:
        return _run(db, *arguments)
    except LedgerUnavailable as error:
        print(f"The database does not answer ({error}): {db!r}", file=sys.stderr)
        return 1
    finally:
        db.close()


def _run(db: Database, action: str, *names: str) -> int:
    if action == "migrate":
        return _migrate(db)
    if db.is_sqlite:
        print("SQLite has no roles; DATABASE_URL must be a PostgreSQL.", file=sys.stderr)
        return 2
    match action:
        case "grant":
            return _grant(db, *names)
        case "grant-application":
            return _grant_application(db, *names)
        case _:
            return _revoke_application(db, *names)


def _migrate(db: Database) -> int:
    migrate(db)
    print(f"The ledger is at the newest revision: {db!r}")
    return 0


def _grant(db: Database, role: str) -> int:
    try:
        grant(db, role)
    except ProgrammingError as error:
        print(f"Nothing was granted to {role}: {error.orig}", file=sys.stderr)
        return 1
    print(f"{role} may do what a worker does, and nothing else: {db!r}")
    return 0


def _grant_application(db: Database, role: str, owner: str) -> int:
    try:
        application.grant(db, role, owner)
    except (application.NotGranted, ProgrammingError) as error:
        print(f"Nothing was granted to {role}: {getattr(error, 'orig', error)}", file=sys.stderr)
        return 1
    print(f"{role} may submit jobs of {owner} with bureau.submit, and nothing else: {db!r}")
    return 0


def _revoke_application(db: Database, role: str) -> int:
    if application.revoke(db, role):
        print(f"{role} submits no more jobs: {db!r}")
        return 0
    print(f"{role} had no such right; those that have: {', '.join(application.granted(db)) or 'none'}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
