"""Manages API keys: `bureau keys`. Keys are rows of the gateway's ledger; its HTTP API cannot change them."""

import subprocess
import sys
from importlib.util import find_spec

import click

MODULE = "bureau.services.gateway.keys"  # run, not imported: the library imports no service
ELSEWHERE = """Keys are made where the gateway runs, in its ledger; the HTTP API cannot make them. Run there:

  python -m bureau.services.gateway.keys make --owner shop --role submit
  python -m bureau.services.gateway.keys list
  python -m bureau.services.gateway.keys revoke ID

In the compose stack put `docker compose exec gateway` before it. docs/keys.md describes what keys may do."""


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def keys(arguments: tuple[str, ...]) -> None:
    """Make, list and revoke keys where the gateway is installed.

    This runs `python -m bureau.services.gateway.keys`, which works on the ledger in DATABASE_URL, not over HTTP.
    """
    if not _here() or not arguments:
        click.echo(ELSEWHERE, err=True)
        raise click.exceptions.Exit(2)
    done = subprocess.run([sys.executable, "-m", MODULE, *arguments], check=False)  # noqa: S603 - the user's own words
    raise click.exceptions.Exit(done.returncode)


def _here() -> bool:
    """Tells whether the gateway and its libraries are installed."""
    return all(find_spec(name) for name in ("bureau.services", "sqlalchemy", "pydantic_settings"))
