"""Shows a job's events live: `bureau follow`."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import click

from bureau.cli import states
from bureau.cli.cells import Styled
from bureau.cli.commands.completion import job_ids
from bureau.cli.exits import GOOD, INTERRUPTED, JOB_FAILED
from bureau.cli.formatting import one_line
from bureau.cli.session import Session, json_option
from bureau.client import Event, Job
from bureau.client.events import progress_line
from bureau.client.job import detail_lines
from bureau.formatting import size

if TYPE_CHECKING:
    from rich.progress import Progress

PROGRESS_EVERY = timedelta(seconds=10)  # without a terminal, at most one progress line in this time


@click.command()
@click.argument("job_id", metavar="JOB", shell_complete=job_ids)
@json_option
@click.pass_obj
def follow(session: Session, job_id: str) -> None:
    """Show what happens to a job, live, until it ends.

    Earlier events come first. Exits with 0 if the job succeeded and 1 if it did not. With --json each event is one
    line.
    """
    raise click.exceptions.Exit(follow_to_end(session, session.bureau.get(job_id)))


def follow_to_end(session: Session, job: Job) -> int:
    """Shows the job's events until it ends; returns the exit code."""
    job = session.retrying_longer(job)
    try:
        if session.as_json:
            for event in job.follow():
                session.json(asdict(event), indent=None)
        else:
            with _event_printer(session) as printer:
                for event in job.follow():
                    printer.show(event)
    except KeyboardInterrupt:
        session.note(f"The job continues. Follow it again: bureau follow {job.id}")
        return INTERRUPTED
    job.refresh()
    if not session.as_json:
        print_outcome(session, job)
    return GOOD if job.state == "succeeded" else JOB_FAILED


def print_outcome(session: Session, job: Job) -> None:
    """Prints the job's errors one by one, its files, and how to download them."""
    for line in detail_lines(job.error):
        session.line(f"  {one_line(line)}", "red")
    for artifact in job.artifacts:
        session.line(f"  {one_line(artifact.name)}  {size(artifact.size)}")
    if job.artifacts:
        session.note(f"Download them: bureau download {job.id}")


class _EventPrinter(Protocol):
    def show(self, event: Event) -> None: ...


class _Lines:
    """Prints a line for each event, and a line for progress at most every `PROGRESS_EVERY`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._progress_at: datetime | None = None

    def show(self, event: Event) -> None:
        if event.type == "task.progressed":
            if self._progress_at and event.at - self._progress_at < PROGRESS_EVERY:
                return
            self._progress_at = event.at
        self._session.parts(*_line(event))


class _Live(_Lines):
    """Prints the same lines on a terminal, with a progress bar below them."""

    def __init__(self, session: Session, bar: "Progress") -> None:
        super().__init__(session)
        self._bar = bar
        self._bar_id = bar.add_task("waiting", total=None, note="")

    def show(self, event: Event) -> None:
        if event.type == "task.progressed":
            data = event.data
            total, current = data.get("total"), data.get("current") or 0
            note = one_line(progress_line({**data, "percent": None}))
            self._bar.update(self._bar_id, description=event.task or "", completed=current, total=total, note=note)
            return
        if event.type == "task.started":
            self._bar.reset(self._bar_id, description=event.task or "", total=None, note="")
        super().show(event)


@contextmanager
def _event_printer(session: Session) -> Iterator[_EventPrinter]:
    if not session.out.is_terminal:
        yield _Lines(session)
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TextColumn("{task.fields[note]}"))
    with Progress(*columns, console=session.out, transient=True) as bar:
        yield _Live(session, bar)


def _line(event: Event) -> tuple[Styled, Styled]:
    state = event.data.get("state", "") if event.type == "job.finished" else event.type.rpartition(".")[2]
    style = "dim" if event.type in ("task.logged", "task.progressed") else states.style(state)
    return Styled(f"{event.at.astimezone():%H:%M:%S}  ", "dim"), Styled(one_line(event.line()), style or "default")
