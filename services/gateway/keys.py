"""Manages the keys in the ledger of DATABASE_URL.

Usage: `python -m bureau.services.gateway.keys make | list | revoke`. Keys in KEYS_FILE are listed too; they are
changed in the file.
"""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from pydantic import Field

from bureau.ledger.access import keys
from bureau.ledger.access.audit import COMMAND, Act
from bureau.ledger.access.keys import Key, NewKey, Role
from bureau.ledger.db.database import Database, LedgerUnavailable
from bureau.ledger.db.migrate import migrate
from bureau.services.gateway.api_keys import api_key, key_file
from bureau.services.gateway.api_keys.key_file import OWNER, FileKey, KeyFileError
from bureau.settings import PlatformSettings, Settings, SettingsError, load

DAY_SECONDS = 86_400.0


class FileSettings(Settings):
    """Reads the gateway's KEYS_FILE setting but not the file.

    An error in the file must not prevent anyone from revoking a key.
    """

    keys_file: Path | None = Field(default=None)


def main(arguments: list[str]) -> int:
    given = _parser().parse_args(arguments)
    if given.command == "make" and given.for_file:
        return print_line(given)
    try:
        settings, file = load(PlatformSettings, FileSettings)
    except SettingsError as error:
        error.exit()
    given.file = file.keys_file
    db = Database(settings.database_url.get_secret_value())
    try:
        migrate(db)
        status: int = given.run(db, given)
    except LedgerUnavailable as error:
        print(f"The database does not answer ({error}): {db!r}", file=sys.stderr)
        return 1
    finally:
        db.close()
    return status


def make(db: Database, given: argparse.Namespace) -> int:
    """Makes a key. Prints only the key to stdout, for scripts, and everything else to stderr."""
    key = api_key.make()
    lives = given.expires_in_days * DAY_SECONDS if given.expires_in_days else None
    new = NewKey(key.id, given.owner, given.role, key.sha256, given.label, lives)
    act = Act("key.make", given.owner, COMMAND, key.id, detail={"role": given.role})
    keys.add(db, new, act)
    print(f"The key {key.id} of {given.owner} may {given.role}. It is shown only once:", file=sys.stderr)
    print(key.text())
    return 0


def print_line(given: argparse.Namespace) -> int:
    """Prints a line for KEYS_FILE; the ledger is not told about it."""
    print(f"{given.owner} {given.role} {api_key.make().text()}")
    return 0


def show(db: Database, given: argparse.Namespace) -> int:
    in_file = _in_file(given.file)
    found = [*(_row(key) for key in keys.all_keys(db)), *(_row_of_file(key, given.file) for key in in_file.values())]
    if not found:
        print("There are no keys. `make --owner NAME --role operate` makes one.")
        return 0
    rows = [("ID", "OWNER", "ROLE", "STATE", "MADE", "EXPIRES", "LAST USED", "LABEL"), *found]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def revoke(db: Database, given: argparse.Namespace) -> int:
    key, in_file = keys.find(db, given.id), _in_file(given.file).get(given.id)
    if in_file is not None:
        print(
            f"The key {in_file.id} of {in_file.owner} is in KEYS_FILE, {given.file}; remove its line there. "
            "Gateways notice this at the next request.",
            file=sys.stderr,
        )
        return 1
    if key is None:
        print(f"Key {given.id} not found; `list` shows all keys.", file=sys.stderr)
        return 1
    if keys.revoke(db, key.id, Act("key.revoke", key.owner, COMMAND, key.id)):
        print(f"The key {key.id} of {key.owner} is revoked and no longer accepted.")
    else:
        print(f"The key {key.id} of {key.owner} had been revoked before.")
    return 0


def _in_file(path: Path | None) -> dict[str, FileKey]:
    """Returns the keys in KEYS_FILE, by id; prints the file's errors to stderr."""
    try:
        return key_file.read(path) if path else {}
    except KeyFileError as error:
        print(f"KEYS_FILE cannot be read: {error}", file=sys.stderr)
        return {}


def _row_of_file(key: FileKey, path: Path) -> tuple[str, ...]:
    return (key.id, key.owner, key.role, "in a file", "-", "-", "-", f"KEYS_FILE {path}")


def _row(key: Key) -> tuple[str, ...]:
    state = "revoked" if key.revoked_at else "expired" if key.expired else "valid"
    times = (_time(key.created_at), _time(key.expires_at), _time(key.used_at))
    return (key.id, key.owner, key.role, state, *times, key.label)


def _time(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M") if moment else "never"


def _owner(text: str) -> str:
    if not OWNER.fullmatch(text):
        raise argparse.ArgumentTypeError("an owner has letters, digits and . _ @ -, at most 100")
    return text


def _days(text: str) -> float:
    days = float(text)
    if not 0 < days <= 36_500:
        raise argparse.ArgumentTypeError("more than 0 days, at most 36500")
    return days


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bureau.services.gateway.keys", description="Manages the keys of the gateway."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make", help="makes a key and shows it, once")
    making.add_argument("--owner", required=True, type=_owner, help="the owner whose jobs and files it gives access to")
    making.add_argument("--role", required=True, choices=[role.value for role in Role], type=str)
    making.add_argument("--label", default="", help="a note about its purpose")
    making.add_argument("--expires-in-days", type=_days, help="without it the key is valid until it is revoked")
    making.add_argument("--for-file", action="store_true", help="only prints a line for KEYS_FILE")
    making.set_defaults(run=make)
    commands.add_parser("list", help="shows all keys, also those of KEYS_FILE, without their secrets").set_defaults(
        run=show
    )
    revoking = commands.add_parser("revoke", help="revokes a key; it is refused from the next request on")
    revoking.add_argument("id", help="the id that `list` shows: the middle of bureau_<id>_<secret>")
    revoking.set_defaults(run=revoke)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
