"""Replaces the command by the process that it starts, so that signals reach that process and it keeps the id."""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import NoReturn

import click


def become(arguments: Sequence[str], settings: Mapping[str, str], *, needs: str, extra: str) -> NoReturn:
    """Runs `python -m …` in place of this process, with `settings` added to the environment.

    Exits with 2 if the library `needs` is missing, and says which `extra` brings it.
    """
    if find_spec(needs) is None:
        click.echo(f"Error: {needs} is missing: pip install 'bureau-jobs[{extra}]'", err=True)
        raise click.exceptions.Exit(2)
    sys.stdout.flush()
    sys.stderr.flush()
    os.environ.update(settings)
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606 - no shell reads the user's own words
