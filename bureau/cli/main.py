"""Assembles the command `bureau` and turns errors into exit codes."""

import os
import sys
from typing import Any

import click

from bureau.cli import exits
from bureau.cli.commands import (
    actions,
    completion,
    download,
    follow,
    jobs,
    keys,
    lists,
    queues,
    schedules,
    status,
    submit,
)
from bureau.cli.port import port
from bureau.cli.processes.announce import announce
from bureau.cli.processes.run import run
from bureau.cli.processes.worker import worker
from bureau.cli.session import Session
from bureau.client import BureauError


class Commands(click.Group):
    """Lists commands in the order they were added, that of their use, and turns client errors into exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BureauError as error:
            exits.print_error(error, as_json=ctx.ensure_object(Session).as_json)
            raise click.exceptions.Exit(exits.code_of(error)) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(exits.INTERRUPTED) from None
        except BrokenPipeError:  # `bureau jobs | head`: the reader has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(0) from None
        except (OSError, ValueError) as error:  # a file or an address that was typed wrong
            click.echo(f"Error: {error}", err=True)
            raise click.exceptions.Exit(exits.USAGE) from error


def _print_version(ctx: click.Context, _param: click.Parameter, requested: bool) -> None:
    if requested and not ctx.resilient_parsing:
        # Imported here, because it reads the installed distributions, which takes a fifth of a help text's time.
        from bureau.version import version

        click.echo(f"bureau {version()}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.option("--url", envvar="BUREAU_URL", help="Gateway address.  [default: http://127.0.0.1:8600]", show_envvar=True)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context, url: str | None) -> None:
    """Background paperwork: submit jobs, follow them, check status.

    The key comes from BUREAU_KEY, or from the file that BUREAU_KEY_FILE names. Every command has --json.

    Exit codes: 0 success, 1 the job failed, 2 wrong usage or refused, 3 Bureau cannot be reached, 4 not allowed.
    """
    ctx.obj = Session(url)


for command in (
    status.status,
    submit.submit,
    follow.follow,
    jobs.jobs,
    jobs.job,
    download.download,
    jobs.open_,
    actions.retry,
    actions.cancel,
    lists.tasks,
    queues.queues,
    queues.pause,
    queues.resume,
    queues.purge,
    lists.workers,
    schedules.schedules,
    lists.reports,
    run,
    worker,
    announce,
    keys.keys,
    port,
    completion.completion,
):
    cli.add_command(command)


def main() -> None:
    """Runs the command; the console script `bureau` calls it."""
    cli(prog_name="bureau")
