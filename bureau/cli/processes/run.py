"""Runs all of Bureau in one process: `bureau run`."""

import os

import click

from bureau.cli.processes.become import become


@click.command()
@click.argument("modules", nargs=-1, metavar="[MODULE]...")
def run(modules: tuple[str, ...]) -> None:
    """Run all of Bureau in one process, until Ctrl-C.

    It needs no server: SQLite, files, and no RabbitMQ. MODULE is a module with your own tasks, found from this folder
    or in PYTHONPATH; TASKS may name more. The settings are environment variables (docs/settings.md).
    """
    named = " ".join([*modules, os.environ.get("TASKS", "")]).strip()
    become(["bureau.services.embedded"], {"TASKS": named} if named else {}, needs="cheroot", extra="embedded")
