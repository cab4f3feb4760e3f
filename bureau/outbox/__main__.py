"""Sends what transactions left in an outbox: `python -m bureau.outbox`, with the database's URL in OUTBOX_URL."""

import sys

import click
from sqlalchemy import MetaData, create_engine

from bureau.client import Bureau, BureauError, Patience
from bureau.outbox.sql.outbox import Outbox
from bureau.outbox.sql.table import outbox_table
from bureau.process.stop_signals import StopSignals

PATIENCE = Patience(seconds=2.0)  # a try that fails is repeated with the next look


@click.command()
@click.option("--url", envvar="OUTBOX_URL", show_envvar=True, required=True, help="The application's database.")
@click.option("--table", default="bureau_outbox", show_default=True, help="The outbox's table.")
@click.option("--once", is_flag=True, help="End when nothing is due; with status 1 if the gateway is away.")
@click.option("--seconds", default=1.0, show_default=True, help="The pause between two looks.")
def main(url: str, table: str, once: bool, seconds: float) -> None:
    """Send what is committed to the gateway of BUREAU_URL, with the key of BUREAU_KEY."""
    signals = StopSignals()
    outbox = Outbox(create_engine(url, pool_pre_ping=True), Bureau(patience=PATIENCE), outbox_table(MetaData(), table))
    away = False
    while not signals.received.is_set():
        try:
            if sent := outbox.drain():
                click.echo(f"{sent} sent")
            away = False
        except BureauError as error:
            if not away:
                click.echo(f"Nothing is sent for now: {error}", err=True)
            away = True
        if once:
            sys.exit(int(away))
        signals.received.wait(seconds)


if __name__ == "__main__":
    main()
