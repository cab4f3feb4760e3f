"""`bureau keys`: who may ask the gateway. Keys are rows of its ledger, not things of its HTTP API."""

import subprocess
import sys
from importlib.util import find_spec

import click

MODULE = "bureau.services.gateway.keys"  # run, not imported: the library knows no service
ELSEWHERE = """Keys are made where the gateway runs, in its ledger; the HTTP API has no way to them. There:

  python -m bureau.services.gateway.keys make --owner shop --role submit
  python -m bureau.services.gateway.keys list
  python -m bureau.services.gateway.keys revoke ID

In the compose stack put `docker compose exec gateway` before it. docs/keys.md says what keys may do."""


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def keys(arguments: tuple[str, ...]) -> None:
    """Make, list and revoke keys, where the gateway is.

    This is `python -m bureau.services.gateway.keys`: it works on the ledger of DATABASE_URL, and not over HTTP.
    """
    if not _here() or not arguments:
        click.echo(ELSEWHERE, err=True)
        raise click.exceptions.Exit(2)
    done = subprocess.run([sys.executable, "-m", MODULE, *arguments], check=False)  # noqa: S603 - the user's own words
    raise click.exceptions.Exit(done.returncode)


def _here() -> bool:
    """Whether the gateway and what it stands on are installed."""
    return all(find_spec(name) for name in ("bureau.services", "sqlalchemy", "pydantic_settings"))
