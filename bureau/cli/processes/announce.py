"""Announces tasks without a worker, a step of each deployment: `bureau announce shop.tasks mailer`."""

import click

from bureau.cli.processes.become import become
from bureau.cli.processes.worker import SHIPPED


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="MODULE...")
@click.option("--queue", "queues", multiple=True, help="Announce your own tasks on this queue; repeat it for more.")
@click.option("--withdraw", is_flag=True, help="Take back what was announced; then MODULE is the name of a queue.")
def announce(names: tuple[str, ...], queues: tuple[str, ...], withdraw: bool) -> None:
    """Announce the tasks of modules, and services of Bureau's, without a worker.

    A step of a deployment: jobs of these tasks are accepted from now on, and wait for a worker. MODULE and --queue are
    those of `bureau worker`. What was announced for a queue before is replaced, and stays until it is withdrawn.

    DATABASE_URL says where Bureau is; its role must own the tables, as for python -m bureau.ledger migrate.
    """
    if withdraw and queues:
        raise click.UsageError("--withdraw takes the queues as arguments: bureau announce --withdraw shop bulk")
    if withdraw:
        become(["bureau.announcing", "withdraw", *names], {}, needs="sqlalchemy", extra="worker")
    settings = {"SERVICES": " ".join(name for name in names if name in SHIPPED)}
    if queues:
        settings["QUEUES"] = " ".join(queues)
    own = [name for name in names if name not in SHIPPED]
    become(["bureau.announcing", "announce", *own], settings, needs="sqlalchemy", extra="worker")
