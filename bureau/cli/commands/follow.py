"""`bureau follow`: a job's story as it happens."""

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
from bureau.cli.session import Session, json_option
from bureau.cli.words import one_line
from bureau.client import Event, Job
from bureau.client.events import progress_line
from bureau.client.job import detail_lines
from bureau.formatting import size

if TYPE_CHECKING:
    from rich.progress import Progress

PROGRESS_EVERY = timedelta(seconds=10)  # where there is no terminal, a line so often


@click.command()
@click.argument("job_id", metavar="JOB", shell_complete=job_ids)
@json_option
@click.pass_obj
def follow(session: Session, job_id: str) -> None:
    """Show what happens to a job, live, until it ends.

    Its whole story comes first. Exits with 0 when it succeeded and 1 when it did not. With --json each event is a line.
    """
    raise click.exceptions.Exit(told(session, session.bureau.get(job_id)))


def told(session: Session, job: Job) -> int:
    """Tells the job's story to its end; the exit code it means."""
    job = session.patiently(job)
    try:
        if session.as_json:
            for event in job.follow():
                session.json(asdict(event), indent=None)
        else:
            with _shown(session) as shown:
                for event in job.follow():
                    shown.tell(event)
    except KeyboardInterrupt:
        session.note(f"The job goes on. See it again: bureau follow {job.id}")
        return INTERRUPTED
    job.refresh()
    if not session.as_json:
        conclude(session, job)
    return GOOD if job.state == "succeeded" else JOB_FAILED


def conclude(session: Session, job: Job) -> None:
    """Shows how the job ended: its errors one by one, its files and how to get them."""
    for line in detail_lines(job.error):
        session.line(f"  {one_line(line)}", "red")
    for artifact in job.artifacts:
        session.line(f"  {one_line(artifact.name)}  {size(artifact.size)}")
    if job.artifacts:
        session.note(f"Get them: bureau download {job.id}")


class _Shown(Protocol):
    def tell(self, event: Event) -> None: ...


class _Lines:
    """A line for each event; of progress one now and then."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._progress_at: datetime | None = None

    def tell(self, event: Event) -> None:
        if event.type == "task.progressed":
            if self._progress_at and event.at - self._progress_at < PROGRESS_EVERY:
                return
            self._progress_at = event.at
        self._session.parts(*_line(event))


class _Live(_Lines):
    """The same, with a bar below that shows how far the job is."""

    def __init__(self, session: Session, bar: "Progress") -> None:
        super().__init__(session)
        self._bar = bar
        self._shown = bar.add_task("waiting", total=None, said="")

    def tell(self, event: Event) -> None:
        if event.type == "task.progressed":
            data = event.data
            total, current = data.get("total"), data.get("current") or 0
            said = one_line(progress_line({**data, "percent": None}))
            self._bar.update(self._shown, description=event.task or "", completed=current, total=total, said=said)
            return
        if event.type == "task.started":
            self._bar.reset(self._shown, description=event.task or "", total=None, said="")
        super().tell(event)


@contextmanager
def _shown(session: Session) -> Iterator[_Shown]:
    if not session.out.is_terminal:
        yield _Lines(session)
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(20), TaskProgressColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=session.out, transient=True) as bar:
        yield _Live(session, bar)


def _line(event: Event) -> tuple[Styled, Styled]:
    ending = event.data.get("state", "") if event.type == "job.finished" else event.type.rpartition(".")[2]
    style = "dim" if event.type in ("task.logged", "task.progressed") else states.style(ending)
    return Styled(f"{event.at.astimezone():%H:%M:%S}  ", "dim"), Styled(one_line(event.line()), style or "default")
