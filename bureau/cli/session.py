"""Holds the state of one run of the command: the client, and the output on stdout and stderr."""

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import click

from bureau.cli.cells import Cell, Column, Styled
from bureau.cli.formatting import plain
from bureau.cli.job_names import END, find_job
from bureau.client import Bureau, Job, Patience
from bureau.client.encoding import json_bytes

if TYPE_CHECKING:
    from rich.console import Console

PATIENCE = Patience(seconds=5.0)  # short, because a person is waiting
LONG_PATIENCE = Patience(seconds=60.0)  # long enough to follow a job through a restart of the gateway
UNLIMITED = 100_000  # columns: output to a pipe is not cut


class Session:
    """Holds the client and the output of one run of the command."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self.as_json = False

    @cached_property
    def bureau(self) -> Bureau:
        return Bureau(self._url, patience=PATIENCE)

    def job(self, name: str) -> Job:
        """Returns the job that a person names by its id or a part of it. Raises `NotOneJob`, `Problem`."""
        return find_job(self.bureau, name)

    def shown_id(self, job_id: str) -> str:
        """Returns the end of an id for a list on a terminal; scripts get the whole id."""
        return job_id[-END:] if self.out.is_terminal else job_id

    def retrying_longer(self, job: Job) -> Job:
        """Returns the job with a client that retries for a minute.

        Long operations use it: following a job, fetching its files. By then an answer has shown that Bureau can be
        reached, so a failure is likely to pass.
        """
        return Job(Bureau(self._url, patience=LONG_PATIENCE).connection, job.data)

    @cached_property
    def out(self) -> "Console":
        return _console(stderr=False)

    @cached_property
    def err(self) -> "Console":
        return _console(stderr=True)

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def json(self, value: Any, *, indent: int | None = 2) -> None:
        """Prints a value on stdout as JSON; without `indent` it is one line."""
        text = json.dumps(json.loads(json_bytes(value)), ensure_ascii=False, indent=indent)
        click.echo(text)

    def line(self, text: str = "", style: str = "") -> None:
        """Prints a line on stdout. The terminal wraps it, not this method, so that copied text has no line breaks."""
        self.parts(Styled(plain(text), style))

    def parts(self, *parts: Styled) -> None:
        """Prints a line of parts in several styles; the style of the first part applies to the whole line."""
        from rich.text import Text

        self.out.print(Text.assemble(*parts, style=parts[0].style), soft_wrap=True)

    def note(self, text: str, style: str = "dim") -> None:
        """Prints a remark on stderr, so that stdout holds only the result."""
        from rich.text import Text

        self.err.print(Text(plain(text), style=style), soft_wrap=True)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], below: Sequence[str] = ()) -> None:
        """Prints a table on stdout, as wide as the terminal at most.

        `below` holds a text to print in red below each row, or an empty one.
        """
        from bureau.cli.table import cut, table

        head, *lines = table(columns, rows, self.out.width)
        self.out.print(head, soft_wrap=True)
        for line, error in zip_longest(lines, below, fillvalue=""):
            self.out.print(line, soft_wrap=True)
            if error:
                self.line(cut(f"    {error}", self.out.width), "red")


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    colourless = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    width = None if stream.isatty() or os.environ.get("COLUMNS") else UNLIMITED
    return Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        width=width,
        color_system=None if colourless else "auto",
    )


def _as_json(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).as_json = True


json_option = click.option("--json", is_flag=True, expose_value=False, callback=_as_json, help="Print JSON.")
