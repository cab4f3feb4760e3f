"""Runs a worker process: `bureau worker shop.tasks mailer`."""

import click

from bureau.cli.processes.become import become

SHIPPED = ("certificates", "mailer", "reports")  # as in `bureau.service`, which takes long to import


@click.command()
@click.argument("modules", nargs=-1, required=True, metavar="MODULE...")
@click.option("--queue", "queues", multiple=True, help="Serve your own tasks on this queue; repeat it for more.")
@click.option("--threads", type=click.IntRange(1), default=8, show_default=True, help="How many tasks run at once.")
@click.option(
    "--processes", type=click.IntRange(1), default=1, show_default=True, help="Of them, each with its threads."
)
@click.option("--concurrency", type=click.IntRange(1), help="How many async tasks of a service run at once.  [500]")
def worker(
    modules: tuple[str, ...], queues: tuple[str, ...], threads: int, processes: int, concurrency: int | None
) -> None:
    """Run the tasks of modules, and services of Bureau's, in a worker.

    MODULE is a module with your own tasks, found from this folder or in PYTHONPATH, or one of certificates, mailer and
    reports. All of them share the threads. DATABASE_URL, BROKER_URL and STORAGE_URL say where Bureau is.

    Without --queue each task is served on its own queue; with it, all tasks are served on each of these queues alone.
    """
    own = [name for name in modules if name not in SHIPPED]
    settings = {"SERVICES": " ".join(name for name in modules if name in SHIPPED)}
    if queues:
        settings["QUEUES"] = " ".join(queues)
    if concurrency is not None:
        settings["CONCURRENCY"] = str(concurrency)
    arguments = ["dramatiq", "bureau.worker", *own, "--skip-logging"]
    arguments += ["--processes", str(processes), "--threads", str(threads)]
    become(arguments, settings, needs="dramatiq", extra="worker")
