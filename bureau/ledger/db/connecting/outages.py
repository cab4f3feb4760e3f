"""Tells outages of the database, where a retry helps, from errors in a statement."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

LOST = ("08", "57P")  # classes of PostgreSQL's SQLSTATE: connection exceptions, and a server that stops or starts
_SQLITE_OUTAGES = ("locked", "busy", "disk i/o error", "disk is full", "unable to open", "readonly")


def is_outage(error: Exception) -> bool:
    """Returns whether a retry can help: a lost connection, a deadlock, a timeout; not an error in the statement."""
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if type(error.orig).__module__.startswith("sqlite3"):
        return isinstance(error, OperationalError) and any(sign in str(error.orig).lower() for sign in _SQLITE_OUTAGES)
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
