"""Runs what `bureau announce` starts: `python -m bureau.announcing announce MODULE…` and `… withdraw QUEUE…`.

It is the composition root of a process that reads the modules, as a worker does, and connects to the ledger alone.
SERVICES names Bureau's own services, QUEUES the queues of the modules' tasks.
"""

import sys
from collections.abc import Sequence

from bureau.announcing.catalogs import NotAllowed, announce, take_back
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.observability import logs
from bureau.service import Resources, Service, named_services
from bureau.settings import PlatformSettings, SettingsError, load
from bureau.storage import Storage
from bureau.task import DECLARED
from bureau.task_modules import import_task_modules, refuse_no_tasks

UNREACHABLE, NOT_ALLOWED = 3, 4  # as the command's other exit codes


def main(arguments: Sequence[str]) -> int:
    """Announces or withdraws, prints a line for each queue, and returns the exit status."""
    action, *names = arguments
    try:
        (settings,) = load(PlatformSettings)
        logs.configure(settings)
        db = Database(settings.database_url.get_secret_value())
        try:
            lines = take_back(db, names) if action == "withdraw" else announce(db, _services(settings, db, names))
        finally:
            db.close()
    except SettingsError as error:
        error.exit()
    except LedgerUnavailable as error:
        print(f"The database does not answer, and nothing was changed ({error}): {db!r}", file=sys.stderr)
        return UNREACHABLE
    except NotAllowed as error:
        print(error, file=sys.stderr)
        return NOT_ALLOWED
    print("\n".join(lines))
    return 0


def _services(settings: PlatformSettings, db: Database, modules: list[str]) -> list[Service]:
    """Returns the services as a worker would build them. Raises `SettingsError`."""
    import_task_modules(modules, "bureau announce")
    refuse_no_tasks(modules, DECLARED, "bureau announce")
    return named_services(Resources(db, Storage.from_url(settings.storage_url.get_secret_value())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
