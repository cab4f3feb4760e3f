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
    Column("LATER", right=True),
    Column("BLOCKED", right=True),
    Column("RUNNING", right=True),
    Column("WORKERS", right=True),
    Column("THREADS", right=True),
    Column(""),
)


@click.command()
@json_option
@click.pass_obj
def queues(session: Session) -> None:
    """List queues with their tasks and their workers.

    WAITING tasks are due and have not started, LATER ones are due later, and BLOCKED ones wait for other tasks of their
    jobs. `purge` cancels the waiting and the later ones. THREADS is how many tasks its workers run at once.
    """
    found = session.bureau.queues()
    if session.as_json:
        session.json(found)
    elif not found:
        session.note("No queues: no worker has started, and no task waits.")
    else:
        session.table(_COLUMNS, [_row(session, queue) for queue in found])


def _row(session: Session, queue: QueueData) -> list[Cell]:
    paused = f"paused {clock(queue['paused_at'], session.now)}" if queue["paused_at"] else ""
    return [
        Styled(queue["name"], "bold red" if queue.get("trouble") else ""),
        f"{queue['queued']:,}",
        age(queue["oldest_queued_seconds"]) if queue["queued"] else "-",
        f"{queue['scheduled']:,}",
        f"{queue['waiting']:,}",
        f"{queue['running']:,}",
        f"{queue['workers']:,}",
        f"{queue['threads']:,}",
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
        session.line(f"{not_started(session, queue, purged.count)}   Confirm: --expect {purged.count}")
    else:
        session.line("No task waits to be started.")
    if purged.dry_run and not dry_run and purged.count:
        raise click.exceptions.Exit(USAGE)


def not_started(session: Session, name: str, number: int) -> str:
    """Formats how many tasks a purge cancels, with the words of `bureau queues` for their parts."""
    text = f"{count(number, 'task')} {'has' if number == 1 else 'have'} not started"
    queue = next((one for one in session.bureau.queues() if one["name"] == name), None)
    if queue is None or queue["queued"] + queue["scheduled"] != number:  # it has changed meanwhile
        return f"{text}."
    return f"{text}: {queue['queued']:,} waiting, {queue['scheduled']:,} later."


def _print_queue(session: Session, queue: QueueData, state: str) -> None:
    if session.as_json:
        session.json(queue)
        return
    parts = [f"{queue['queued']:,} waiting", f"{queue['scheduled']:,} later", f"{queue['waiting']:,} blocked"]
    session.line(f"{queue['name']} {state}: {', '.join(parts)}, {queue['running']:,} running.")
