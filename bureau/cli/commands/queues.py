"""Lists, pauses, resumes and purges queues: `bureau queues`, `pause`, `resume`, `purge`."""

import click

from bureau.cli.cells import Cell, Column, Styled
from bureau.cli.commands.completion import queue_names
from bureau.cli.exits import USAGE
from bureau.cli.formatting import age, clock
from bureau.cli.session import Session, json_option
from bureau.client.shapes import QueueData
from bureau.formatting import count

_COLUMNS = (
    Column("QUEUE", flexible=True),
    Column("WAITING", right=True),
    Column("OLDEST", right=True),
    Column("RUNNING", right=True),
    Column("LATER", right=True),
    Column("WORKERS", right=True),
    Column("BUSY", right=True),
    Column(""),
)


@click.command()
@json_option
@click.pass_obj
def queues(session: Session) -> None:
    """List queues with their waiting and running tasks and their workers."""
    found = session.bureau.queues()
    if session.as_json:
        session.json(found)
    elif not found:
        session.note("No queue yet: no worker has announced itself.")
    else:
        session.table(_COLUMNS, [_row(session, queue) for queue in found])


def _row(session: Session, queue: QueueData) -> list[Cell]:
    paused = f"paused {clock(queue['paused_at'], session.now)}" if queue["paused_at"] else ""
    return [
        Styled(queue["name"], "bold red" if queue.get("trouble") else ""),
        f"{queue['queued']:,}",
        age(queue["oldest_queued_seconds"]) if queue["queued"] else "-",
        f"{queue['running']:,}",
        f"{queue['scheduled'] + queue['waiting']:,}",
        f"{queue['workers']:,}",
        f"{queue['busy']}/{queue['threads']}",
        Styled(paused, "yellow"),
    ]


@click.command()
@click.argument("queue", shell_complete=queue_names)
@json_option
@click.pass_obj
def pause(session: Session, queue: str) -> None:
    """Stop QUEUE from starting tasks; running tasks continue."""
    _print_queue(session, session.bureau.pause(queue), "is paused")


@click.command()
@click.argument("queue", shell_complete=queue_names)
@json_option
@click.pass_obj
def resume(session: Session, queue: str) -> None:
    """Let QUEUE start tasks again."""
    _print_queue(session, session.bureau.resume(queue), "is resumed")


@click.command()
@click.argument("queue", shell_complete=queue_names)
@click.option("--dry-run", is_flag=True, help="Count only.")
@click.option("--expect", type=click.IntRange(0), help="Do it if exactly this many wait.")
@json_option
@click.pass_obj
def purge(session: Session, queue: str, dry_run: bool, expect: int | None) -> None:
    """Cancel the tasks in QUEUE that have not started.

    They are counted first; nothing is changed until --expect names their number.
    """
    purged = session.bureau.purge(queue, dry_run=dry_run or expect is None, expect=expect)
    if session.as_json:
        session.json({"count": purged.count, "changed": purged.changed, "dry_run": purged.dry_run})
    elif not purged.dry_run:
        session.line(f"{count(purged.changed, 'task')} cancelled.")
    elif purged.count:
        session.line(f"{count(purged.count, 'task')} waiting.   Confirm: --expect {purged.count}")
    else:
        session.line("No task is waiting.")
    if purged.dry_run and not dry_run and purged.count:
        raise click.exceptions.Exit(USAGE)


def _print_queue(session: Session, queue: QueueData, what: str) -> None:
    if session.as_json:
        session.json(queue)
    else:
        session.line(f"{queue['name']} {what}: {queue['queued']:,} waiting, {queue['running']:,} running.")
