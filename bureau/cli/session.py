"""What every command works with: the client and the way out."""

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
from bureau.cli.words import plain
from bureau.client import Bureau, Job, Patience
from bureau.client.plain import json_bytes

if TYPE_CHECKING:
    from rich.console import Console

PATIENCE = Patience(seconds=5.0)  # a person waits
LONG_PATIENCE = Patience(seconds=60.0)  # a job is followed through a restart of the gateway
UNLIMITED = 100_000  # columns: what is piped is not cut


class Session:
    """Of one run of the command."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self.as_json = False

    @cached_property
    def bureau(self) -> Bureau:
        return Bureau(self._url, patience=PATIENCE)

    def patiently(self, job: Job) -> Job:
        """For what takes long: following a job, fetching its files. That Bureau is there was seen by then."""
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
        text = json.dumps(json.loads(json_bytes(value)), ensure_ascii=False, indent=indent)
        click.echo(text)

    def line(self, text: str = "", style: str = "") -> None:
        """On stdout; wrapped by the terminal, not here, so that what is copied is whole."""
        self.parts(Styled(plain(text), style))

    def parts(self, *parts: Styled) -> None:
        """The same, of words in several styles; that of the first is the whole line's."""
        from rich.text import Text

        self.out.print(Text.assemble(*parts, style=parts[0].style), soft_wrap=True)

    def note(self, text: str, style: str = "dim") -> None:
        """On stderr: words about what stdout holds."""
        from rich.text import Text

        self.err.print(Text(plain(text), style=style), soft_wrap=True)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Cell]], below: Sequence[str] = ()) -> None:
        """`below` is what stands in red below each row; nothing where it is empty."""
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


json_option = click.option("--json", is_flag=True, expose_value=False, callback=_as_json, help="JSON instead of words.")
