"""Announces the catalogs of services in the ledger, withdraws them, and says in lines what was done."""

from collections.abc import Collection, Sequence

from sqlalchemy.exc import ProgrammingError

from bureau.contracts.catalog import Catalog
from bureau.contracts.schemas import announcement_errors
from bureau.ledger.db.database import Database
from bureau.ledger.db.migrate import migrate
from bureau.ledger.dispatch.deployed import deploy, deployed, withdraw
from bureau.service import Service
from bureau.settings import SettingsError

_INSUFFICIENT_PRIVILEGE = "42501"  # PostgreSQL's code


class NotAllowed(Exception):
    """Says that the database role may not announce. Its message says which one may."""


def announce(db: Database, services: Sequence[Service]) -> list[str]:
    """Replaces what was announced for the queues of these services. Returns a line for each queue.

    Raises `SettingsError` for a schema that the gateway would not admit, `NotAllowed` and `LedgerUnavailable`.
    """
    if errors := [error for service in services for error in announcement_errors(service.catalog)]:
        raise SettingsError(errors)
    catalogs = {service.name: service.catalog for service in services}
    try:
        migrate(db)
        deploy(db, catalogs)
        return [f"{queue}: {_counted(catalog)}" for queue, catalog in sorted(catalogs.items())] + _others(db, catalogs)
    except ProgrammingError as error:
        raise _not_allowed(error) from error


def take_back(db: Database, queues: Sequence[str]) -> list[str]:
    """Withdraws what was announced for these queues. Returns a line for each. Raises as `announce` does."""
    try:
        migrate(db)
        gone = withdraw(db, queues)
        lines = [f"{queue}: {'withdrawn' if queue in gone else 'was not announced'}" for queue in queues]
        return lines + _others(db, gone)
    except ProgrammingError as error:
        raise _not_allowed(error) from error


def _others(db: Database, done: Collection[str]) -> list[str]:
    """Returns a line that names the other announced queues, so that nobody forgets one that is not used any more."""
    others = [f"{queue} ({at:%Y-%m-%d %H:%M} UTC)" for queue, at in deployed(db).items() if queue not in done]
    return [f"also announced, until withdrawn: {', '.join(others)}"] if others else []


def _counted(catalog: Catalog) -> str:
    counts = {"task": len(catalog.tasks), "report": len(catalog.reports), "template": len(catalog.templates)}
    named = [f"{count} {what}{'s' if count > 1 else ''}" for what, count in counts.items() if count]
    return ", ".join(named) or "nothing"


def _not_allowed(error: ProgrammingError) -> Exception:
    if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
        return error
    return NotAllowed(
        "The database role of DATABASE_URL may not announce. Use the role that owns the ledger's tables, as for "
        "python -m bureau.ledger migrate; the role of workers may not."
    )
